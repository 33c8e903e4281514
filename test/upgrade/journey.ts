import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { memoryStorage } from '@mfa-kit/core/storage/memory';
import { createAuthenticator, createClock, type TestClock } from '@mfa-kit/core/testing';
import express from 'express';
import session, { MemoryStore } from 'express-session';
import { type Answer, Client, type Sent } from '../express/client.js';
import { createNames, type Names } from './names.js';
import { DAY, HOUR, KEY, MINUTE, NOON, OTHER_KEY, wrongCode } from './pair.js';
import type { Event, Flows, Options, Release, SessionState, User } from './releases.js';
import { openRow } from './sealed.js';

/** An account of the host with its policy. */
interface Account extends User {
  policy: Record<string, unknown>;
}

/** One release in an application, and everything observable of it. */
export interface Stage {
  release: Release;
  clock: TestClock;
  flows: Flows;
  names: ReturnType<typeof createNames>;
  origin: string;
  /** What the host's session store holds for the kit. */
  sessionStates(): Promise<SessionState[]>;
  close(): Promise<void>;
}

/** Collects what a release sends, stores, signs and reports in a journey over every endpoint. */
export async function walkThrough(release: Release): Promise<Names> {
  const stage = await openStage(release);
  try {
    await journey(stage);
    await operations(stage);
    return stage.names.all();
  } finally {
    await stage.close();
  }
}

const HEADERS_OF_THE_HOST = /^(x-powered-by|date|etag|connection|keep-alive|content-length|set-cookie|transfer-encoding)$/;

async function openStage(release: Release): Promise<Stage & Faults> {
  const names = createNames();
  const clock = createClock(NOON);
  const memory = memoryStorage();
  const faults = { down: false, deaf: false };
  const storage: typeof memory = {
    ...memory,
    async read(userId) {
      if (faults.down) throw new Error('the storage is down');
      const stored = await memory.read(userId);
      // Inspects everything that was written, at its next read.
      if (stored && !stored.value.startsWith('broken')) noteRow({ userId, ...stored });
      return stored;
    },
  };
  const noteRow = (row: Parameters<typeof openRow>[0]) => {
    const { profile, format, keyId } = openRow(row, KEY);
    names.noteValue('profile', profile);
    names.noteValue('sealed value', { format, keyId });
  };
  const options: Options = {
    issuer: 'Acme',
    keys: [KEY, OTHER_KEY],
    storage,
    policy: ({ id }) => accounts.get(id.slice(5))?.policy ?? {},
    markEnrolled: () => {
      if (faults.deaf) throw new Error('the host is deaf');
    },
    onEvent: (event) => names.noteValue(`event ${event.name}`, event),
    notify: (notice: Event) => {
      names.noteValue(`notice ${notice.name}`, notice);
      if (faults.deaf) throw new Error('the host is deaf');
    },
    clock: clock.now,
  };
  const flows = release.createMfa(options);
  const accounts = new Map<string, Account>(
    (
      [
        ['ada', {}],
        ['bob', {}],
        ['carol', {}],
        ['grace', { mfa: 'optional' }],
        ['alan', { mfa: 'required', enrollBy: NOON + 14 * DAY }],
        ['olga', { mfa: 'off' }],
        ['eve', { mfa: 'required', mayEnroll: false }],
        ['lost', {}],
      ] as const
    ).map(([name, policy]) => [
      name,
      { id: `user-${name}`, name: `${name}@example.com`, policy, ...(name === 'lost' && { enrolled: true }) },
    ]),
  );
  const byId = (id: string | undefined) => [...accounts.values()].find((account) => account.id === id) ?? null;
  const sessions = new MemoryStore();

  const kit = release.express.expressMfa(flows as never, {
    user: (req) => byId((req.session as { userId?: string } | undefined)?.userId),
    userById: byId,
    loginUrl: '/login',
    eventContext: () => ({ ip: '192.0.2.1' }),
    onVerified: (_req, { assurance, user }) => {
      const claims = release.assuranceClaims(assurance, ['pwd']);
      names.noteValue('claims of an access token', claims);
      names.noteValue('assurance', release.assuranceFromClaims({ ...claims, sub: user.id }));
      return { accessToken: 'of the host' };
    },
  });
  const app = express();
  app.use(session({ secret: 'cat', resave: false, saveUninitialized: false, store: sessions, name: 'sid' }));
  app.use('/mfa', kit.router);
  app.post('/login', (req, res, next) => {
    const account = accounts.get(String(req.query.user));
    if (!account) return void res.sendStatus(401);
    (req.session as { userId?: string }).userId = account.id;
    kit
      .mfaFor(req, res)
      .then((bound) => bound.beginLogin())
      .then((begun) => res.json(begun))
      .catch(next);
  });
  app.get('/cases', kit.requireMfa(), (_req, res) => void res.json({}));
  app.post('/payouts', kit.requireMfa({ maxAgeSeconds: 300 }), (_req, res) => void res.json({}));
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  const sessionStates = () =>
    new Promise<SessionState[]>((resolve) => {
      sessions.all((_error, all) =>
        resolve(Object.values(all ?? {}).flatMap((one) => (one as { mfa?: SessionState }).mfa ?? [])),
      );
    });
  return { release, clock, flows, names, origin, close, sessionStates, faults, storage: memory };
}

