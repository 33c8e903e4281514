import { MfaError } from '@mfa-kit/core';
import { bindFlows, guardRequest } from '@mfa-kit/core/http';
import { describe, expect, it } from 'vitest';
import { ada, bob, type TestUser } from '../../../../support/core-fixture.js';
import { createTestApp, FIREFOX } from '../test-app.js';

/** Hosts that may have no encrypted connection: a browser on the developer's machine or network. */
const LOCAL = [
  'localhost',
  'localhost:3000',
  'LOCALHOST',
  'app.localhost:8080',
  '[::1]',
  '[::1]:3000',
  '127.0.0.1',
  '127.0.0.1:3000',
  '127.255.0.9',
  '10.1.2.3',
  '192.168.0.10:8080',
  '172.16.0.1',
  '172.25.0.1',
  '172.29.0.1',
  '172.31.255.254',
  'printer.local',
  'app.test',
  'box.lan:80',
  'api.internal',
];
const PUBLIC = [
  '',
  'app.example',
  'localhost.example',
  'notlocalhost',
  '.localhost.x',
  'localhost:3000x',
  'local',
  'app.test.example',
  'x127.0.0.1',
  '127.0.0.1.example',
  '127.0.0',
  '1127.0.0.1',
  '11.1.2.3',
  '110.1.2.3',
  '192.167.0.1',
  '192.169.0.1',
  'x192.168.0.1',
  '192.168.0.1.x',
  '192.168.0.1234',
  '192a168.0.1',
  '172.15.0.1',
  '172.32.0.1',
  '172.161.0.1',
  'x172.16.0.1',
  '172.16.0.1.2',
  '[::2]',
  '8.8.8.8',
];

async function deviceCookie(deviceCookie: object, host: string): Promise<string | undefined> {
  const { logIn, code } = await createTestApp({ deviceCookie });
  const client = await logIn();
  const { cookies } = await client.post('/verify', { code: code(), rememberDevice: true }, host === '' ? {} : { host });
  return cookies[0];
}

describe('DEV-7: the device cookie', () => {
  const development = { insecureHttpForDevelopment: true };

  it.each(LOCAL)('may omit Secure for %s if the developer allows it', async (host) => {
    expect(await deviceCookie(development, host)).toMatch(
      /^mfa_device_[0-9a-f]{12}=[^;]+; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/,
    );
  });

  it.each(PUBLIC)('never omits Secure for "%s"', async (host) => {
    expect(await deviceCookie(development, host)).toMatch(/^__Host-mfa_device_[0-9a-f]{12}=.*; Secure; SameSite=Lax$/);
  });

  it('is secure by default, with the SameSite that the host sets', async () => {
    expect(await deviceCookie({}, 'localhost')).toContain('; Secure; SameSite=Lax');
    expect(await deviceCookie({ sameSite: 'strict' }, 'app.example')).toContain('; Secure; SameSite=Strict');
  });

  it('pushes out those of other users beyond five', async () => {
    const { logIn, code } = await createTestApp();
    const client = await logIn();
    const others = ['1', '2', '3', '4', '5', '6'].map((digit) => `__Host-mfa_device_${digit.repeat(12)}`);
    const cookie = others.map((name) => `${name}=a.b.c`).join('; ');
    const { cookies } = await client.post('/verify', { code: code(), rememberDevice: true }, { cookie });
    expect(cookies.slice(1).map((line) => line.split('=')[0])).toEqual(others.slice(4));
    expect(cookies.slice(1).every((line) => line.includes('; Max-Age=0;'))).toBe(true);
  });
});

