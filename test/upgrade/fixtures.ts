import { createAuthenticator } from '@mfa-kit/core/testing';
import {
  access,
  begin,
  createPair,
  DAY,
  enroll,
  expectOk,
  HOUR,
  KEY,
  logIn,
  MINUTE,
  OTHER_KEY,
  type Pair,
  type Person,
  said,
  sessionOf,
  statusOf,
  wrongCode,
} from './pair.js';
import { type Grant, release1, type SessionState, type Status, type User } from './releases.js';
import { openRow, type Row } from './sealed.js';
import { stores } from './stores.js';

/** Everything that release 1 stored and issued for one user. */
export interface Fixture extends Row {
  /** The server's clock at that time, in epoch milliseconds. */
  at: number;
  /** What release 1 answered. */
  status: Status;
  /** Key URIs of what the user has enrolled. */
  apps: string[];
  /** Key URIs of what the user had enrolled. */
  removedApps: string[];
  /** A code that was just used. */
  usedCode?: string;
  recoveryCodes: { left: string[]; used: string[] };
  /** Session states as in a session store, and the decisions of the guard of release 1. */
  sessions: { name: string; state: SessionState; said: string }[];
  /** Device tokens, the name of their cookie, and the result of a login with them. */
  deviceTokens: { name: string; token: string; access: 'allow' | 'challenge' }[];
  cookieName: string;
  pendingTokens: { token: string; used: boolean }[];
  /** An enrollment that the first session began. */
  pendingEnrollment?: { id: string; uri: string };
  /** Whether release 1 evaluated a code from an unknown browser. */
  throttled: boolean;
}

export type Fixtures = Record<string, Fixture>;

/** The profile of a case, with everything that it issued. */
type Left = Partial<Omit<Fixture, keyof Row | 'at' | 'status' | 'throttled' | 'cookieName' | 'sessions'>> & {
  user: User;
  sessions?: Record<string, SessionState>;
};

const support = (userId: string) => ({ userId, actor: 'support', reason: 'asked' });

/** Runs release 1 on a real store, and records the rows and what it issued to browsers and clients. */
export async function makeFixtures(): Promise<Fixtures> {
  const fixtures: Fixtures = {};
  for (const [name, leave] of Object.entries(cases)) {
    const place = await stores[0]?.open();
    if (!place) throw new Error('SQLite needs no server');
    const pair = await createPair(place, { keys: [KEY, OTHER_KEY] });
    // Only release 1 writes in the process that makes fixtures.
    pair.now = pair.old;
    const left = await leave(pair, { id: name, name: 'ada@example.com' });
    fixtures[name] = await takeDown(pair, left);
    await place.close();
  }
  return fixtures;
}

async function takeDown(pair: Pair, { user, sessions = {}, ...left }: Left): Promise<Fixture> {
  const status = await statusOf(pair.old, user);
  const said: Fixture['sessions'] = [];
  for (const [name, state] of Object.entries(sessions)) said.push({ name, state, said: (await access(pair, user, state)).old });
  const { settings } = pair.old as unknown as { settings: { deviceCookieSuffixes(userId: string): string[] } };
  return {
    ...(await pair.row(user.id)),
    at: pair.clock.now(),
    status,
    apps: [],
    removedApps: [],
    recoveryCodes: { left: [], used: [] },
    deviceTokens: [],
    pendingTokens: [],
    throttled: status.waitSeconds > 0,
    cookieName: `__Host-mfa_device_${settings.deviceCookieSuffixes(user.id)[0]}`,
    ...left,
    sessions: said,
  };
}

interface Leaver extends Person {
  uri: string;
}

async function enrolled(pair: Pair, user: User): Promise<Leaver> {
  const person = await enroll(pair, pair.old, { user });
  return { ...person, uri: await uriOf(pair, user, 0) };
}

/** The key URI of an enrolled authenticator from the profile, as an app has scanned it. */
async function uriOf(pair: Pair, user: User, index: number): Promise<string> {
  const { authenticators } = (await pair.stored(user.id)) as { authenticators: { data: { secret: string } }[] };
  return `otpauth://totp/Acme:ada?secret=${authenticators[index]?.data.secret}`;
}

const unused = ({ recoveryCodes }: Person) => ({ recoveryCodes: { left: recoveryCodes, used: [] } });