interface Faults {
  faults: { down: boolean; deaf: boolean };
  storage: ReturnType<typeof memoryStorage>;
}

/** A client that records every answer. */
class NotingClient extends Client {
  constructor(
    readonly stage: Stage,
    headers?: Record<string, string>,
  ) {
    super(stage, headers);
  }

  override async request(method: string, path: string, sent: Sent = {}): Promise<Answer> {
    const answer = await super.request(method, path, sent);
    const [bare] = path.split('?');
    const { names } = this.stage;
    const type = answer.headers.get('content-type') ?? 'nothing';
    const place = `answer ${method} ${bare} ${answer.status}${type.includes('html') ? ' page' : ''}`;
    names.note(place, [`type ${type}`]);
    names.note(
      place,
      [...answer.headers.keys()].filter((name) => !HEADERS_OF_THE_HOST.test(name)).map((name) => `header ${name}`),
    );
    const problem = type.includes('problem+json');
    if (problem) names.noteValue(`problem ${answer.body.reason}`, answer.body);
    if (problem) names.note(place, [`problem ${answer.body.reason}`]);
    else if (type.includes('json')) names.noteValue(place, answer.body);
    if (type.includes('html')) names.note(place, formsOf(answer.text));
    for (const line of answer.cookies) this.noteCookie(line);
    for (const state of await this.stage.sessionStates()) names.noteValue(`session ${state.state}`, state);
    return answer;
  }

  private noteCookie(line: string): void {
    const [pair = '', ...attributes] = line.split('; ');
    const [name = '', value = ''] = pair.split('=');
    if (name === 'sid') return;
    const shown = name.replace(/[0-9a-f]{12}$/, '<12 hex digits>');
    this.stage.names.note(`cookie ${shown}`, attributes);
    if (value.startsWith('eyJ')) noteToken(this.stage, 'device token', value);
  }
}

/** The targets of the forms of a page, and the names of their fields. */
function formsOf(html: string): string[] {
  return [...html.matchAll(/<form[^>]*action="([^"?]*)[^>]*>(.*?)<\/form>/gs)].flatMap(([, action, body = '']) => [
    `form ${action}`,
    ...[...body.matchAll(/<(?:input|button|select)[^>]*\bname="([^"]*)"/g)].map(([, name]) => `form ${action} field ${name}`),
  ]);
}

function noteToken({ names }: Stage, place: string, token: string): void {
  const [header = '', payload = ''] = token.split('.');
  const read = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  names.noteValue(place, { header: read(header), claims: read(payload) });
}

