import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Answer, Client, enroll, expectStatus, logIn } from './client.js';
import { type Host, startHost, versions } from './host.js';

/** What Chromium sends with each kind of request over https. `page`: with `Accept: text/html`. */
const NAVIGATION = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
const SAME = { ...NAVIGATION, 'sec-fetch-site': 'same-origin' };
const CROSS = { ...NAVIGATION, 'sec-fetch-site': 'cross-site' };
const WAY = /^(__Host-)?mfa_return$/;

function wayOf(client: Client): string | undefined {
  return [...client.cookies].find(([name]) => WAY.test(name))?.[1];
}

/** Proves a code by form and returns the page after the proof. */
async function proveByForm(client: Client, code: string): Promise<Answer> {
  const proven = await client.page('POST', '/mfa/verify', { code }, SAME);
  expect([proven.status, proven.headers.get('location')]).toEqual([303, '/mfa/done']);
  return expectStatus(await client.page('GET', '/mfa/done', {}, SAME), 200);
}

describe.each(versions)('the return path on Express $version', ({ express }) => {
  let host: Host;

  beforeEach(async () => {
    host = await startHost({ express });
  });
  afterEach(() => host.close());

  it('F79: a navigation within the origin is followed automatically after the proof, once', async () => {
    const { code } = await enroll(host);
    const client = await logIn(host);
    await client.page('GET', '/cases?page=2', {}, SAME);
    const done = await proveByForm(client, code());
    expect(done.headers.get('refresh')).toBe('0; url=/cases?page=2');
    expect(done.text).toContain('href="/cases?page=2"');
    expect(wayOf(client)).toBeUndefined();
    expect((await client.page('GET', '/mfa/done', {}, SAME)).headers.get('refresh')).toBe('0; url=/home');
  });

  it.each([
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['another port of the same site', { 'sec-fetch-site': 'same-site' }],
    ['the address bar or a mail client', { 'sec-fetch-site': 'none' }],
  ])('F79: a navigation from %s is offered as a link after the proof and never followed automatically', async (_name, site) => {
    const { code } = await enroll(host);
    const client = await logIn(host);
    await client.page('GET', '/delete-everything', {}, { ...NAVIGATION, ...site });
    const done = await proveByForm(client, code());
    expect(done.headers.get('refresh')).toBeNull();
    expect(done.text).toContain('href="/delete-everything"');
    expect(done.text).toMatch(/Continue to <bdi>\/delete-everything<\/bdi>/);
    const again = await logIn(host);
    await again.page('GET', '/delete-everything', {}, { ...NAVIGATION, ...site });
    expect((await again.post('/mfa/verify', { code: code() })).body.returnTo).toBe('/home');
    expect(wayOf(again)).toBeUndefined();
  });

  it.each<[string, Record<string, string>]>([
    ['a prefetch', { ...SAME, 'sec-purpose': 'prefetch' }],
    ['a prerender', { ...SAME, 'sec-purpose': 'prefetch;prerender' }],
    ['a prefetch of older browsers', { ...SAME, purpose: 'prefetch' }],
    ['a prefetch of Firefox', { ...SAME, 'x-moz': 'prefetch' }],
    ['a frame', { ...SAME, 'sec-fetch-dest': 'iframe' }],
    ['a frame of another site', { ...CROSS, 'sec-fetch-dest': 'frame' }],
    ['an object', { ...SAME, 'sec-fetch-dest': 'object' }],
    ['a fetch', { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' }],
    ['a fetch of another site', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'empty' }],
    ['a picture', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }],
    ['a navigation that names no destination', { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'navigate' }],
  ])('F47: %s sets no return path and keeps that of the refused page', async (_name, headers) => {
    const { code } = await enroll(host);
    const client = await logIn(host);
    await client.page('GET', '/cases', {}, SAME);
    const way = wayOf(client);
    expect(way).toBeDefined();
    const answer = await client.get('/other', { headers: { accept: 'text/html', referer: `${host.origin}/x`, ...headers } });
    expect([answer.cookies, wayOf(client)]).toEqual([[], way]);
    expect((await proveByForm(client, code())).headers.get('refresh')).toBe('0; url=/cases');
  });

  it('F47: without Sec-Fetch headers, only a Referer of this origin, or no Referer, counts as a navigation', async () => {
    const { code } = await enroll(host);
    for (const [headers, way] of [
      [{}, '/cases'],
      [{ referer: '/board' }, '/cases'],
      [{ referer: 'http://evil.example/board' }, '/home'],
      [{ referer: 'about:blank' }, '/home'],
    ] as [Record<string, string>, string][]) {
      const client = await logIn(host);
      const referer = headers.referer?.startsWith('/') ? { referer: host.origin + headers.referer } : headers;
      const plain = new Client(host, {});
      for (const [name, value] of client.cookies) plain.cookies.set(name, value);
      await plain.get('/cases', { headers: { accept: 'text/html', ...referer } });
      for (const [name, value] of plain.cookies) client.cookies.set(name, value);
      expect((await client.post('/mfa/verify', { code: code() })).body.returnTo, JSON.stringify(headers)).toBe(way);
    }
  });

  it('F27: a form to a stricter route leads to the prompt without a Referer, and a proof satisfies the route', async () => {
    const { client, code } = await enroll(host);
    host.clock.advance(400_000);
    const refused = await client.page('POST', '/payouts', {}, SAME);
    const asked = refused.headers.get('location') ?? '';
    expect([refused.status, asked]).toEqual([303, '/mfa/challenge?maxAge=300']);
    const prompt = expectStatus(await client.page('GET', asked, {}, SAME), 200);
    expect(prompt.text).toContain('confirm that it is you');
    const byRecoveryCode = /href="([^"]*use=recovery-code[^"]*)"/.exec(prompt.text)?.[1]?.replaceAll('&amp;', '&') ?? '';
    expectStatus(await client.page('GET', byRecoveryCode, {}, SAME), 200);
    const done = await proveByForm(client, code());
    expect(done.headers.get('refresh')).toBe('0; url=/home');
    expectStatus(await client.page('POST', '/payouts', {}, SAME), 201);
    expect((await client.page('GET', asked, {}, SAME)).headers.get('location')).toBe('/home');
  });

  it('F27: a path over 1 KB, or one that the host refuses, leads to the prompt and then home', async () => {
    await host.close();
    host = await startHost({
      express,
      kit: { returnTo: (path) => path !== '/secret' },
      routes: ({ app, requireMfa }) => app.get(/.*/, requireMfa({ maxAgeSeconds: 60 }), (_req, res) => void res.send('in')),
    });
    const { client, code } = await enroll(host);
    for (const path of ['/secret', `/${'a'.repeat(1100)}`]) {
      host.clock.advance(400_000);
      expect((await client.page('GET', '/board', {}, SAME)).headers.get('location')).toBe('/mfa/challenge?maxAge=60');
      const asked = (await client.page('GET', path, {}, SAME)).headers.get('location') ?? '';
      expectStatus(await client.page('GET', asked, {}, SAME), 200);
      expect((await proveByForm(client, code())).headers.get('refresh')).toBe('0; url=/home');
      expectStatus(await client.page('GET', path, {}, SAME), 200);
    }
  });

  it('F46: requests that are refused during a logout do not restore the session', async () => {
    await enroll(host);
    for (const login of ['kept', 'forgotten']) {
      const client = await logIn(host);
      if (login === 'forgotten') {
        await new Promise<void>((resolve, reject) => {
          const id =
            decodeURIComponent(client.cookies.get('sid') ?? '')
              .slice(2)
              .split('.')[0] ?? '';
          host.store.get(id, (error, data) => {
            if (error || !data) return reject(new Error('no session'));
            Reflect.deleteProperty(data, 'mfa');
            host.store.set(id, data, () => resolve());
          });
        });
      }
      let writes = 0;
      const { set } = host.store;
      host.store.set = (...given) => {
        writes += 1;
        set.apply(host.store, given);
      };
      const refused = ['/cases', '/board', '/x'].map((path) => client.page('GET', path, {}, SAME));
      const out = await client.post('/logout');
      for (const answer of await Promise.all(refused)) expect(answer.status).toBe(303);
      expect([out.status, writes]).toEqual([204, 0]);
      host.store.set = set;
    }
  });

  it('F79: the cookie works for one user, one path and ten minutes only', async () => {
    const { code } = await enroll(host);
    const { client: bob } = await enroll(host, 'bob');
    const client = await logIn(host);
    await client.page('GET', '/cases', {}, SAME);
    const [name = '', value = ''] = [...client.cookies].find(([cookie]) => WAY.test(cookie)) ?? [];
    const line = (await client.page('GET', '/cases', {}, SAME)).cookies.find((cookie) => WAY.test(cookie.split('=')[0] ?? ''));
    expect(line).toMatch(/^__Host-mfa_return=[\w.-]+; Path=\/; Max-Age=600; HttpOnly; Secure; SameSite=Lax$/);
    expect(value).not.toContain('cases');

    await bob.post('/login?user=bob');
    bob.cookies.set(name, value);
    expect((await bob.page('GET', '/mfa/done', {}, SAME)).text).not.toContain('/cases');

    for (const forged of [value.slice(0, -2), `${value}A`, value.replace(/^./, 'o'), `x${value}`, '', 'a.b.c.d', `${value}.`]) {
      const other = await logIn(host);
      other.cookies.set(name, forged);
      expect((await other.post('/mfa/verify', { code: code() })).body.returnTo, forged).toBe('/home');
    }
    host.clock.advance(600_000);
    client.cookies.set(name, value);
    expect((await client.post('/mfa/verify', { code: code() })).body.returnTo).toBe('/home');
  });

  it('F42: "Continue" after the recovery codes leads to a page of the kit, so that the return path may leave the origin', async () => {
    const client = await logIn(host, 'bob');
    await client.page('GET', '/cases?page=2', {}, SAME);
    const { enrollmentId, code } = await startedBy(client, host);
    const codes = expectStatus(await client.page('POST', '/mfa/enroll/confirm', { enrollmentId, code }, SAME), 200);
    expect([...codes.text.matchAll(/<form[^>]* action="([^"]*)"/g)].map(([, action]) => action)).toEqual([
      expect.stringMatching(/^\/mfa\//),
    ]);
    expect(codes.headers.get('content-security-policy')).toContain("form-action 'self'");
    const done = expectStatus(await client.page('GET', '/mfa/done', {}, SAME), 200);
    expect(done.headers.get('refresh')).toBe('0; url=/cases?page=2');
  });
});