describe('the device of a proof', () => {
  const label = async (headers: Record<string, string>, sent: object = {}) => {
    const { logIn, tool, code, pendingToken, mfa } = await createTestApp();
    const session = headers.session === 'none' ? tool() : await logIn();
    const fields = headers.session === 'none' ? { pendingToken: await pendingToken() } : {};
    const answer = await session.post('/verify', { code: code(), ...fields, ...sent }, headers);
    if (answer.status !== 200) throw new Error(answer.text);
    const result = await mfa.getStatus({ user: ada });
    return result.ok ? result.status.devices.map((device) => device.label) : result.reason;
  };

  it('is named after its browser', async () => {
    expect(await label({ 'user-agent': FIREFOX })).toEqual(['Firefox on Windows']);
    expect(await label({ 'user-agent': '' })).toEqual(['Unknown browser']);
  });

  it('is not created if a client without a session keeps no token', async () => {
    const none = { session: 'none', 'user-agent': FIREFOX };
    expect(await label(none)).toEqual([]);
    expect(await label(none, { rememberDevice: false })).toEqual([]);
    expect(await label(none, { rememberDevice: true })).toEqual(['Firefox on Windows']);
    expect(await label({ ...none, 'mfa-device': '' })).toEqual(['Firefox on Windows']);
  });

  it('is created and named if the browser shows the token of a revoked one', async () => {
    const { logIn, tool, code, pendingToken, browser, session, mfa } = await createTestApp();
    const known = await logIn();
    await known.post('/verify', { code: code() });
    const [device] = (await known.get('')).body.devices;
    await known.post('/devices/revoke', { id: device?.id });
    const client = tool();
    for (const [name, value] of known.cookies) client.cookies.set(name, value);
    const headers = { 'sec-fetch-site': 'same-origin', 'user-agent': FIREFOX };
    await client.post('/verify', { pendingToken: await pendingToken(), code: code() }, headers);
    const { devices } = (await browser(ada, session).get('')).body;
    expect(devices).toEqual([expect.objectContaining({ label: 'Firefox on Windows' })]);
    expect(devices[0]?.id).not.toBe(device?.id);
    expect(mfa.settings.rememberDays).toBe(30);
  });

  it('LOG-4: is not created, and no failure is logged, if a client says that it has no token yet', async () => {
    const { logIn, events, code } = await createTestApp();
    const client = await logIn();
    const begin = async (token: string) =>
      (await bindFlows(client.kit, client.exchange({ headers: { 'mfa-device': token } }))).beginLogin();
    await begin('');
    await begin('x.y.z');
    await Promise.resolve();
    expect(events.map(({ name }) => name)).toEqual(['login_begun', 'login_begun', 'device_refused', 'login_begun']);
    expect((await client.post('/verify', { code: code() })).status).toBe(200);
  });

  it('is recognized by its cookie, or by the header alone if there is one', async () => {
    const { logIn, code, kit } = await createTestApp();
    const client = await logIn();
    await client.post('/verify', { code: code() });
    const [token = ''] = client.cookies.values();
    const shown = async (headers: Record<string, string>, user: TestUser | null = ada) => {
      Object.assign(client, { user });
      return (await bindFlows(kit, client.exchange({ headers }))).shownDeviceIds();
    };
    const ids = await shown({});
    expect(ids).toHaveLength(1);
    expect(await shown({ 'mfa-device': '' })).toEqual([]);
    expect(await shown({ 'mfa-device': 'x.y.z' })).toEqual([]);
    expect(await shown({ 'mfa-device': token, cookie: '' })).toEqual(ids);
    expect(await shown({}, bob)).toEqual([]);
    expect(await shown({}, null)).toEqual([]);
  });
});

