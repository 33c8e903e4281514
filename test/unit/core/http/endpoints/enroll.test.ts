import { describe, expect, it } from 'vitest';
import { ada, bob, MINUTE } from '../../../../support/core-fixture.js';
import { sessionOf } from '../exchange.js';
import { Client, createTestApp, enrollBy, redirectOf, returnPathAfter } from '../test-app.js';

const QR = expect.stringMatching(/^<svg /);

describe('the enrollment page', () => {
  it('starts an enrollment, and shows the same one again', async () => {
    const { logIn, clock } = await createTestApp();
    const client = await logIn(bob);
    const page = await client.page('GET', '/enroll');
    expect([page.status, page.body.frame.account, page.body.frame.brand]).toEqual([200, bob.name, 'Acme']);
    expect(page.body.page).toEqual({
      name: 'enroll',
      enrollmentId: client.state.enrollmentIds[0],
      kind: 'totp',
      uri: expect.stringMatching(/^otpauth:/),
      qrSvg: QR,
      manualKey: expect.stringMatching(/^([A-Z2-7]{4} ){7}[A-Z2-7]{4}$/),
      expiresAt: clock.now() + 10 * MINUTE,
      additional: false,
      rememberDays: 30,
    });
    expect((await client.page('GET', '/enroll')).body.page).toEqual(page.body.page);
    expect(client.state.enrollmentIds).toHaveLength(1);
  });

  it('starts another one after the first has expired', async () => {
    const { logIn, clock } = await createTestApp();
    const client = await logIn(bob);
    const { enrollmentId } = (await client.page('GET', '/enroll')).body.page;
    clock.advance(10 * MINUTE);
    const again = (await client.page('GET', '/enroll')).body.page;
    expect(again.enrollmentId).not.toBe(enrollmentId);
    expect(again.expiresAt).toBe(clock.now() + 10 * MINUTE);
  });

  it('offers one more authenticator if a second factor was proven', async () => {
    const { browser, session } = await createTestApp();
    expect((await browser(ada, session).page('GET', '/enroll')).body.page).toMatchObject({ additional: true, rememberDays: 0 });
  });

  it('ENR-5: leads to the challenge and back if the proof is missing or too old', async () => {
    const { logIn, browser, session, clock, code } = await createTestApp();
    const pending = await logIn();
    clock.advance(5 * MINUTE);
    for (const client of [pending, browser(ada, session)]) {
      expect(redirectOf(await client.page('GET', '/enroll'))).toEqual([303, '/mfa/challenge?maxAge=300']);
      expect(client.way).toBe('/mfa/enroll');
      expect(await returnPathAfter(client, await client.page('POST', '/verify', { code: code() }))).toBe('/mfa/enroll');
    }
  });

  it('leads a visitor without a login to the login, and says so if the login is too old', async () => {
    const { logIn, browser, clock } = await createTestApp();
    expect(redirectOf(await browser(null).page('GET', '/enroll'))).toEqual([303, '/login']);
    const client = await logIn(bob);
    clock.advance(16 * MINUTE);
    const page = await client.page('GET', '/enroll');
    expect([page.status, page.body.page.heading, page.body.frame.account]).toEqual([401, 'Log in again', bob.name]);
    expect(page.body.page.action).toEqual({ href: '/login', text: 'Log in' });
  });

  it.each([0, 1])('FLT-1: starts none while the storage is down after %i reads', async (reads) => {
    const { logIn, faults, counts } = await createTestApp();
    const client = await logIn(bob);
    faults.readsLeft = reads;
    const before = counts.reads;
    const page = await client.page('GET', '/enroll');
    expect([page.status, page.body.page.heading]).toEqual([503, 'Temporarily unavailable']);
    expect(client.state.enrollmentIds).toEqual([]);
    // A storage that failed is not read again at once.
    if (reads === 0) expect(counts.reads - before).toBe(1);
  });
});

describe('F57: a page of another origin, with CORS headers of the host', () => {
  const foreign = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors', origin: 'https://evil.example', cookie: 'sid=1' };

  it.each(['application/json', 'text/html', '*/*'])('gets no pending key as %s, and starts nothing', async (accept) => {
    const { kit, counts, mfa } = await createTestApp();
    // A browser that sends no Sec-Fetch header.
    const client = new Client(kit, { user: bob, session: sessionOf((await mfa.beginLogin({ user: bob })).session), headers: {} });
    const before = counts.reads;
    expect((await client.request('GET', '/enroll', undefined, { ...foreign, accept })).status).toBe(403);
    expect([client.state.enrollmentIds, counts.reads]).toEqual([[], before]);
    const { manualKey } = (await client.post('/enroll', {}, { 'sec-fetch-site': 'same-origin' })).body;
    const refused: Record<string, string>[] = [foreign, { origin: 'null' }, { origin: 'https://evil.example' }];
    for (const headers of refused) {
      const answer = await client.request('GET', '/enroll', undefined, { ...headers, accept });
      expect(answer.status).toBe(403);
      expect(answer.text).not.toContain(manualKey);
    }
    expect((await client.request('GET', '/enroll', undefined, { accept })).text).toContain(manualKey);
  });

  it('gets no key for HEAD either, and the page of the refusal opens the real one', async () => {
    const { logIn } = await createTestApp();
    const client = await logIn(bob);
    expect((await client.request('HEAD', '/enroll', undefined, foreign)).status).toBe(403);
    const page = await client.request('GET', '/enroll', undefined, { ...foreign, accept: 'text/html' });
    expect(page.body.page).toMatchObject({ heading: 'Request refused', action: { href: '/mfa/enroll', text: 'Continue' } });
  });
});