const cases: Record<string, (pair: Pair, user: User) => Promise<Left>> = {
  async 'never-enrolled'(pair, user) {
    const deadline = pair.clock.now() + 30 * DAY;
    const process = pair.process(release1, { policy: () => ({ mfa: 'required', enrollBy: deadline }) });
    const { session, pendingToken = '' } = await process.beginLogin({ user });
    return { user, sessions: { pending: session as SessionState }, pendingTokens: [{ token: pendingToken, used: false }] };
  },

  async enrolled(pair, user) {
    const person = await enrolled(pair, user);
    pair.clock.advance(MINUTE);
    const pending = await begin(pair.old, user);
    const usedCode = person.app.code(pair.clock.now());
    const verified = expectOk(await pair.old.verify({ user, session: pending, code: usedCode }));
    return { user, apps: [person.uri], usedCode, ...unused(person), sessions: { verified: sessionOf(verified), pending } };
  },

  async 'with-devices'(pair, user) {
    const person = await enrolled(pair, user);
    const known = await logIn(pair, pair.old, person);
    const stolen = await logIn(pair, pair.old, person, { remember: true });
    let { token } = stolen.device;
    for (let uses = 0; uses < 2; uses++) {
      pair.clock.advance(HOUR);
      token = (await pair.old.beginLogin({ user, deviceToken: token })).device?.token ?? '';
    }
    const remembered = await logIn(pair, pair.old, person, { remember: true });
    pair.clock.advance(HOUR);
    // The answer of this login was lost, so its token was never presented.
    const lost = await logIn(pair, pair.old, person, { remember: true });
    await pair.old.beginLogin({ user, deviceToken: lost.device.token });
    const begun = await pair.old.beginLogin({ user, deviceToken: remembered.device.token });
    const tokens: [string, Grant | undefined, 'allow' | 'challenge'][] = [
      ['known', known.device, 'challenge'],
      ['successor', begun.device, 'allow'],
      ['whose successor was lost', lost.device, 'allow'],
      ['stolen', stolen.device, 'challenge'],
    ];
    return {
      user,
      apps: [person.uri],
      ...unused(person),
      sessions: { remembered: begun.session as SessionState, verified: lost.session },
      deviceTokens: [
        ...tokens.map(([name, grant, decided]) => ({ name, token: grant?.token ?? '', access: decided })),
        // After the stolen token was presented, its device is gone.
        { name: 'of the device that was stolen from', token, access: 'challenge' },
      ],
    };
  },

  async 'with-pending-enrollment'(pair, user) {
    const started = expectOk(await pair.old.startEnrollment({ user, session: await begin(pair.old, user), name: 'Phone' }));
    return { user, sessions: { pending: sessionOf(started) }, pendingEnrollment: enrollmentOf(started) };
  },

  async 'with-second-pending'(pair, user) {
    const person = await enrolled(pair, user);
    const { session } = await logIn(pair, pair.old, person);
    const started = expectOk(await pair.old.startEnrollment({ user, session, name: 'Tablet' }));
    return {
      user,
      apps: [person.uri],
      ...unused(person),
      sessions: { verified: sessionOf(started) },
      pendingEnrollment: enrollmentOf(started),
    };
  },

  async throttled(pair, user) {
    const person = await enrolled(pair, user);
    const { device } = await logIn(pair, pair.old, person, { remember: true });
    await guess(pair, person, 5);
    return {
      user,
      apps: [person.uri],
      ...unused(person),
      deviceTokens: [{ name: 'remembered', token: device.token, access: 'allow' }],
    };
  },

  async 'guessed-out'(pair, user) {
    const person = await enrolled(pair, user);
    for (let tries = 0; tries < 22; tries++) {
      await guess(pair, person, 1);
      pair.clock.advance(HOUR);
    }
    return { user, apps: [person.uri], ...unused(person) };
  },

  async 'after-reset'(pair, user) {
    const person = await enrolled(pair, user);
    const before = await logIn(pair, pair.old, person, { remember: true });
    expectOk(await pair.old.resetMfa(support(user.id)));
    return {
      user,
      removedApps: [person.uri],
      recoveryCodes: { left: [], used: person.recoveryCodes },
      sessions: { before: before.session, after: await begin(pair.old, user) },
    };
  },

  async 'optional-after-removal'(pair, user) {
    const person = await enrolled(pair, user);
    const { session } = await logIn(pair, pair.old, person);
    const [authenticator] = (await statusOf(pair.old, user)).authenticators;
    const removed = await pair.old.removeAuthenticator({ user, session, authenticatorId: authenticator?.id ?? '' });
    return {
      user,
      removedApps: [person.uri],
      recoveryCodes: { left: [], used: person.recoveryCodes },
      sessions: { before: session, after: sessionOf(expectOk(removed)) },
    };
  },

  async 'with-codes-used'(pair, user) {
    const person = await enrolled(pair, user);
    const used = person.recoveryCodes.slice(0, 4);
    let session = person.session;
    for (const recoveryCode of used) {
      session = sessionOf(expectOk(await pair.old.verify({ user, session: await begin(pair.old, user), recoveryCode })));
    }
    return {
      user,
      apps: [person.uri],
      recoveryCodes: { left: person.recoveryCodes.slice(4), used },
      sessions: { 'by a recovery code': session },
    };
  },

  async 'after-password-change'(pair, user) {
    const person = await enrolled(pair, user);
    const stolen = await logIn(pair, pair.old, person, { remember: true });
    const own = await logIn(pair, pair.old, person);
    const kept = sessionOf(expectOk(await pair.old.passwordChanged({ userId: user.id, keep: own.session })));
    return {
      user,
      apps: [person.uri],
      ...unused(person),
      sessions: { stolen: stolen.session, own: own.session, kept },
      deviceTokens: [{ name: 'no longer remembered', token: stolen.device.token, access: 'challenge' }],
    };
  },

  async 'with-tokens-used'(pair, user) {
    const person = await enrolled(pair, user);
    const [spent, open] = [await pair.old.beginLogin({ user }), await pair.old.beginLogin({ user })];
    pair.clock.advance(MINUTE);
    const { session } = expectOk(await pair.old.openPendingToken(spent.pendingToken ?? ''));
    expectOk(await pair.old.verify({ user, session, code: person.app.code(pair.clock.now()) }));
    return {
      user,
      apps: [person.uri],
      ...unused(person),
      pendingTokens: [
        { token: spent.pendingToken ?? '', used: true },
        { token: open.pendingToken ?? '', used: false },
      ],
    };
  },

  async 'sealed-by-an-older-key'(pair, user) {
    const older = { ...pair, old: pair.process(release1, { keys: [OTHER_KEY] }) };
    const person = await enroll(older, older.old, { user });
    const { device, session } = await logIn(older, older.old, person, { remember: true });
    const secret = openRow(await pair.row(user.id), OTHER_KEY).profile as { authenticators: { data: { secret: string } }[] };
    return {
      user,
      apps: [`otpauth://totp/Acme:ada?secret=${secret.authenticators[0]?.data.secret}`],
      ...unused(person),
      sessions: { verified: session },
      deviceTokens: [{ name: 'remembered', token: device.token, access: 'allow' }],
    };
  },

  async restored(pair, user) {
    const person = await enrolled(pair, user);
    const before = await logIn(pair, pair.old, person, { remember: true });
    await pair.old.afterRestore();
    return {
      user,
      apps: [person.uri],
      recoveryCodes: { left: [], used: person.recoveryCodes },
      sessions: { before: before.session },
      deviceTokens: [{ name: 'before', token: before.device.token, access: 'challenge' }],
    };
  },

  'with-ten-authenticators': (pair, user) => many(pair, user, 1),

  /** Everything with a limit is at it, in its longest form. */
  'near-the-limit': (pair, user) => many(pair, user, 32),

  /** The longest record that release 1 writes, with 48 KB of JSON. The rest is a field that it does not know. */
  async 'at-the-limit'(pair, user) {
    const left = await many(pair, user, 32);
    await pair.plant(user.id, (profile) => {
      const room = 48 * 1024 - Buffer.byteLength(JSON.stringify({ ...profile, ofALaterRelease: '' }));
      return { ...profile, ofALaterRelease: 'x'.repeat(room) };
    });
    return left;
  },
};