describe('a callback of the host', () => {
  it.each(['user', 'assurance'])(
    'that throws denies the request, and the error names the option %s and the cause',
    async (option) => {
      const { kit, browser, session } = await createTestApp();
      const cause = new Error('down');
      const throws = () => {
        throw cause;
      };
      for (const call of [throws, () => Promise.reject(cause)]) {
        const exchange = { ...browser(ada, option === 'user' ? session : undefined).exchange(), [option]: call };
        await expect((async () => guardRequest(kit, exchange))()).rejects.toMatchObject({
          code: 'host_callback_failed',
          message: `The option "${option}" threw. The request was denied. Fix the cause below.`,
          cause,
        });
      }
      const own = new MfaError('host_setup', 'Mount the session first.');
      await expect(guardRequest(kit, { ...browser(ada).exchange(), [option]: () => Promise.reject(own) })).rejects.toBe(own);
    },
  );

  it.each<[string, unknown]>([
    ['an id alone', { id: 'user-ada' }],
    ['a name alone', { name: 'Ada' }],
    ['an empty id', { id: '', name: 'Ada' }],
    ['a number for an id', { id: 7, name: 'Ada' }],
    ['a number for a name', { id: 'user-ada', name: 7 }],
    ['a text', 'user-ada'],
    ['true', true],
  ])('that returns %s as the user denies the request', async (_what, user) => {
    const { kit, browser, session } = await createTestApp();
    const asked = guardRequest(kit, { ...browser(ada, session).exchange(), user: async () => user as TestUser });
    await expect(asked).rejects.toMatchObject({
      code: 'host_callback_failed',
      message: expect.stringContaining('must return { id, name }, both strings'),
    });
  });

  it.each([null, undefined])(
    'that returns %s as the user means that nobody is logged in, and no more callbacks are called',
    async (user) => {
      const { kit, browser, session } = await createTestApp();
      const assurance = () => Promise.reject(new Error('asked'));
      const exchange = { ...browser(ada, session).exchange(), user: async () => user as null, assurance };
      expect((await guardRequest(kit, exchange)).decision).toEqual({ access: 'login-again' });
    },
  );

  it('SES-4, F45: for the assurance decides if the session has no state', async () => {
    const { kit, browser, session } = await createTestApp();
    const client = browser(ada);
    const ask = async (assurance: unknown, headers: Record<string, string> = {}) =>
      (await guardRequest(kit, { ...client.exchange({ headers }), assurance: async () => assurance as typeof session.assurance }))
        .decision;
    expect(await ask(session.assurance)).toMatchObject({ access: 'allow', via: 'otp' });
    expect(await ask({ ...session.assurance, epoch: 'older' })).toMatchObject({ access: 'challenge', because: 'revoked' });
    for (const unclear of [{}, { ...session.assurance, userId: bob.id }]) {
      expect(await ask(unclear)).toMatchObject({ access: 'challenge', because: 'missing' });
    }
    // A token without facts: the session stores nothing.
    expect(await ask(null, { authorization: 'Bearer x' })).toMatchObject({ access: 'challenge', because: 'missing' });
    expect(client.state).toBeUndefined();
  });

  it('SES-3, F45: for the assurance is not called if the session has state, so the client cannot choose what counts', async () => {
    const { kit, mfa, browser, session } = await createTestApp();
    const headers = { authorization: 'Bearer x' };
    const client = browser(ada, session);
    const asked: unknown[] = [];
    const ask = async (assurance: unknown) =>
      (
        await guardRequest(kit, {
          ...client.exchange({ headers }),
          assurance: () => {
            asked.push(assurance);
            return assurance as typeof session.assurance;
          },
        })
      ).decision;
    for (const given of [session.assurance, null, undefined]) expect(await ask(given)).toMatchObject({ access: 'allow' });
    await mfa.passwordChanged({ userId: ada.id });
    for (const given of [session.assurance, null, undefined]) {
      expect(await ask(given)).toMatchObject({ access: 'challenge', because: 'revoked' });
    }
    expect(asked).toEqual([]);
  });

  it('SES-1, F45: for the assurance never keeps a login out of the session', async () => {
    const { kit, browser, session } = await createTestApp();
    const headers = { authorization: 'Bearer x' };
    for (const given of [session.assurance, null, undefined]) {
      for (const state of [session, undefined, { ...session, assurance: { ...session.assurance, userId: bob.id } }]) {
        const client = browser(ada, state);
        const flows = await bindFlows(kit, { ...client.exchange({ headers }), assurance: () => given });
        expect(await flows.beginLogin()).toMatchObject({ decision: { access: 'challenge' } });
        expect([client.state.state, client.state.userId, client.session?.renewals]).toEqual(['pending', ada.id, 1]);
        expect(flows.hasSession).toBe(true);
      }
    }
  });

  it('may throw an MfaError about the session, which is passed on', async () => {
    const { kit, logIn, code } = await createTestApp();
    const client = await logIn();
    const fault = new MfaError('host_setup', 'Mount the session first.');
    const session = { read: () => client.state, write: () => Promise.reject(fault) };
    const flows = await bindFlows(kit, { ...client.exchange(), session });
    await expect(flows.verify({ code: code() })).rejects.toBe(fault);
  });
});
