import { createAuthenticator } from '@mfa-kit/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { wrongCode } from '../support/core-fixture.js';
import { Client, type Enrolled, enroll, expectStatus, FIREFOX, logIn } from './client.js';
import { type Host, startHost, versions } from './host.js';

const PAGE = { 'sec-fetch-site': 'same-origin', 'user-agent': FIREFOX };

describe.each(versions)('vulnerabilities of other libraries, on Express $version', ({ express }) => {
  let host: Host;
  let ada: Enrolled;

  beforeEach(async () => {
    host = await startHost({
      express,
      routes: ({ app, mfaFor }) => {
        app.post('/', (req, res, next) => {
          mfaFor(req, res)
            .then((flows) => flows.verify({ code: String(req.body?.code) }))
            .then((result) => res.json(result))
            .catch(next);
        });
      },
      parsers: (lib) => [lib.json(), lib.urlencoded({ extended: false })],
    });
    ada = await enroll(host);
  });
  afterEach(() => host.close());

  it('T9, THR-8: a forged client address does not get a new budget', async () => {
    ada.code();
    const wrong = wrongCode(createAuthenticator(ada.uri), host.clock.now());
    const reasons: string[] = [];
    for (let tries = 0; tries < 8; tries++) {
      const address = `203.0.113.${tries}`;
      const forged = { ...PAGE, 'x-forwarded-for': address, forwarded: `for=${address}`, 'x-real-ip': address };
      const attacker = await logIn(host, 'ada', new Client(host, forged));
      reasons.push((await attacker.post('/mfa/verify', { code: wrong })).body.reason);
    }
    expect(reasons).toEqual([...Array<string>(5).fill('invalid_code'), ...Array<string>(3).fill('throttled')]);
  });

  it('T10, THR-1: all guesses share one budget: by pages, JSON, token, the host’s own route and direct call', async () => {
    ada.code();
    const code = wrongCode(createAuthenticator(ada.uri), host.clock.now());
    const user = { id: 'user-ada', name: 'ada@example.com' };
    const { session, pendingToken } = await host.mfa.beginLogin({ user });
    const entries: (() => Promise<unknown>)[] = [
      async () => (await logIn(host)).post('/mfa/verify', { code }),
      async () => (await logIn(host)).page('POST', '/mfa/verify', { code }),
      async () => new Client(host, { 'user-agent': 'acme-cli/1.0' }).post('/mfa/verify', { code, pendingToken }),
      async () => (await logIn(host)).post('/', { code }),
      async () => host.mfa.verify({ user, session, proof: { kind: 'totp', code } }),
    ];
    for (let round = 0; round < 3; round++) await Promise.all(entries.map((guess) => guess()));
    expect(host.events.filter((event) => event.name === 'verification_failed')).toHaveLength(5);
    expect(host.events.filter((event) => event.name === 'throttled')).toHaveLength(10);
  });

  it('TOTP-4: no header or field of a request changes the clock', async () => {
    const code = ada.code();
    host.clock.advance(300_000);
    const then = host.clock.now() - 300_000;
    const client = await logIn(host, 'ada', new Client(host, { ...PAGE, date: new Date(then).toUTCString() }));
    const late = await client.post(`/mfa/verify?now=${then}&time=${then}`, { code, now: String(then), timestamp: String(then) });
    expect(late.body.reason).toBe('invalid_code');
  });

  it('T24: a logout at the prompt or in an enrollment ends the login', async () => {
    const pending = await logIn(host);
    const session = [...pending.cookies];
    expectStatus(await pending.post('/logout'), 204);
    for (const [name, value] of session) pending.cookies.set(name, value);
    expect((await pending.post('/mfa/verify', { code: ada.code() })).body.reason).toBe('login_again');

    const enrolling = await logIn(host, 'bob');
    const started = expectStatus(await enrolling.post('/mfa/enroll', {}), 201).body;
    expectStatus(await enrolling.post('/logout'), 204);
    const again = await logIn(host, 'bob', enrolling);
    const confirm = { enrollmentId: started.enrollmentId, code: '000000' };
    expect((await again.post('/mfa/enroll/confirm', confirm)).body.reason).toBe('enrollment_expired');
    expect((await again.get('/mfa/enroll')).status).toBe(404);
  });

  it('T25, DEV-3: a remembered device of one user does not count for another, even with a similar name', async () => {
    const browser = await logIn(host);
    expectStatus(await browser.post('/mfa/verify', { code: ada.code(), rememberDevice: true }), 200);
    const [, token = ''] = [...browser.cookies].find(([name]) => name.startsWith('__Host-mfa_device_')) ?? [];
    for (const id of ['user-Ada', 'user-ada ', 'user-adá', 'user-bob']) {
      host.users.set('twin', { id, name: 'ada@example.com' });
      const twin = await enroll(host, 'twin', new Client(host));
      const own = host.mfa.settings.deviceCookieSuffixes(id)[0];
      const thief = new Client(host);
      thief.cookies.set(`__Host-mfa_device_${own}`, token);
      expect((await logIn(host, 'twin', thief)).cookies.has('sid')).toBe(true);
      expect((await thief.get('/cases')).body).toMatchObject({ status: 401, reason: 'challenge' });
      expect(twin.recoveryCodes).toHaveLength(10);
    }
    expect(host.events.filter((event) => event.name === 'device_refused' && event.why === 'other_user')).toHaveLength(4);
    expect((await logIn(host, 'ada', browser)).cookies.size).toBeGreaterThan(0);
    expect((await browser.get('/cases')).body).toMatchObject({ via: 'remembered-device' });
  });

  it('HTTP-4: no URL to which the kit redirects contains a secret, code or token', async () => {
    const browser = new Client(host);
    const visited: string[] = [];
    const page = async (method: 'GET' | 'POST', path: string, fields = {}) => {
      const answer = await browser.page(method, path, fields);
      visited.push(answer.headers.get('location') ?? '');
      return answer;
    };
    await logIn(host, 'ada', browser);
    await page('GET', '/cases');
    await page('POST', '/mfa/verify', { code: ada.code(), rememberDevice: 'on' });
    await page('POST', '/mfa/enroll');
    await page('POST', '/mfa/devices/revoke', { id: 'A'.repeat(22) });
    await page('POST', '/payouts');
    const secrets = [
      ada.uri,
      new URL(ada.uri).searchParams.get('secret') ?? '',
      ...ada.recoveryCodes,
      ...browser.cookies.values(),
    ];
    for (const url of visited) {
      expect(url).toMatch(/^(\/[a-z/]*(\?notice=[a-z_]+)?)?$/);
      for (const secret of secrets) expect(url).not.toContain(secret);
    }
  });
});
