import { describe, expect, it } from 'vitest';
import { ada, bob, DAY, MINUTE, wrongCode } from '../../../../support/core-fixture.js';
import { createTestApp, redirectOf, returnPathAfter } from '../test-app.js';

/** What the page receives, and the answer in JSON. */
const SHOWN = { because: 'missing', factors: ['totp', 'recovery-code'], rememberDays: 30, waitSeconds: 0 };
const ASKED = { ...SHOWN, recoveryOffered: true };
/** For a user without recovery codes. */
const WITHOUT_CODES = { ...SHOWN, factors: ['totp'] };

describe('the challenge', () => {
  it('asks a user who has not proven a second factor', async () => {
    const { logIn, clock } = await createTestApp();
    const client = await logIn();
    const answer = await client.get('/challenge');
    expect([answer.status, answer.body]).toEqual([200, { challenge: ASKED }]);
    const page = await client.page('GET', '/challenge');
    expect([page.status, page.body.page]).toEqual([200, { name: 'challenge', kind: 'totp', ...SHOWN }]);
    expect(page.body.frame).toEqual({ basePath: '/mfa', brand: 'Acme', hiddenFields: {}, now: clock.now(), account: ada.name });
  });

  it('asks for a recovery code if the URL says so', async () => {
    const { logIn } = await createTestApp();
    const client = await logIn();
    const byRecoveryCode = (await client.page('GET', '/challenge?use=recovery-code')).body.page;
    // A recovery code never remembers a device, so the page does not offer it.
    expect(byRecoveryCode).toMatchObject({ kind: 'recovery-code', rememberDays: 0 });
    for (const query of ['?use=', '?use=code', '?x=recovery-code']) {
      expect((await client.page('GET', `/challenge${query}`)).body.page.kind).toBe('totp');
    }
  });

  it('F18: asks for an authenticator code if recovery codes are off, even if the URL says otherwise', async () => {
    const app = await createTestApp({}, { recoveryCodes: false });
    const client = await app.logIn();
    const asked = { name: 'challenge', kind: 'totp', ...WITHOUT_CODES };
    expect((await client.page('GET', '/challenge?use=recovery-code')).body.page).toEqual(asked);
    const refused = await client.page('POST', '/verify', { recoveryCode: app.recoveryCodes[0] ?? 'ABCD' });
    expect([refused.status, refused.body.page]).toEqual([403, asked]);
    // While the storage is down it is unknown how many are left.
    const on = await createTestApp();
    const other = await on.logIn();
    on.faults.readsLeft = 1;
    expect((await other.page('GET', '/challenge?use=recovery-code')).body.page.kind).toBe('recovery-code');
  });

  it('F18: asks for an authenticator code if no recovery code is left', async () => {
    const app = await createTestApp({}, { recoveryCodes: { count: 5 } });
    for (const recoveryCode of app.recoveryCodes) await (await app.logIn()).post('/verify', { recoveryCode });
    const page = await (await app.logIn()).page('GET', '/challenge?use=recovery-code');
    expect(page.body.page).toMatchObject({ kind: 'totp', factors: ['totp'] });
  });

  it('redirects a user who has proven enough', async () => {
    const { browser, session } = await createTestApp();
    const client = browser(ada, session);
    expect((await client.get('/challenge')).body).toEqual({ challenge: null });
    expect(redirectOf(await client.page('GET', '/challenge'))).toEqual([303, '/home']);
  });

  it('STP-1: asks for a fresh code if a stricter route sent the browser here, and does not remember the device', async () => {
    const { browser, session } = await createTestApp();
    const client = browser(ada, { ...session, returnTo: '/payouts' });
    const asked = { ...SHOWN, because: 'expired', rememberDays: 0 };
    expect((await client.get('/challenge')).body).toEqual({ challenge: { ...asked, recoveryOffered: true } });
    expect((await client.page('GET', '/challenge')).body.page).toEqual({ name: 'challenge', kind: 'totp', ...asked });
  });

  it('says that an older proof was revoked', async () => {
    const { browser, session, mfa } = await createTestApp();
    await mfa.passwordChanged({ userId: ada.id });
    expect((await browser(ada, session).get('/challenge')).body.challenge).toEqual({
      ...ASKED,
      because: 'revoked',
      rememberDays: 0,
    });
  });

  it('is not shown to a user who has nothing to prove with', async () => {
    const { logIn, browser, mfa } = await createTestApp();
    const client = await logIn(bob);
    expect((await client.get('/challenge')).body).toMatchObject({ status: 403, reason: 'enroll' });
    expect(redirectOf(await client.page('GET', '/challenge'))).toEqual([303, '/mfa/enroll']);
    expect(redirectOf(await browser(null).page('GET', '/challenge'))).toEqual([303, '/login']);
    expect((await browser(null).get('/challenge')).body).toMatchObject({ status: 401, reason: 'login_again' });
    const optional = { ...bob, mfa: 'optional' as const };
    const { session } = await mfa.beginLogin({ user: optional });
    const free = browser(optional, { ...session, returnTo: '/cases' });
    expect((await free.get('/challenge')).body).toEqual({ challenge: null });
    expect(redirectOf(await free.page('GET', '/challenge'))).toEqual([303, '/mfa/done']);
  });

  it('offers no recovery code to a user who has none left', async () => {
    const { logIn, mfa } = await createTestApp({}, { recoveryCodes: false });
    expect((await (await logIn()).get('/challenge')).body.challenge.recoveryOffered).toBe(false);
    expect(mfa.settings.recoveryCodeCount).toBe(0);
  });

  it('offers to remember a device for as long as the host configured, or not at all', async () => {
    for (const [rememberDevice, days] of [
      [{ days: 7 }, 7],
      [false, 0],
    ] as const) {
      const { logIn } = await createTestApp({}, { rememberDevice });
      expect((await (await logIn()).get('/challenge')).body.challenge.rememberDays).toBe(days);
    }
  });

  it('omits what only the status knows if the storage fails in between', async () => {
    const { logIn, faults } = await createTestApp();
    const client = await logIn();
    faults.readsLeft = 1;
    expect((await client.get('/challenge')).body.challenge).toEqual({ ...WITHOUT_CODES, recoveryOffered: false });
    faults.readsLeft = 0;
    expect((await client.get('/challenge')).body).toMatchObject({ status: 503, reason: 'unavailable' });
  });

  it('THR-4: tells unknown browsers how long to wait, and does not let a known one wait for their guesses', async () => {
    const { logIn, authenticator, clock, code } = await createTestApp();
    const known = await logIn();
    await known.post('/verify', { code: code() });
    const guessing = await logIn();
    for (let tries = 0; tries < 5; tries++) await guessing.post('/verify', { code: wrongCode(authenticator, clock.now()) });
    clock.advance(1000);
    const again = { state: (await known.kit.mfa.beginLogin({ user: ada })).session };
    Object.assign(known.session ?? {}, again);
    expect((await guessing.page('GET', '/challenge')).body.page.waitSeconds).toBe(29);
    expect((await guessing.page('GET', '/challenge?use=recovery-code')).body.page.waitSeconds).toBe(0);
    expect((await known.page('GET', '/challenge')).body.page.waitSeconds).toBe(0);
  });
});