/** What people and their clients do. */
async function journey(stage: Stage & Faults): Promise<void> {
  const { clock, faults } = stage;
  const ada = new NotingClient(stage);
  for (const path of ['/cases', '/mfa', '/mfa/enroll', '/mfa/challenge']) await ada.get(path);
  await ada.post('/mfa/enroll', {});
  const begun = await ada.post('/login?user=ada');
  noteToken(stage, 'pending token', begun.body.pendingToken);
  for (const path of ['/cases', '/mfa', '/mfa/enroll', '/mfa/challenge', '/mfa/nothing', '/mfa/verify']) await ada.get(path);
  await ada.post('/mfa/verify', { code: '123456' });
  const started = await ada.post('/mfa/enroll', { name: 'Phone' });
  await ada.get('/mfa/enroll');
  await ada.page('GET', '/mfa/enroll');
  const app = createAuthenticator(started.body.uri);
  const code = (): string => {
    clock.advance(MINUTE);
    return app.code(clock.now());
  };
  const { enrollmentId } = started.body;
  await ada.post('/mfa/enroll/confirm', { code: '123456' });
  await ada.post('/mfa/enroll/confirm', { enrollmentId, code: wrongCode(app, clock.now()) });
  const confirmed = await ada.post('/mfa/enroll/confirm', { enrollmentId, code: app.code(clock.now()), rememberDevice: true });
  await ada.post('/mfa/enroll/confirm', { enrollmentId, code: app.code(clock.now()) });
  const recoveryCodes: string[] = confirmed.body.recoveryCodes;
  for (const path of ['/cases', '/mfa', '/mfa/challenge']) await ada.get(path);

  // A login in a remembered browser, then a step-up.
  clock.advance(DAY);
  await ada.post('/login?user=ada');
  await ada.get('/cases');
  await ada.post('/payouts');
  await ada.post('/mfa/recovery-codes', {});
  // Release 1 asks because its session has the return path, and ignores the query of the URL.
  const asked = ['/mfa/challenge?rememberedDevice=no', '/mfa/challenge?use=recovery-code&rememberedDevice=no'];
  for (const path of ['/mfa', ...asked]) await ada.page('GET', path);
  await ada.post('/mfa/verify', {});
  await ada.post('/mfa/verify', { code: '12' });
  await ada.post('/mfa/verify', { code: wrongCode(app, clock.now()) });
  await ada.post('/mfa/verify', { code: code(), rememberDevice: true });
  await ada.post('/payouts');
  const elsewhere = new NotingClient(stage);
  await elsewhere.post('/login?user=ada');
  await elsewhere.post('/mfa/verify', { code: code(), rememberDevice: true });
  const second = await ada.post('/mfa/enroll', { name: 'Tablet' });
  await ada.post('/mfa/enroll/cancel', { enrollmentId: second.body.enrollmentId });
  await ada.post('/mfa/enroll/confirm', { enrollmentId: second.body.enrollmentId, code: '123456' });
  const third = await ada.post('/mfa/enroll', {});
  await ada.post('/mfa/enroll/confirm', {
    enrollmentId: third.body.enrollmentId,
    code: createAuthenticator(third.body.uri).code(clock.now()),
  });
  const { authenticators, devices } = (await ada.get('/mfa')).body;
  await ada.page('GET', '/mfa');
  await ada.post('/mfa/authenticators/rename', { id: authenticators[1].id, name: 'Watch' });
  await ada.post('/mfa/authenticators/rename', { id: 'A'.repeat(22), name: 'Watch' });
  await ada.post('/mfa/authenticators/remove', { id: authenticators[1].id });
  await ada.post('/mfa/authenticators/remove', { id: authenticators[0].id });
  await ada.post('/mfa/recovery-codes', {});
  await ada.post('/mfa/devices/revoke', {});
  await ada.post('/mfa/devices/revoke', { id: devices.find((device: { current: boolean }) => !device.current).id });
  await ada.post('/mfa/sessions/end', {});
  // The last one is the device that this session came from.
  await ada.post('/mfa/devices/revoke', { id: devices.find((device: { current: boolean }) => device.current).id });

  // With recovery codes, until few are left. The set is still the first one, because a second proof within a minute makes no new one.
  await ada.post('/login?user=ada');
  await ada.post('/mfa/verify', { code: code(), rememberDevice: true });
  const renewed = await ada.post('/mfa/recovery-codes', {});
  for (const recoveryCode of (renewed.body.recoveryCodes ?? recoveryCodes).slice(0, 8)) {
    await ada.post('/login?user=ada');
    await ada.post('/mfa/verify', { recoveryCode });
  }
  await ada.post('/mfa/verify', { recoveryCode: '0000-0000-0000-0000-0000-0000' });

  // A client without cookies.
  const tool = {
    post: (path: string, body: object) => new NotingClient(stage, { 'user-agent': 'acme-cli/1.0' }).post(path, body),
  };
  clock.advance(MINUTE);
  const { pendingToken } = (await new NotingClient(stage).post('/login?user=ada')).body;
  await tool.post('/mfa/verify', { code: code(), pendingToken, rememberDevice: true });
  await tool.post('/mfa/verify', { code: code(), pendingToken });
  await tool.post('/mfa/verify', { code: code(), pendingToken: 'nothing' });
  await tool.post('/mfa/verify', { code: code() });
  const newcomer = (await new NotingClient(stage).post('/login?user=bob')).body.pendingToken;
  const byToken = (await tool.post('/mfa/enroll', { pendingToken: newcomer })).body;
  await tool.post('/mfa/enroll/confirm', {
    pendingToken: newcomer,
    enrollmentId: byToken.enrollmentId,
    code: createAuthenticator(byToken.uri).code(clock.now()),
  });

  // Guessing.
  const attacker = new NotingClient(stage);
  await attacker.post('/login?user=ada');
  for (let tries = 0; tries < 7; tries++) await attacker.post('/mfa/verify', { code: wrongCode(app, clock.now(), tries) });
  await attacker.page('GET', '/mfa/challenge');

  // Other requests, other policies, other faults.
  await ada.post('/mfa/verify', '{', { 'content-type': 'application/json' });
  await ada.post('/mfa/verify', { code: '123456' }, { 'sec-fetch-site': 'cross-site' });
  for (const name of ['grace', 'alan', 'olga', 'eve', 'lost']) {
    const other = new NotingClient(stage);
    await other.post(`/login?user=${name}`);
    for (const path of ['/cases', '/mfa', '/mfa/challenge']) await other.get(path);
    await other.post('/mfa/enroll', {});
    await other.post('/payouts');
  }
  const carol = new NotingClient(stage);
  await carol.post('/login?user=carol');
  for (let starts = 0; starts < 11; starts++) await carol.post('/mfa/enroll', {});
  clock.advance(HOUR);
  await carol.post('/mfa/enroll', {});
  await carol.page('GET', '/mfa/enroll');
  faults.down = true;
  for (const path of ['/cases', '/mfa', '/mfa/challenge']) await carol.get(path);
  await carol.post('/mfa/verify', { code: '123456' });
  await carol.post('/login?user=carol');
  faults.down = false;
}