describe('where a password is confirmed again', () => {
  /** A host whose login page redirects users who are logged in. */
  async function startRollout(kit: { reauthUrl?: string } = {}, freshLoginSeconds?: number) {
    const host = await startHost({
      express: versions[0].express,
      kit,
      ...(freshLoginSeconds !== undefined && { mfa: { freshLoginSeconds } }),
      before: [
        (req, res, next) => {
          if (req.method !== 'GET' || req.path !== '/login' || !/sid=/.test(req.headers.cookie ?? '')) return next();
          res.redirect(303, '/home');
        },
      ],
      login: async ({ kit: { mfaFor }, req, res }) => {
        const flows = await mfaFor(req, res);
        if (req.query.before) return res.json({});
        const { decision } = await flows.beginLogin();
        return res.json({ decision, returnTo: flows.returnTo() });
      },
    });
    return host;
  }

  it.each([
    [{}, '/login'],
    [{ reauthUrl: '/confirm-password' }, '/confirm-password'],
    [{ reauthUrl: 'https://sso.example/login?prompt=login' }, 'https://sso.example/login?prompt=login'],
  ])('F28: a session from before the deployment is sent to %j, and then back to the refused page', async (kit, link) => {
    const host = await startRollout(kit);
    try {
      const client = new Client(host);
      await client.post('/login?user=ada&before=1');
      expect((await client.page('GET', '/cases?page=2', {}, SAME)).headers.get('location')).toBe('/mfa/enroll');
      for (let visit = 0; visit < 3; visit++) {
        const page = await client.page('GET', '/mfa/enroll', {}, SAME);
        expect([page.status, page.headers.get('location')]).toEqual([401, null]);
        expect(page.text).toContain(`<a class="primary" href="${link}">`);
      }
      const login = await client.post('/login?user=ada');
      expect(login.body).toMatchObject({ decision: { access: 'enroll' }, returnTo: '/cases?page=2' });
      expect(wayOf(client)).toBeUndefined();
      expectStatus(await client.page('GET', '/mfa/enroll', {}, SAME), 200);
    } finally {
      await host.close();
    }
  });

  it('F28: freshLoginSeconds limits the age of a login that enrolls a first authenticator', async () => {
    for (const [seconds, given] of [
      [900, undefined],
      [3600, 3600],
      [60, 60],
    ] as const) {
      const host = await startRollout({}, given);
      const client = await logIn(host);
      host.clock.advance(seconds * 1000);
      expectStatus(await client.post('/mfa/enroll', {}), 201);
      host.clock.advance(1000);
      expect((await client.post('/mfa/enroll', {})).body).toMatchObject({ status: 401, reason: 'login_again' });
      await host.close();
    }
  });

  it('F28: a proof from before a reset leads to a page with the login, and never to a redirect loop', async () => {
    const host = await startRollout();
    try {
      const { client } = await enroll(host);
      await host.mfa.resetMfa({ userId: 'user-ada', actor: 'support', reason: 'a lost phone' });
      const page = await client.page('GET', '/cases', {}, SAME);
      expect([page.status, page.headers.get('location')]).toEqual([401, null]);
      expect(page.text).toContain('<a class="primary" href="/login">');
      expect((await client.post('/login?user=ada')).body).toMatchObject({ decision: { access: 'enroll' }, returnTo: '/cases' });
    } finally {
      await host.close();
    }
  });

  it('F79: a link of another site that led to the login is offered after the proof, regardless of where the login redirects', async () => {
    const host = await startRollout();
    try {
      const { code } = await enroll(host);
      const client = new Client(host);
      expect((await client.page('GET', '/delete-everything', {}, CROSS)).headers.get('location')).toBe('/login');
      expect((await client.post('/login?user=ada')).body.returnTo).toBe('/mfa/done');
      expect((await client.page('GET', '/mfa/done', {}, SAME)).headers.get('location')).toBe('/mfa/challenge');
      const done = await proveByForm(client, code());
      expect(done.headers.get('refresh')).toBeNull();
      expect(done.text).toContain('<bdi>/delete-everything</bdi>');
      const other = new Client(host);
      await other.page('GET', '/cases?page=2', {}, SAME);
      expect((await other.post('/login?user=ada')).body.returnTo).toBe('/cases?page=2');
      expect(wayOf(other)).toBeUndefined();
    } finally {
      await host.close();
    }
  });
});

