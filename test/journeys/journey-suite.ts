import { createAuthenticator } from '@mfa-kit/core/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Client, type Enrolled, enroll, expectStatus, logIn, type Served } from '../express/client.js';

/** An application of any framework, with the routes of the test hosts. */
export interface JourneyHost extends Served {
  close(): Promise<void>;
}

/** The main journey of a user, on any framework. */
export function journeySuite(start: () => Promise<JourneyHost>): void {
  let host: JourneyHost;

  beforeEach(async () => {
    host = await start();
  });
  afterEach(() => host.close());

  it('asks a new user to enroll, and denies access before that', async () => {
    const client = await logIn(host);
    expect((await client.get('/cases')).body).toMatchObject({ status: 403, reason: 'enroll' });
    const { recoveryCodes } = await enroll(host, 'ada', client);
    expect(recoveryCodes).toHaveLength(10);
    expect((await client.get('/cases')).body).toEqual({ via: 'otp', userId: 'user-ada' });
  });

  it('challenges at the next login, once', async () => {
    const first = await enroll(host);
    const client = await logIn(host);
    const refused = await client.get('/cases');
    expect(refused.body).toMatchObject({ status: 401, reason: 'challenge', because: 'missing' });
    expect(refused.headers.get('www-authenticate')).toContain('insufficient_user_authentication');
    const code = first.code();
    const verified = expectStatus(await client.post('/mfa/verify', { code }), 200);
    expect(verified.body).toMatchObject({ assurance: { via: 'otp', userId: 'user-ada' }, returnTo: '/home' });
    expectStatus(await client.get('/cases'), 200);
    const other = await logIn(host);
    expect((await other.post('/mfa/verify', { code })).body).toMatchObject({ status: 422, reason: 'invalid_code' });
  });

  it('I4, T3: one code sent by twenty logged-in browsers at once is accepted in one of them', async () => {
    const { code } = await enroll(host);
    const clients = await Promise.all(Array.from({ length: 20 }, () => logIn(host)));
    const right = code();
    const answers = await Promise.all(clients.map((client) => client.post('/mfa/verify', { code: right })));
    const passed = await Promise.all(clients.map(async (client) => (await client.get('/cases')).status === 200));
    expect(answers.map(({ status }) => status === 200)).toEqual(passed);
    expect(passed.filter(Boolean)).toHaveLength(1);
  });

  it('leads a browser through the pages and back to the requested page', async () => {
    const { code } = await enroll(host);
    const client = await logIn(host);
    const refused = await client.page('GET', '/cases?page=2');
    expect([refused.status, refused.headers.get('location')]).toEqual([303, '/mfa/challenge']);
    const prompt = expectStatus(await client.page('GET', '/mfa/challenge'), 200);
    expect(prompt.text).toContain('autocomplete="one-time-code"');
    expect(prompt.text).toContain('ada@example.com');
    const wrong = await client.page('POST', '/mfa/verify', { code: '000000' });
    expect(wrong.status).toBe(422);
    expect(wrong.text).toContain('That code did not work');
    const right = await client.page('POST', '/mfa/verify', { code: code(), rememberDevice: 'on' });
    expect(await client.returnPathAfter(right)).toBe('/cases?page=2');
    expectStatus(await client.get('/cases'), 200);
    expect((await client.page('GET', '/mfa/challenge')).headers.get('location')).toBe('/home');
  });

  it('shows the same enrollment again, but the recovery codes only once, in the answer of the POST', async () => {
    const client = await logIn(host);
    expect((await client.page('GET', '/cases')).headers.get('location')).toBe('/mfa/enroll');
    const shown = expectStatus(await client.page('GET', '/mfa/enroll'), 200);
    const again = expectStatus(await client.page('GET', '/mfa/enroll'), 200);
    const id = enrollmentIdIn(shown.text);
    expect(enrollmentIdIn(again.text)).toBe(id);
    const wrong = await client.page('POST', '/mfa/enroll/confirm', { enrollmentId: id, code: '000000' });
    expect(wrong.status).toBe(422);
    expect(enrollmentIdIn(wrong.text)).toBe(id);
    const current = (await client.get('/mfa/enroll')).body;
    const confirmed = await client.page('POST', '/mfa/enroll/confirm', { enrollmentId: id, code: codeOf(current.uri, host) });
    expect(confirmed.status).toBe(200);
    expect(confirmed.text).toMatch(/([0-9A-Z]{4}-){5}[0-9A-Z]{4}|<code>/);
    expect(confirmed.text).not.toContain('action="/cases"');
    expect((await client.page('GET', '/mfa/done')).headers.get('refresh')).toBe('0; url=/cases');
    const repeated = await client.page('POST', '/mfa/enroll/confirm', { enrollmentId: id, code: '000000' });
    // The user did not confirm that the codes are saved, so they are offered again.
    expect([repeated.status, repeated.headers.get('location')]).toEqual([303, '/mfa/recovery-codes']);
    expect((await client.page('GET', '/mfa?notice=already_confirmed')).text).toContain('already set up');
  });

  it('starts again if an enrollment has expired, and says so', async () => {
    const client = await logIn(host);
    const id = enrollmentIdIn((await client.page('GET', '/mfa/enroll')).text);
    host.clock.advance(10 * 60_000 + 1000);
    const late = await client.page('POST', '/mfa/enroll/confirm', { enrollmentId: id, code: '123456' });
    expect(late.status).toBe(409);
    expect(late.text).toContain('has expired');
    expect(enrollmentIdIn(late.text)).not.toBe(id);
  });

  it('remembers a browser on request, for each of two users in it', async () => {
    const ada = await enroll(host, 'ada');
    const bob = await enroll(host, 'bob');
    const client = new Client(host);
    for (const [name, who] of [
      ['ada', ada],
      ['bob', bob],
    ] as [string, Enrolled][]) {
      await logIn(host, name, client);
      expectStatus(await client.post('/mfa/verify', { code: who.code(), rememberDevice: true }), 200);
    }
    for (const name of ['ada', 'bob']) {
      client.cookies.delete('sid');
      expect((await client.post(`/login?user=${name}`)).body.decision).toMatchObject({
        access: 'allow',
        via: 'remembered-device',
      });
      expect((await client.get('/cases')).body).toEqual({ via: 'remembered-device', userId: `user-${name}` });
    }
    host.clock.advance(30 * 86_400_000 + 1000);
    client.cookies.delete('sid');
    expect((await client.post('/login?user=ada')).body.decision.access).toBe('challenge');
  });

  it('T29, STP-5: asks for a fresh code on a remembered device, and leads a refused POST back to its page', async () => {
    const { client, code } = await enroll(host);
    host.clock.advance(301_000);
    const headers = { host: 'ignored', referer: `${host.origin}/cases` };
    const refused = await client.page('POST', '/payouts', {}, { referer: headers.referer });
    const asked = refused.headers.get('location') ?? '';
    expect([refused.status, asked]).toEqual([303, '/mfa/challenge?maxAge=300']);
    expect((await client.page('GET', asked)).text).toContain('confirm that it is you');
    const json = await client.post('/payouts', {});
    expect(json.body).toMatchObject({ status: 401, reason: 'challenge', because: 'expired', maxAgeSeconds: 300 });
    expect(json.headers.get('www-authenticate')).toContain('max_age="300"');
    const verified = await client.page('POST', '/mfa/verify', { code: code() });
    expect(await client.returnPathAfter(verified)).toBe('/cases');
    expectStatus(await client.post('/payouts', {}), 201);
  });

  it('accepts a recovery code once', async () => {
    const { recoveryCodes } = await enroll(host);
    const client = await logIn(host);
    expect((await client.page('GET', '/mfa/challenge?use=recovery-code')).text).toContain('name="recoveryCode"');
    const wrong = await client.page('POST', '/mfa/verify', { recoveryCode: 'AAAA-AAAA' });
    expect(wrong.status).toBe(422);
    expect(wrong.text).toContain('name="recoveryCode"');
    const used = expectStatus(await client.post('/mfa/verify', { recoveryCode: recoveryCodes[0] }), 200);
    expect(used.body).toMatchObject({ recoveryCodesLeft: 9, assurance: { via: 'recovery-code' } });
    const other = await logIn(host);
    expect((await other.post('/mfa/verify', { recoveryCode: recoveryCodes[0] })).status).toBe(422);
  });

  it('THR-7: answers a throttled code with the wait, whether it is right or wrong', async () => {
    const { code } = await enroll(host);
    const client = await logIn(host);
    for (let index = 0; index < 5; index++) await client.post('/mfa/verify', { code: '000000' });
    const throttled = await client.post('/mfa/verify', { code: '000000' });
    expect(throttled.status).toBe(429);
    expect(throttled.headers.get('retry-after')).toBe(String(throttled.body.retryAfterSeconds));
    const page = await client.page('POST', '/mfa/verify', { code: '000000' });
    expect(page.status).toBe(429);
    expect(page.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(page.text).toContain('data-wait');
    expectStatus(await client.post('/mfa/verify', { code: code() }), 200);
  });

  it('allows users who need no MFA, and gives the guarded route the reason', async () => {
    expect((await (await logIn(host, 'grace')).get('/cases')).body).toEqual({ via: 'not-required' });
    expect((await (await logIn(host, 'alan')).get('/cases')).body).toEqual({ via: 'grace' });
    expect((await (await logIn(host, 'olga')).get('/cases')).body).toEqual({ via: 'not-required' });
    const grace = await logIn(host, 'grace');
    expect((await grace.post('/payouts', {})).body).toMatchObject({ status: 403, reason: 'enroll' });
    const overview = expectStatus(await grace.page('GET', '/mfa'), 200);
    expect(overview.text).toContain('No authenticator is set up yet.');
  });

  it('ends at the logout', async () => {
    const { client } = await enroll(host);
    expectStatus(await client.post('/logout'), 204);
    expect((await client.get('/cases')).body).toMatchObject({ status: 401, reason: 'login_again' });
    const page = await client.page('GET', '/cases');
    expect([page.status, page.headers.get('location')]).toEqual([303, '/login']);
    for (const path of ['/mfa', '/mfa/enroll', '/mfa/challenge']) {
      expect((await client.page('GET', path)).headers.get('location')).toBe('/login');
      expect((await client.get(path)).body).toMatchObject({ status: 401, reason: 'login_again' });
    }
  });
}

function enrollmentIdIn(html: string): string {
  return /name="enrollmentId" value="([^"]+)"/.exec(html)?.[1] ?? '';
}

function codeOf(uri: string, host: Served): string {
  return createAuthenticator(uri).code(host.clock.now());
}