describe('a proof', () => {
  it('SES-1: is answered with the assurance and the return path, under a new session id', async () => {
    const { logIn, code, clock } = await createTestApp();
    const client = await logIn();
    const answer = await client.post('/verify', { code: code() });
    expect(answer.status).toBe(200);
    const assurance = { userId: ada.id, via: 'otp', amr: ['otp', 'mfa'], verifiedAt: clock.now() };
    expect(answer.body).toEqual({ assurance: expect.objectContaining(assurance), returnTo: '/home' });
    expect(client.state).toEqual({ state: 'verified', assurance: answer.body.assurance });
    expect([client.session?.renewals, answer.cookies.length]).toEqual([1, 1]);
  });

  it('with a recovery code is answered with the number of codes left', async () => {
    const { logIn, recoveryCodes } = await createTestApp();
    const client = await logIn();
    const answer = await client.post('/verify', { recoveryCode: recoveryCodes[0] });
    expect(answer.body).toMatchObject({ assurance: { via: 'recovery-code' }, recoveryCodesLeft: 9, returnTo: '/home' });
    expect(await returnPathAfter(client, await client.page('POST', '/verify', { recoveryCode: recoveryCodes[1] ?? '' }))).toBe(
      '/home',
    );
  });

  it('leads a browser back once to the path that release 1 stored in the session', async () => {
    const { browser, mfa, code } = await createTestApp();
    const client = browser(ada, { ...(await mfa.beginLogin({ user: ada })).session, returnTo: '/cases?open=1' });
    expect(await returnPathAfter(client, await client.page('POST', '/verify', { code: code() }))).toBe('/cases?open=1');
    expect(client.state).not.toHaveProperty('returnTo');
    expect((await client.post('/verify', { code: code() })).body.returnTo).toBe('/home');
  });

  it.each([
    ['neither code', {}],
    ['both codes', { code: '123456', recoveryCode: 'x' }],
  ])('needs one code: %s is malformed', async (_what, fields) => {
    const { logIn } = await createTestApp();
    const client = await logIn();
    expect((await client.post('/verify', fields)).body).toMatchObject({
      status: 400,
      reason: 'malformed',
      detail: 'One of the fields "code" and "recoveryCode" is needed.',
    });
    const page = await client.page('POST', '/verify', fields);
    expect([page.status, page.body.page.heading]).toEqual([400, 'Request not understood']);
  });

  it('with a wrong code is asked for again on the same page, and leaves the session as it was', async () => {
    const { logIn, authenticator, clock } = await createTestApp();
    const client = await logIn();
    const before = client.state;
    const code = wrongCode(authenticator, clock.now());
    expect((await client.post('/verify', { code })).body).toMatchObject({ status: 422, reason: 'invalid_code' });
    const page = await client.page('POST', '/verify', { code });
    expect([page.status, page.header('retry-after')]).toEqual([422, undefined]);
    expect(page.body.page).toEqual({ name: 'challenge', kind: 'totp', ...SHOWN });
    expect(page.body.frame).toMatchObject({
      account: ada.name,
      notice: { tone: 'error', text: 'That code did not work. Wait for the next code in your app, then enter it here.' },
    });
    expect(client.state).toBe(before);
    const recovery = await client.page('POST', '/verify', { recoveryCode: 'x' });
    expect([recovery.status, recovery.body.page.kind]).toEqual([422, 'recovery-code']);
  });

  it('STP-1: with a wrong code at a step-up is asked for again as a fresh one', async () => {
    const { browser, session, authenticator, clock } = await createTestApp();
    const page = await browser(ada, session).page('POST', '/verify', { code: wrongCode(authenticator, clock.now()) });
    expect(page.body.page).toMatchObject({ because: 'expired', rememberDays: 0 });
  });

  it('THR-7: is not checked while throttled, and the page says how long to wait', async () => {
    const { logIn, authenticator, clock } = await createTestApp();
    const client = await logIn();
    const code = wrongCode(authenticator, clock.now());
    for (let tries = 0; tries < 5; tries++) await client.post('/verify', { code });
    const answer = await client.post('/verify', { code });
    expect(answer.body).toMatchObject({ status: 429, reason: 'throttled', retryAfterSeconds: 30 });
    expect(answer.header('retry-after')).toBe('30');
    const page = await client.page('POST', '/verify', { code });
    expect([page.status, page.header('retry-after'), page.body.page.waitSeconds]).toEqual([429, '30', 30]);
    expect(page.body.frame.notice.text).toBe('Too many wrong codes. Try again in 30 seconds.');
  });

  it('THR-4: from a known browser waits only for the guesses of that browser', async () => {
    const { logIn, authenticator, clock, code } = await createTestApp();
    const client = await logIn();
    await client.post('/verify', { code: code() });
    const wrong = { code: wrongCode(authenticator, clock.now()) };
    for (let tries = 0; tries < 5; tries++) await client.post('/verify', wrong);
    const page = await client.page('POST', '/verify', wrong);
    expect([page.status, page.header('retry-after'), page.body.page.waitSeconds]).toEqual([429, '30', 30]);
    expect((await (await logIn()).page('GET', '/challenge')).body.page.waitSeconds).toBe(0);
  });

  it('leads a user without an authenticator to the enrollment', async () => {
    const { logIn } = await createTestApp();
    const client = await logIn(bob);
    expect((await client.post('/verify', { code: '123456' })).body).toMatchObject({ status: 409, reason: 'not_enrolled' });
    expect(redirectOf(await client.page('POST', '/verify', { code: '123456' }))).toEqual([303, '/mfa/enroll']);
  });

  it('without a login is answered with a page that says so, because the input is lost', async () => {
    const { browser } = await createTestApp();
    const client = browser(null);
    expect((await client.post('/verify', { code: '123456' })).body).toMatchObject({ status: 401, reason: 'login_again' });
    const page = await client.page('POST', '/verify', { code: '123456' });
    expect([page.status, page.body.page.heading]).toEqual([401, 'Your session has ended']);
    expect(page.body.page.action).toEqual({ href: '/login', text: 'Log in' });
    expect(page.header('www-authenticate')).toBe('Bearer error="invalid_token"');
  });

  it('of a login that no longer counts is answered with a page that names the account', async () => {
    const { logIn, mfa } = await createTestApp();
    const client = await logIn();
    await mfa.passwordChanged({ userId: ada.id });
    const page = await client.page('POST', '/verify', { code: '123456' });
    expect([page.status, page.body.page.heading, page.body.frame.account]).toEqual([401, 'Log in again', ada.name]);
    expect(page.body.page.action).toEqual({ href: '/login', text: 'Log in' });
  });

  it('FLT-1: does not count if the storage or the session does not take it', async () => {
    const { logIn, code, faults } = await createTestApp();
    const client = await logIn();
    faults.readsLeft = 0;
    const down = await client.page('POST', '/verify', { code: code() });
    expect([down.status, down.body.page.name, down.body.frame.notice.tone]).toEqual([503, 'challenge', 'error']);
    expect(down.body.page.waitSeconds).toBe(0);
    expect(down.header('retry-after')).toMatch(/^\d+$/);
    faults.readsLeft = Number.POSITIVE_INFINITY;
    Object.assign(client.session ?? {}, { fail: true });
    const answer = await client.post('/verify', { code: code(), rememberDevice: true });
    expect(answer.body).toMatchObject({ status: 503, reason: 'unavailable', retryAfterSeconds: 5 });
    expect([answer.cookies, client.state.state, client.session?.renewals]).toEqual([[], 'pending', 0]);
  });

  it('FLT-1: does not count in a session that does not take the login either', async () => {
    const { browser, code } = await createTestApp();
    const client = browser(ada);
    Object.assign(client.session ?? {}, { fail: true });
    const page = await client.page('POST', '/verify', { code: code() });
    expect([page.status, page.header('retry-after'), page.body.page]).toEqual([
      503,
      '5',
      expect.objectContaining({ name: 'challenge', because: 'missing', factors: ['totp'], rememberDays: 30 }),
    ]);
  });
});