it.each(versions)('F53: path and publicPath support a proxy that adds a prefix, on Express $version', async ({ express }) => {
  const warnings: string[] = [];
  const collect = (warning: Error & { code?: string }) => void warnings.push(String(warning.code));
  process.on('warning', collect);
  const host = await startHost({
    express,
    kit: { path: '/internal/mfa', publicPath: '/mfa' },
    before: [
      // This proxy maps what the browser asks for to paths below /internal.
      (req, _res, next) => {
        if (!req.url.startsWith('/login') && !req.url.startsWith('/logout')) req.originalUrl = req.url = `/internal${req.url}`;
        next();
      },
    ],
    routes: ({ app, requireMfa }) => {
      app.get('/internal/cases', requireMfa(), (_req, res) => void res.send('inside'));
    },
  });
  try {
    const { code } = await enroll(host);
    const client = await logIn(host);
    expect((await client.page('GET', '/cases?page=2', {}, SAME)).headers.get('location')).toBe('/mfa/challenge');
    const prompt = expectStatus(await client.page('GET', '/mfa/challenge', {}, SAME), 200);
    expect(prompt.text).toContain('action="/mfa/verify"');
    expect((await proveByForm(client, code())).headers.get('refresh')).toBe('0; url=/cases?page=2');
    expectStatus(await client.page('GET', '/cases', {}, SAME), 200);
    await new Promise(setImmediate);
    expect(warnings.filter((warning) => warning === 'MFA_KIT_GUARDED_LOGIN')).toEqual([]);
  } finally {
    process.off('warning', collect);
    await host.close();
  }
});

it('F51: a login that is a query of another page does not open that page', async () => {
  const { mfa } = (await import('../support/core-fixture.js')).createFixture();
  const { expressMfa } = await import('@mfa-kit/express');
  const kit = expressMfa(mfa, { user: () => null, loginUrl: '/account?view=login' });
  expect(() => kit.requireMfaExcept(['/'])).toThrow(/requireMfaExcept\(\["\/account"\]\)/);
  expect(() => kit.requireMfaExcept(['/', '/account'])).not.toThrow();
});

async function startedBy(client: Client, host: Host): Promise<{ enrollmentId: string; code: string }> {
  const { createAuthenticator } = await import('@mfa-kit/core/testing');
  const { enrollmentId, uri } = (await client.post('/mfa/enroll', {})).body;
  return { enrollmentId, code: createAuthenticator(uri).code(host.clock.now()) };
}
