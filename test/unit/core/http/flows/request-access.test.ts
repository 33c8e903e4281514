import { bindFlows, guardRequest } from '@mfa-kit/core/http';
import { describe, expect, it } from 'vitest';
import { ada, bob, DAY, HOUR, reasonOf } from '../../../../support/core-fixture.js';
import { type Client, createTestApp } from '../test-app.js';

const flowsOf = (client: Client, headers: Record<string, string> = {}) => bindFlows(client.kit, client.exchange({ headers }));

describe('beginLogin bound to a request', () => {
  it('SES-1: leaves its state in a renewed session, and drops what was proven before', async () => {
    const { browser, session } = await createTestApp();
    const client = browser(ada, session);
    const flows = await flowsOf(client);
    expect([flows.user, flows.session, flows.assurance]).toEqual([ada, session, session.assurance]);
    const login = await flows.beginLogin();
    expect(login).toEqual({ decision: expect.objectContaining({ access: 'challenge' }), pendingToken: expect.any(String) });
    expect(client.state).toMatchObject({ state: 'pending', userId: ada.id });
    expect([client.session?.renewals, flows.session, flows.assurance]).toEqual([1, client.state, undefined]);
  });

  it('accepts a user whom the request does not show yet', async () => {
    const { browser } = await createTestApp();
    const client = browser(null);
    const flows = await flowsOf(client);
    await flows.beginLogin({ user: ada });
    expect([flows.user, client.state.userId]).toEqual([ada, ada.id]);
    const fault = (await flowsOf(browser(null))).beginLogin();
    await expect(fault).rejects.toThrow(/^beginLogin\(\) found nobody logged in\. Call it after req\.logIn\(\)/);
  });

  it('ENR-4: accepts a login of a while ago, which must be repeated before a first enrollment', async () => {
    const { browser, clock } = await createTestApp();
    const now = clock.now();
    for (const [loggedInAt, since, started] of [
      [undefined, now, 'ok'],
      [now - HOUR, now - HOUR, 'login_again'],
      [0, 0, 'login_again'],
    ] as const) {
      const client = browser(bob);
      const flows = await flowsOf(client);
      await flows.beginLogin(loggedInAt === undefined ? {} : { loggedInAt });
      expect(client.state.since).toBe(since);
      expect(reasonOf(await flows.startEnrollment())).toBe(started);
    }
  });

  it('DEV-1: asks for no code on a remembered device, and rotates its cookie', async () => {
    const { logIn, code, clock } = await createTestApp();
    const client = await logIn();
    await client.post('/verify', { code: code(), rememberDevice: true });
    clock.advance(DAY);
    const exchange = client.exchange();
    const flows = await bindFlows(client.kit, exchange);
    const login = await flows.beginLogin();
    expect(login).toEqual({ decision: expect.objectContaining({ access: 'allow', via: 'remembered-device' }) });
    expect([exchange.cookies.length, client.session?.renewals]).toEqual([1, 2]);
    expect(exchange.cookies[0]).not.toContain([...client.cookies.values()][0]);
    expect(flows.assurance?.via).toBe('remembered-device');
    expect(flows.shownDeviceIds()).toEqual([flows.assurance?.deviceId]);
  });

  it('DEV-1: returns the device token to a client that keeps it itself', async () => {
    const { logIn, tool, pendingToken, code, clock } = await createTestApp();
    const sent = { pendingToken: await pendingToken(), code: code(), rememberDevice: true };
    const { deviceToken } = (await tool().post('/verify', sent, { 'mfa-device': '' })).body;
    clock.advance(DAY);
    const client = await logIn();
    const exchange = client.exchange({ headers: { 'mfa-device': deviceToken } });
    const login = await (await bindFlows(client.kit, exchange)).beginLogin();
    expect(login).toEqual({
      decision: expect.objectContaining({ access: 'allow', via: 'remembered-device' }),
      deviceToken: expect.any(String),
    });
    expect([login.deviceToken === deviceToken, exchange.cookies]).toEqual([false, []]);
  });

  it('FLT-1: fails if the session store fails, and issues no token of any kind', async () => {
    const { logIn, code } = await createTestApp();
    const client = await logIn();
    await client.post('/verify', { code: code(), rememberDevice: true });
    Object.assign(client.session ?? {}, { fail: true });
    const exchange = client.exchange();
    const login = await (await bindFlows(client.kit, exchange)).beginLogin();
    expect(login).toEqual({ decision: { access: 'unavailable', retryAfterSeconds: 5 } });
    expect(exchange.cookies).toEqual([]);
  });
});