it.each(['12345', '1234567', '１２３４５６', '١٢٣٤٥٦', '123-456', 'abcdef', ''])(
  'F49: the page says that "%s" is not a code, without counting a try, and JSON answers as before',
  async (code) => {
    const { logIn, counts } = await createTestApp({ pages: {} });
    const client = await logIn();
    const before = counts.writes;
    const page = await client.page('POST', '/verify', { code });
    expect([page.status, counts.writes]).toEqual([422, before]);
    expect(page.text).toContain('<p>Enter exactly 6 digits, 0 to 9, as your authenticator app shows them.</p>');
    expect(page.text).not.toContain('That code did not work');
    expect((await client.post('/verify', { code })).body).toMatchObject({ status: 422, reason: 'invalid_code' });
  },
);

it('F49: six wrong digits get the usual answer', async () => {
  const { logIn, authenticator, clock } = await createTestApp({ pages: {} });
  const code = wrongCode(authenticator, clock.now()).replace(/(...)(...)/, ' $1 $2 ');
  expect((await (await logIn()).page('POST', '/verify', { code })).text).toContain('That code did not work');
});

it('F57: an empty recovery code next to the code is ignored', async () => {
  const { logIn, code } = await createTestApp();
  expect((await (await logIn()).post('/verify', { code: code(), recoveryCode: '' })).status).toBe(200);
});

