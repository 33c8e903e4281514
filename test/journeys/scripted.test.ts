import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeAt, requireOathtool } from '../support/authenticator.js';
import { DAY, type DemoApp, EXAMPLES, SECOND, STEP, startDemoApp } from '../support/demo-app.js';
import { describeWith } from '../support/requires.js';
import { type ScriptedClient, scriptedClient } from '../support/scripted-client.js';
import { expectStatus, logIn, logInAndEnroll } from '../support/scripted-journey.js';

describe.each(EXAMPLES)('%s', (example) => {
  describeWith(requireOathtool(), 'a scripted client', () => {
    let app: DemoApp;
    let client: ScriptedClient;

    beforeAll(async () => {
      app = await startDemoApp(example);
      client = scriptedClient(app.origin);
    });
    afterAll(() => app.close());

    const reason = async (answer: Promise<{ status: number; body: Record<string, unknown> }>): Promise<unknown[]> => {
      const { status, body } = await answer;
      return [status, body.reason];
    };

    it('can use it from the first login to the reset', async () => {
      expect(await reason(client.get('/cases'))).toEqual([401, 'login_again']);
      expect((await client.post('/login', { username: 'ada', password: 'wrong' })).status).toBe(401);

      // The first login: MFA is required, so only the enrollment is open.
      expect((await logIn(client, app, 'ada')).body.access).toBe('enroll');
      expect(await reason(client.get('/cases'))).toEqual([403, 'enroll']);
      const { body: enrollment } = expectStatus(await client.post('/mfa/enroll'), 201);
      const key = String(enrollment.manualKey).replaceAll(' ', '');
      expect(new URL(String(enrollment.uri)).searchParams.get('secret')).toBe(key);
      expect((await client.get('/mfa/enroll')).body).toMatchObject({ enrollmentId: enrollment.enrollmentId });
      const confirm = (code: string): ReturnType<ScriptedClient['post']> =>
        client.post('/mfa/enroll/confirm', { enrollmentId: enrollment.enrollmentId, code });
      expect(await reason(confirm('000000'))).toEqual([422, 'invalid_code']);
      const { body: confirmed } = expectStatus(await confirm(await codeAt(key, app.now())), 200);
      const recoveryCodes = confirmed.recoveryCodes as string[];
      expect(new Set(recoveryCodes).size).toBe(10);
      expect((await client.get('/cases')).status).toBe(200);

      // The second login: a code, and the device is remembered.
      const nextCode = (): Promise<string> => {
        app.advance(STEP);
        return codeAt(key, app.now());
      };
      expectStatus(await client.post('/logout'), 200);
      expect(await reason(client.get('/cases'))).toEqual([401, 'login_again']);
      expect((await logIn(client, app, 'ada')).body.access).toBe('challenge');
      expect(await reason(client.get('/cases'))).toEqual([401, 'challenge']);
      const code = await nextCode();
      expectStatus(await client.post('/mfa/verify', { code, rememberDevice: true }), 200);
      expect((await client.get('/cases')).status).toBe(200);

      // The third login: no challenge here, a challenge elsewhere, and the used code is refused.
      expectStatus(await client.post('/logout'), 200);
      expect((await logIn(client, app, 'ada')).body.access).toBe('allow');
      expect((await client.get('/cases')).status).toBe(200);
      const elsewhere = scriptedClient(app.origin);
      expect((await logIn(elsewhere, app, 'ada')).body.access).toBe('challenge');
      expect(await reason(elsewhere.post('/mfa/verify', { code }))).toEqual([422, 'invalid_code']);

      // Step-up: the remembered browser is challenged before a payment, and not again for five minutes.
      const pay = (): ReturnType<ScriptedClient['post']> => client.post('/payouts', { reference: 'LF-2041', amount: 250 });
      const refused = await pay();
      expect([refused.status, refused.body.reason, refused.body.maxAgeSeconds]).toEqual([401, 'challenge', 300]);
      expect(refused.headers.get('www-authenticate')).toContain('error="insufficient_user_authentication"');
      expectStatus(await client.post('/mfa/verify', { code: await nextCode() }), 200);
      expect((await pay()).status).toBe(201);
      app.advance(300 * SECOND);
      expect((await pay()).status).toBe(201);
      app.advance(SECOND);
      expect(await reason(pay())).toEqual([401, 'challenge']);

      // A recovery code works once, and remembered browsers are challenged again.
      const { body: recovered } = expectStatus(await elsewhere.post('/mfa/verify', { recoveryCode: recoveryCodes[0] }), 200);
      expect(recovered.recoveryCodesLeft).toBe(9);
      expect((await elsewhere.get('/cases')).status).toBe(200);
      const third = scriptedClient(app.origin);
      await logIn(third, app, 'ada');
      expect(await reason(third.post('/mfa/verify', { recoveryCode: recoveryCodes[0] }))).toEqual([422, 'invalid_code']);
      expectStatus(await client.post('/logout'), 200);
      expect((await logIn(client, app, 'ada')).body.access).toBe('challenge');

      // New recovery codes invalidate the old ones.
      expectStatus(await client.post('/mfa/verify', { code: await nextCode(), rememberDevice: true }), 200);
      const { body: renewed } = expectStatus(await client.post('/mfa/recovery-codes'), 200);
      expect(await reason(third.post('/mfa/verify', { recoveryCode: recoveryCodes[1] }))).toEqual([422, 'invalid_code']);
      expectStatus(await third.post('/mfa/verify', { recoveryCode: (renewed.recoveryCodes as string[])[1] }), 200);

      // The password changes: this session stays, the other one ends, and no device is remembered.
      const next = 'another battery staple';
      expectStatus(await client.post('/password', { current: app.password, next }), 200);
      expect((await client.get('/cases')).status).toBe(200);
      expect((await third.get('/cases')).status).toBe(401);
      expectStatus(await client.post('/logout'), 200);
      expect((await client.post('/login', { username: 'ada', password: next })).body.access).toBe('challenge');
    });

    it('challenges a remembered browser again after 30 days and one second, regardless of its visits', async () => {
      const grace = scriptedClient(app.origin);
      const authenticator = await logInAndEnroll(grace, app, 'grace');
      await grace.post('/logout');
      await logIn(grace, app, 'grace');
      expectStatus(await grace.post('/mfa/verify', { code: await authenticator.nextCode(), rememberDevice: true }), 200);
      const tickedAt = app.now();
      for (const day of [1, 15, 29]) {
        app.advance(tickedAt + day * DAY - app.now());
        await grace.post('/logout');
        expect((await logIn(grace, app, 'grace')).body.access).toBe('allow');
      }
      app.advance(tickedAt + 30 * DAY - SECOND - app.now());
      expect((await logIn(grace, app, 'grace')).body.access).toBe('allow');
      app.advance(2 * SECOND);
      expect((await logIn(grace, app, 'grace')).body.access).toBe('challenge');
    });

    it('allows alan for two weeks, then asks him to enroll', async () => {
      const fresh = await startDemoApp(example);
      try {
        const alan = scriptedClient(fresh.origin);
        expect((await logIn(alan, fresh, 'alan')).body.access).toBe('allow');
        expect((await alan.get('/cases')).status).toBe(200);
        fresh.advance(14 * DAY + SECOND);
        expect((await alan.get('/cases')).status).toBe(403);
        expect((await logIn(alan, fresh, 'alan')).body.access).toBe('enroll');
      } finally {
        await fresh.close();
      }
    });

    it('allows grace without MFA, except for routes that require a fresh code', async () => {
      const fresh = await startDemoApp(example);
      try {
        const grace = scriptedClient(fresh.origin);
        expect((await logIn(grace, fresh, 'grace')).body.access).toBe('allow');
        expect((await grace.get('/cases')).status).toBe(200);
        expect((await grace.post('/payouts', { reference: 'LF-2041', amount: 1 })).body.reason).toBe('enroll');
      } finally {
        await fresh.close();
      }
    });
  });

  describe('its routes', () => {
    it('answer a form with a redirect, and JSON with JSON', async () => {
      const app = await startDemoApp(example);
      try {
        const client = scriptedClient(app.origin);
        const form = { headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'text/html' } };
        const wrong = await client.request('POST', '/login', { ...form, body: 'username=ada&password=wrong' });
        expect([wrong.status, wrong.headers.get('content-type')]).toEqual([401, 'text/html; charset=utf-8']);
        expect(wrong.text).toContain('Username or password is wrong.');
        const right = await client.request('POST', '/login', {
          ...form,
          body: new URLSearchParams({ username: 'ada', password: app.password }).toString(),
        });
        expect([right.status, right.headers.get('location')]).toEqual([303, '/cases']);
        const cases = await client.get('/cases', { accept: 'text/html' });
        expect([cases.status, cases.headers.get('location')]).toEqual([303, '/mfa/enroll']);
        const out = await client.request('POST', '/logout', form);
        expect([out.status, out.headers.get('location')]).toEqual([303, '/']);
        expect((await client.get('/healthz')).body).toEqual({ ok: true });
        expect((await client.get('/')).status).toBe(200);
      } finally {
        await app.close();
      }
    });

    it('set __Host- cookies in production, over https only', async () => {
      const app = await startDemoApp(example, { env: { NODE_ENV: 'production' } });
      try {
        const login = { username: 'ada', password: app.password };
        const plain = await scriptedClient(app.origin).post('/login', login);
        // @fastify/session writes the cookie here too, but no browser accepts it.
        expect(plain.headers.getSetCookie().filter((line) => !line.includes('; Secure'))).toEqual([]);
        const secure = await scriptedClient(app.origin).post('/login', login, { 'x-forwarded-proto': 'https' });
        const [cookie = ''] = secure.headers.getSetCookie();
        const [name, ...attributes] = cookie.split(/[;=] ?/);
        expect(name).toBe('__Host-session');
        expect(attributes).toEqual(expect.arrayContaining(['Path', '/', 'Expires', 'HttpOnly', 'Secure', 'SameSite', 'Lax']));
        expect(attributes).not.toContain('Domain');
      } finally {
        await app.close();
      }
    });

    it('accept nothing from another site, and no malformed login', async () => {
      const app = await startDemoApp(example);
      try {
        const client = scriptedClient(app.origin);
        const login = { username: 'ada', password: app.password };
        expect((await client.post('/login', login, { origin: 'https://evil.example' })).status).toBe(403);
        expect((await client.post('/login', login, { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
        for (const body of [
          {},
          { username: {}, password: [] },
          { username: 'ada' },
          { username: ['ada'], password: app.password },
        ]) {
          expect((await client.post('/login', body)).status).toBe(401);
        }
        expect((await client.post('/login', { ...login, filler: 'x'.repeat(5000) })).status).toBe(413);
        const malformed = { headers: { 'content-type': 'application/json' }, body: '{' };
        expect((await client.request('POST', '/login', malformed)).status).toBe(400);
      } finally {
        await app.close();
      }
    });
  });
});