/** Operations and failures, for events that no request causes. */
async function operations(stage: Stage & Faults): Promise<void> {
  const { clock, flows, faults, storage, names } = stage;
  const user = { id: 'user-carol', name: 'carol@example.com' };
  const operator = { userId: user.id, actor: 'support', reason: 'asked', context: { ip: '192.0.2.1' } };
  const enroll = async () => {
    const { session } = await flows.beginLogin({ user });
    const started = await flows.startEnrollment({ user, session });
    const app = createAuthenticator(started.enrollment?.uri ?? '');
    const code = app.code(clock.now());
    const enrollmentId = started.enrollment?.id ?? '';
    await flows.confirmEnrollment({ user, session: started.session, enrollmentId, code });
    clock.advance(MINUTE);
    return app;
  };
  clock.advance(HOUR);
  const app = await enroll();
  const logIn = async () => {
    clock.advance(MINUTE);
    const { session } = await flows.beginLogin({ user });
    return flows.verify({ user, session, code: app.code(clock.now()), rememberDevice: true, deviceLabel: 'Firefox' });
  };
  // A device token that is presented after its successor, one of another user, an invalid one, one of a device that is not remembered.
  const { device } = await logIn();
  const shown = [device?.token ?? ''];
  for (let uses = 0; uses < 2; uses++) {
    clock.advance(HOUR);
    shown.push((await flows.beginLogin({ user, deviceToken: shown.at(-1) ?? '' })).device?.token ?? '');
  }
  clock.advance(HOUR);
  await flows.beginLogin({ user, deviceToken: shown[0] ?? '' });
  await flows.beginLogin({ user, deviceToken: 'nothing' });
  await flows.beginLogin({ user, deviceToken: shown[2] ?? '' });
  await flows.beginLogin({ user: { ...user, id: 'user-ada' }, deviceToken: shown[2] ?? '' });
  const forgotten = await logIn();
  await flows.passwordChanged({ userId: user.id });
  await flows.beginLogin({ user, deviceToken: forgotten.device?.token ?? '' });
  clock.advance(100 * DAY);
  await flows.beginLogin({ user, deviceToken: forgotten.device?.token ?? '' });
  // A code that is used twice, the end of all own sessions, and guesses until the bucket is full.
  const again = await logIn();
  await flows.verify({ user, session: (await flows.beginLogin({ user })).session, code: app.code(clock.now()) });
  await flows.endAllSessions({ user, session: again.session });
  for (let tries = 0; tries < 25; tries++) {
    const { session } = await flows.beginLogin({ user });
    await flows.verify({ user, session, code: wrongCode(app, clock.now(), tries) });
    clock.advance(HOUR);
  }
  await flows.clearLockout(operator);
  // A clock that was ahead.
  clock.advance(HOUR);
  await logIn();
  clock.advance(-HOUR / 2);
  await logIn();
  clock.advance(HOUR);
  names.noteValue('report', await flows.report());
  names.noteValue('keys rotated', await flows.rotateKeys());
  names.noteValue('restore handled', await flows.afterRestore());
  names.noteValue('status', await flows.getStatus({ user }));
  faults.deaf = true;
  // Only its events count here, whether it was done or not.
  await flows.resetMfa(operator).catch(() => undefined);
  await new Promise((resolve) => setImmediate(resolve));
  faults.deaf = false;
  faults.down = true;
  await flows.checkAccess({ user, session: again.session as SessionState });
  faults.down = false;
  const stored = await storage.read(user.id);
  await storage.write(user.id, { version: 'broken', value: 'broken' }, stored?.version ?? null);
  await flows.checkAccess({ user, session: again.session as SessionState });
  await flows.forgetUser({ userId: user.id });
  await new Promise((resolve) => setImmediate(resolve));
}