describe('enrollment over JSON', () => {
  it('shows the pending enrollment only to the session that began it', async () => {
    const { logIn, browser, clock } = await createTestApp();
    const client = await logIn(bob);
    expect((await client.get('/enroll')).body).toMatchObject({ status: 404, reason: 'not_found' });
    const started = await client.post('/enroll', {});
    const expiresAt = clock.now() + 10 * MINUTE;
    const enrollment = {
      enrollmentId: client.state.enrollmentIds[0],
      kind: 'totp',
      qrSvg: QR,
      manualKey: expect.any(String),
      expiresAt,
    };
    expect([started.status, started.body]).toEqual([
      201,
      { ...enrollment, uri: expect.stringMatching(/^otpauth:\/\/totp\/Acme:bob%40example\.com\?/) },
    ]);
    const again = await client.get('/enroll');
    expect([again.status, again.body]).toEqual([200, started.body]);
    expect((await (await logIn(bob)).get('/enroll')).status).toBe(404);
    expect((await browser(null).get('/enroll')).body).toMatchObject({ status: 401, reason: 'login_again' });
  });

  it.each(['passkeys', 'recovery-code', '__proto__', 'TOTP'])('refuses the kind %s, which users cannot set up', async (kind) => {
    const { logIn } = await createTestApp();
    const client = await logIn(bob);
    for (const answer of [await client.post('/enroll', { kind }), await client.get(`/enroll?kind=${kind}`)]) {
      expect(answer.body).toMatchObject({ status: 400, reason: 'malformed', detail: 'The field "kind" must be "totp".' });
    }
    expect(client.state.enrollmentIds).toEqual([]);
    expect((await client.post('/enroll', { kind: 'totp' })).status).toBe(201);
    expect((await client.get('/enroll?kind=totp')).body).toMatchObject({ kind: 'totp' });
  });

  it('FLT-1: shows nothing while the storage is down', async () => {
    const { logIn, faults } = await createTestApp();
    const client = await logIn(bob);
    faults.readsLeft = 0;
    for (const answer of [await client.get('/enroll'), await client.post('/enroll')]) {
      expect(answer.body).toMatchObject({ status: 503, reason: 'unavailable' });
    }
  });

  it('ENR-5: starts only with a fresh proof', async () => {
    const { logIn } = await createTestApp();
    const client = await logIn();
    expect((await client.post('/enroll')).body).toMatchObject({ status: 403, reason: 'assurance_required', maxAgeSeconds: 300 });
    expect((await client.get('/enroll')).body).toMatchObject({ status: 403, reason: 'assurance_required' });
    expect(redirectOf(await client.page('POST', '/enroll'))).toEqual([303, '/mfa/challenge?maxAge=300']);
    expect(client.way).toBe('/mfa/enroll');
  });

  it.each([
    [undefined, 'Authenticator app'],
    ['', 'Authenticator app'],
    ['   ', 'Authenticator app'],
    [' My phone ', 'My phone'],
  ])('stores the name %j as %s', async (name, stored) => {
    const { logIn, clock } = await createTestApp();
    const confirmed = await enrollBy(await logIn(bob), clock.now, name === undefined ? {} : { name });
    expect(confirmed.body.authenticator.name).toBe(stored);
  });

  it('leads a browser that started one to its page', async () => {
    const { logIn } = await createTestApp();
    const client = await logIn(bob);
    expect(redirectOf(await client.page('POST', '/enroll', { name: 'Phone' }))).toEqual([303, '/mfa/enroll']);
    expect(client.state.enrollmentIds).toHaveLength(1);
  });
});

it('F49: the set-up page says that the input is not a code', async () => {
  const { logIn } = await createTestApp({ pages: {} });
  const client = await logIn(bob);
  await client.page('GET', '/enroll');
  const enrollmentId = client.state.enrollmentIds[0] ?? '';
  const page = await client.page('POST', '/enroll/confirm', { enrollmentId, code: '１２３４５６' });
  expect([page.status, page.text.includes('<p>Enter exactly 6 digits')]).toEqual([422, true]);
});
