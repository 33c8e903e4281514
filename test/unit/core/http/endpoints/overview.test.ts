import { describe, expect, it } from 'vitest';
import { ada, bob, DAY, wrongCode } from '../../../../support/core-fixture.js';
import { createTestApp, redirectOf, returnPathAfter } from '../test-app.js';

const optional = { ...bob, mfa: 'optional' as const };

describe('the overview', () => {
  it('lists authenticators and devices, and marks the current device', async () => {
    const { logIn, code, mfa } = await createTestApp();
    const client = await logIn();
    await client.post('/verify', { code: code(), rememberDevice: true });
    const other = await logIn();
    await other.post('/verify', { code: code() });
    const seen = await client.get('');
    const result = await mfa.getStatus({ user: ada });
    if (!result.ok) throw new Error(result.reason);
    expect(seen.status).toBe(200);
    const { devices, ...rest } = result.status;
    expect(seen.body).toEqual({ ...rest, devices: devices.map((device) => ({ ...device, current: expect.any(Boolean) })) });
    expect(seen.body).toMatchObject({ enrolled: true, mfa: 'required', recoveryCodesLeft: 10, waitSeconds: 0 });
    const marked = (body: { devices: { current: boolean; rememberedUntil?: number; label: string }[] }) =>
      body.devices.map(({ current, rememberedUntil, label }) => [label, current, rememberedUntil !== undefined]);
    expect(marked(seen.body).sort()).toEqual([
      ['Firefox on Windows', false, false],
      ['Firefox on Windows', true, true],
    ]);
    expect(marked((await other.get('')).body)).toContainEqual(['Firefox on Windows', true, false]);
  });

  it('is a page with everything that the user may change', async () => {
    const { browser, session, mfa, clock } = await createTestApp();
    const page = await browser(ada, session).page('GET', '');
    const result = await mfa.getStatus({ user: ada });
    if (!result.ok) throw new Error(result.reason);
    expect([page.status, page.header('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.body).toEqual({
      page: {
        name: 'overview',
        authenticators: result.status.authenticators,
        devices: [],
        recoveryCodesLeft: 10,
        recoveryCodesOffered: true,
        mayRemoveLast: false,
        mayEnroll: true,
        homeUrl: '/home',
      },
      frame: { basePath: '/mfa', brand: 'Acme', hiddenFields: {}, now: clock.now(), account: ada.name },
    });
  });

  it('offers what the policy allows', async () => {
    const { browser, mfa, session } = await createTestApp();
    const client = browser(optional, (await mfa.beginLogin({ user: optional })).session);
    expect((await client.page('GET', '')).body.page).toMatchObject({
      authenticators: [],
      recoveryCodesOffered: false,
      mayRemoveLast: true,
    });
    const bound = browser({ ...ada, mfa: 'optional', mayEnroll: false }, session);
    expect((await bound.page('GET', '')).body.page).toMatchObject({ mayRemoveLast: true, mayEnroll: false });
    const without = await createTestApp({}, { recoveryCodes: false });
    expect((await without.browser(ada, without.session).page('GET', '')).body.page.recoveryCodesOffered).toBe(false);
  });

  it.each([
    ['authenticator_added', 'success', 'Authenticator added.'],
    ['authenticator_removed', 'success', 'Authenticator removed.'],
    ['authenticator_renamed', 'success', 'Name saved.'],
    ['device_revoked', 'success', 'Device revoked. It is asked for a code at its next login.'],
    ['sessions_ended', 'success', 'All other sessions have ended.'],
    ['already_confirmed', 'info', 'This authenticator is already set up. There is nothing left to do.'],
  ])('shows the notice named in its URL: %s', async (name, tone, text) => {
    const { browser, session } = await createTestApp();
    const client = browser(ada, session);
    expect((await client.page('GET', `?notice=${name}`)).body.frame.notice).toEqual({ tone, text });
    expect(await client.get(`?notice=${name}`)).toMatchObject({ status: 200 });
  });

  it.each(['', '?notice=', '?notice=recovery_code_used', '?notice=%3Cb%3E', '?x=authenticator_added'])(
    'ignores an unknown notice: "%s"',
    async (query) => {
      const { browser, session } = await createTestApp();
      expect((await browser(ada, session).page('GET', query)).body.frame).not.toHaveProperty('notice');
    },
  );
});

describe('the overview for a user who has not proven enough', () => {
  it('leads to the challenge, and back', async () => {
    const { logIn, code } = await createTestApp();
    const client = await logIn();
    expect(redirectOf(await client.page('GET', ''))).toEqual([303, '/mfa/challenge?rememberedDevice=no']);
    expect([client.state.state, client.way]).toEqual(['pending', '/mfa']);
    expect(await returnPathAfter(client, await client.page('POST', '/verify', { code: code() }))).toBe('/mfa');
    expect((await client.page('GET', '')).status).toBe(200);
  });

  it('STP-2: is a problem document for clients that did not ask for a page', async () => {
    const { logIn } = await createTestApp();
    const answer = await (await logIn()).get('');
    expect(answer.body).toMatchObject({
      status: 401,
      reason: 'challenge',
      because: 'missing',
      factors: ['totp', 'recovery-code'],
    });
    expect(answer.header('www-authenticate')).toContain('insufficient_user_authentication');
  });

  it('STP-1: asks for a code on a remembered device too', async () => {
    const { logIn, code, clock } = await createTestApp();
    const client = await logIn();
    await client.post('/verify', { code: code(), rememberDevice: true });
    clock.advance(DAY);
    const { decision, session } = await client.kit.mfa.beginLogin({ user: ada, deviceToken: [...client.cookies.values()] });
    expect(decision).toMatchObject({ access: 'allow', via: 'remembered-device' });
    Object.assign(client.session ?? {}, { state: session });
    expect((await client.get('')).body).toMatchObject({ status: 401, reason: 'challenge', because: 'missing' });
  });

  it('leads to the enrollment without an authenticator, to the login without a user, and keeps no return path', async () => {
    const { logIn, browser } = await createTestApp();
    const client = await logIn(bob);
    expect(redirectOf(await client.page('GET', ''))).toEqual([303, '/mfa/enroll']);
    expect((await client.get('')).body).toMatchObject({ status: 403, reason: 'enroll' });
    expect(client.way).toBeUndefined();
    const nobody = browser(null);
    expect(redirectOf(await nobody.page('GET', ''))).toEqual([303, '/login']);
    expect((await nobody.get('')).body).toMatchObject({ status: 401, reason: 'login_again' });
  });

  it.each([0, 1])('FLT-1: shows nothing while the storage is down after %i reads', async (reads) => {
    const { browser, session, faults } = await createTestApp();
    const client = browser(ada, session);
    faults.readsLeft = reads;
    const answer = await client.get('');
    expect([answer.body.status, answer.body.reason, answer.header('retry-after')]).toEqual([
      503,
      'unavailable',
      expect.any(String),
    ]);
    faults.readsLeft = reads;
    const page = await client.page('GET', '');
    expect([page.status, page.body.page.heading, page.body.frame.account]).toEqual([503, 'Temporarily unavailable', ada.name]);
    expect(page.header('retry-after')).toMatch(/^\d+$/);
  });
});

it('the status includes the wait of unknown browsers', async () => {
  const { logIn, authenticator, clock, browser, session } = await createTestApp();
  const guessing = await logIn();
  for (let tries = 0; tries < 5; tries++) await guessing.post('/verify', { code: wrongCode(authenticator, clock.now()) });
  expect((await browser(ada, session).get('')).body.waitSeconds).toBe(30);
});