/** Ten authenticators with gaps in their used steps, and twenty devices with long labels. */
async function many(pair: Pair, user: User, logins: number): Promise<Left> {
  const person = await enrolled(pair, user);
  const apps = [person.app];
  const name = '🔐'.repeat(64);
  let { session } = await logIn(pair, pair.old, person);
  for (let count = 1; count < 10; count++) {
    const started = expectOk(await pair.old.startEnrollment({ user, session, name }));
    const app = createAuthenticator(started.enrollment?.uri ?? '');
    const sent = { user, session: sessionOf(started), enrollmentId: started.enrollment?.id ?? '' };
    session = sessionOf(expectOk(await pair.old.confirmEnrollment({ ...sent, code: app.code(pair.clock.now()) })));
    apps.push(app);
    pair.clock.advance(MINUTE);
    if (count === 5) {
      // At most ten enrollments an hour, each with a proof of the last five minutes.
      pair.clock.advance(HOUR);
      session = (await logIn(pair, pair.old, person)).session;
    }
  }
  let token = '';
  for (let count = 0; count < logins; count++) {
    for (const app of apps) {
      pair.clock.advance(2 * MINUTE);
      const begun = await begin(pair.old, user);
      const shown = { rememberDevice: true, deviceLabel: name };
      const code = app.code(pair.clock.now());
      token = expectOk(await pair.old.verify({ user, session: begun, code, ...shown })).device?.token ?? '';
    }
  }
  for (let uses = 0; uses < 3; uses++) {
    pair.clock.advance(50_000);
    token = (await pair.old.beginLogin({ user, deviceToken: token })).device?.token ?? token;
  }
  const uris = await Promise.all(apps.map((_, index) => uriOf(pair, user, index)));
  return { user, apps: uris, ...unused(person), deviceTokens: [{ name: 'remembered', token, access: 'allow' }] };
}

async function guess(pair: Pair, { user, app }: Person, times: number): Promise<void> {
  for (let tries = 0; tries < times; tries++) {
    const answer = await pair.old.verify({
      user,
      session: await begin(pair.old, user),
      code: wrongCode(app, pair.clock.now(), tries),
    });
    if (!['invalid_code', 'throttled'].includes(said(answer))) throw new Error(said(answer));
  }
}

function enrollmentOf({ enrollment }: { enrollment?: { id: string; uri: string } }): { id: string; uri: string } {
  return { id: enrollment?.id ?? '', uri: enrollment?.uri ?? '' };
}