describe('a login whose request came without the cookie of the remembered device', () => {
  /** Logs in as by cross-site POST: the browser has the cookie, but the login did not see it. */
  async function open() {
    const app = await createTestApp();
    const client = await app.logIn();
    await client.post('/verify', { code: app.code(), rememberDevice: true });
    app.clock.advance(DAY);
    const { session } = await app.mfa.beginLogin({ user: ada });
    Object.assign(client.session ?? {}, { state: session });
    app.events.length = 0;
    return { ...app, client };
  }

  it('DEV-1, F50: is completed by the page of the prompt, as beginLogin would have done', async () => {
    const { client, events } = await open();
    const [before, renewals] = [[...client.cookies.values()][0], client.session?.renewals ?? 0];
    const answer = await client.page('GET', '/challenge');
    expect(answer.status).toBe(303);
    expect(client.state.assurance.via).toBe('remembered-device');
    expect([client.session?.renewals, [...client.cookies.values()][0] === before]).toEqual([renewals + 1, false]);
    expect(events.map(({ name }) => name)).toContain('device_used');
    expect((await client.page('GET', '/challenge')).status).toBe(303);
  });

  it('DEV-6, DEV-8, F50: asks for a code if the device does not count', async () => {
    for (const change of [
      async ({ clock }: Awaited<ReturnType<typeof open>>) => void clock.advance(16 * MINUTE),
      async ({ clock, client, mfa }: Awaited<ReturnType<typeof open>>) => {
        clock.advance(31 * DAY);
        Object.assign(client.session ?? {}, { state: (await mfa.beginLogin({ user: ada })).session });
      },
      async ({ client }: Awaited<ReturnType<typeof open>>) => client.cookies.clear(),
    ]) {
      const app = await open();
      await change(app);
      expect((await app.client.page('GET', '/challenge')).status).toBe(200);
      expect(app.client.state.state).toBe('pending');
      expect(app.events.map(({ name }) => name)).not.toContain('device_used');
    }
  });
});