describe('a session for which the host began no login', () => {
  it('is asked for a code, and its remembered device counts', async () => {
    const { browser, logIn, code } = await createTestApp();
    const client = browser(ada);
    expect(await (await flowsOf(client)).checkAccess()).toMatchObject({ access: 'challenge', because: 'missing' });
    expect(client.state).toMatchObject({ state: 'pending', since: 0 });
    expect(client.session?.renewals).toBe(0);
    const known = await logIn();
    await known.post('/verify', { code: code(), rememberDevice: true });
    Object.assign(known.session ?? {}, { state: undefined });
    const exchange = known.exchange();
    const decision = await (await bindFlows(known.kit, exchange)).checkAccess();
    expect(decision).toMatchObject({ access: 'allow', via: 'remembered-device' });
    expect([known.state.state, known.session?.renewals, exchange.cookies.length]).toEqual(['verified', 2, 1]);
  });

  it('may prove a code, and needs a new login to enroll', async () => {
    const { browser, code } = await createTestApp();
    expect((await browser(ada).post('/verify', { code: code() })).status).toBe(200);
    expect((await browser(bob).post('/enroll')).body).toMatchObject({ status: 401, reason: 'login_again' });
  });

  it('is allowed if MFA is off, and stores nothing', async () => {
    const { browser } = await createTestApp();
    const client = browser({ ...bob, mfa: 'off' });
    expect(await (await flowsOf(client)).checkAccess()).toEqual({ access: 'allow', via: 'not-required' });
    expect(client.state).toBeUndefined();
  });

  it('FLT-1: is denied, with nothing done, if neither storage nor session work', async () => {
    const { browser, faults } = await createTestApp();
    const client = browser(ada);
    Object.assign(client.session ?? {}, { fail: true });
    const flows = await flowsOf(client);
    expect(await flows.checkAccess()).toEqual({ access: 'unavailable', retryAfterSeconds: 5 });
    const refused = { ok: false, reason: 'unavailable', retryAfterSeconds: 5 };
    expect(await flows.verify({ code: '123456' })).toEqual(refused);
    expect(await flows.getStatus()).toEqual(refused);
    faults.readsLeft = 0;
    const dark = await flowsOf(browser(ada));
    expect(await dark.checkAccess()).toMatchObject({ access: 'unavailable' });
    expect(await dark.verify({ code: '123456' })).toMatchObject({ reason: 'unavailable', retryAfterSeconds: expect.any(Number) });
    expect([dark.session, dark.assurance]).toEqual([undefined, undefined]);
  });

  it('STP-1: is asked for a fresh code on a remembered device if the route requires one', async () => {
    const { logIn, code, clock } = await createTestApp();
    for (const requirement of [{ maxAgeSeconds: 3600 }, { acceptRememberedDevice: false }]) {
      const client = await logIn();
      await client.post('/verify', { code: code(), rememberDevice: true });
      clock.advance(DAY);
      Object.assign(client.session ?? {}, { state: undefined });
      expect(await (await flowsOf(client)).checkAccess(requirement)).toMatchObject({ access: 'challenge' });
      expect(client.state.assurance.via).toBe('remembered-device');
    }
  });

  it('DEV-1: is asked for a code if nothing can store that a remembered device answered', async () => {
    const { tool, pendingToken, code } = await createTestApp();
    const sent = { pendingToken: await pendingToken(), code: code(), rememberDevice: true };
    const { deviceToken } = (await tool().post('/verify', sent, { 'mfa-device': '' })).body;
    const flows = await flowsOf(tool(ada), { 'mfa-device': deviceToken });
    expect(await flows.checkAccess()).toMatchObject({ access: 'challenge', because: 'missing' });
    expect(reasonOf(await flows.getStatus())).toBe('ok');
    expect(flows.session?.state).toBe('pending');
  });

  it('gets no login from a step-up, which allows nobody', async () => {
    const { browser, session } = await createTestApp();
    const flows = await flowsOf(browser(ada, session));
    expect(await flows.checkAccess({ maxAgeSeconds: 60 })).toMatchObject({ access: 'challenge', because: 'expired' });
    expect(await flows.checkAccess({ maxAgeSeconds: 300 })).toMatchObject({ access: 'allow' });
    expect(await flows.checkAccess()).toMatchObject({ access: 'allow' });
  });
});

describe('a user for whom MFA is off', () => {
  const olga = { ...bob, mfa: 'off' as const };

  it('F30: begins no login at the endpoints, and sets up nothing', async () => {
    const { kit, browser, events } = await createTestApp();
    const warned: string[] = [];
    kit.warn = (code, ..._facts) => void warned.push(code);
    const client = browser(olga);
    events.length = 0;
    for (const [path, fields] of [
      ['/enroll', {}],
      ['/enroll/confirm', { enrollmentId: 'A'.repeat(22), code: '123456' }],
      ['/enroll/cancel', { enrollmentId: 'A'.repeat(22) }],
      ['/verify', { code: '123456' }],
      ['/recovery-codes', {}],
      ['/sessions/end', {}],
    ] as const) {
      expect((await client.post(path, fields)).body, path).toMatchObject({ status: 403, reason: 'not_allowed' });
    }
    expect((await client.get('/enroll')).body).toMatchObject({ status: 403, reason: 'not_allowed' });
    expect((await client.page('GET', '/enroll')).status).toBe(403);
    expect((await client.get('')).body).toMatchObject({ enrolled: false });
    expect((await client.page('GET', '')).status).toBe(200);
    expect((await client.get('/challenge')).body).toEqual({ challenge: null });
    expect([client.state, events.filter(({ name }) => name === 'login_begun'), warned]).toEqual([undefined, [], []]);
  });

  it('F30: is asked for a code as soon as MFA is required, in the same session', async () => {
    const { browser, kit } = await createTestApp();
    const client = browser(olga);
    expect((await client.get('')).status).toBe(200);
    client.user = bob;
    expect((await guardRequest(kit, client.exchange())).decision).toMatchObject({ access: 'enroll' });
    expect((await client.post('/enroll')).body).toMatchObject({ status: 401, reason: 'login_again' });
  });
});
