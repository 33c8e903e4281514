import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Client, enroll, expectStatus, logIn } from './client.js';
import { type Host, startHost, versions } from './host.js';

describe.each(versions)('SES-2: the guard of the whole application on Express $version', ({ express }) => {
  let host: Host;

  beforeEach(async () => {
    host = await startHost({
      express,
      routes: ({ app }) => {
        for (const path of ['/secret', '/mfa-notes', '/sessions', '/login/help', '/session/x']) {
          app.all(path, (_req, res) => void res.send('inside'));
        }
      },
    });
  });
  afterEach(() => host.close());

  it.each([
    '/cases',
    '/secret',
    '/SECRET',
    '/secret/',
    '//secret',
    '/session/',
    '/SESSION',
    '/session/x',
    '/session%2f',
    '/%73ession',
    '/session;x=1',
    '/session/../secret',
    '/./session',
    '/sessions',
    '/login/',
    '/LOGIN',
    '/login/help',
    '/mfa-notes',
    '/mfaq',
    '//',
    '/index.html',
    'http://x/secret',
  ])('refuses %s until enough is proven', async (path) => {
    const pending = await logIn(host);
    for (const client of [new Client(host), pending]) {
      for (const method of ['GET', 'POST', 'HEAD', 'DELETE']) {
        expect([401, 403]).toContain(await statusOf(client, method, path));
      }
    }
  });

  it('leaves the listed paths, the login and the endpoints open', async () => {
    const client = new Client(host);
    expectStatus(await client.get('/session'), 200);
    expectStatus(await client.get('/session?x=//secret'), 200);
    expectStatus(await client.get('/login'), 200);
    expect((await client.get('/')).body).toEqual({ path: '/' });
    expectStatus(await client.get('/mfa/assets/page.css'), 200);
    expect((await client.get('/mfa/')).body).toMatchObject({ reason: 'login_again' });
  });

  it('T31, SES-8: guards a request however the user logged in', async () => {
    const { code } = await enroll(host);
    const client = await logIn(host);
    for (const headers of [{ authorization: 'Bearer x' }, { 'x-forwarded-for': '127.0.0.1' }, { 'x-mfa': 'done' }] as Record<
      string,
      string
    >[]) {
      expect((await client.get('/secret', { headers })).status).toBe(401);
    }
    expectStatus(await client.post('/mfa/verify', { code: code() }), 200);
    expect((await client.get('/secret')).text).toBe('inside');
  });

  it('STP-1: counts the age of a proof from the last code, including the exact limit, regardless of other requests', async () => {
    const { client } = await enroll(host);
    host.clock.advance(300_000);
    for (let index = 0; index < 20; index++) expectStatus(await client.get('/cases'), 200);
    expectStatus(await client.post('/payouts', {}), 201);
    host.clock.advance(1_000);
    expect((await client.post('/payouts', {})).status).toBe(401);
    expectStatus(await client.get('/cases'), 200);
  });

  it('does not redirect to another origin after a proof', async () => {
    const { code } = await enroll(host);
    for (const path of [
      '//evil.example',
      '/\\evil.example',
      '/.//evil.example',
      '/%09/evil.example',
      '/cases?next=//evil.example',
    ]) {
      const client = await logIn(host);
      await client.page('GET', path);
      const verified = await client.page('POST', '/mfa/verify', { code: code() });
      const location = (await client.returnPathAfter(verified)) ?? 'https://nowhere.example';
      expect(new URL(location, 'https://app.example').origin).toBe('https://app.example');
    }
    const client = await logIn(host);
    await client.page('GET', '/cases?returnTo=//evil.example');
    const verified = await client.page('POST', '/mfa/verify?returnTo=https://evil.example', {
      code: code(),
      returnTo: '//evil.example',
    });
    expect(await client.returnPathAfter(verified)).toBe('/cases?returnTo=//evil.example');
  });

  it('returns to the page that a form was sent from', async () => {
    const { code } = await enroll(host);
    const client = await logIn(host);
    await client.page('POST', '/api/cases', {}, { referer: `${host.origin}/board?x=1` });
    expect((await client.post('/mfa/verify', { code: code() })).body.returnTo).toBe('/board?x=1');
  });
});

it.each(versions)('publicPath supports a proxy that strips a prefix, on Express $version', async ({ express }) => {
  const host = await startHost({ express, kit: { publicPath: '/app/mfa', loginUrl: '/app/login', homeUrl: '/app/' } });
  const { code } = await enroll(host);
  const client = await logIn(host);
  expect((await client.page('GET', '/cases')).headers.get('location')).toBe('/app/mfa/challenge');
  const page = (await client.page('GET', '/mfa/challenge')).text;
  expect(page).toContain('action="/app/mfa/verify"');
  expect(page).toContain('"/app/mfa/assets/page.css?v=');
  expect(await client.returnPathAfter(await client.page('POST', '/mfa/verify', { code: code() }))).toBe('/app/cases');
  expectStatus(await new Client(host).get('/login'), 200);
  await host.close();
});

it.each(versions)('the host can customize the pages, on Express $version', async ({ express }) => {
  const host = await startHost({
    express,
    kit: {
      pages: {
        brand: 'Nordlicht',
        supportUrl: 'https://help.example/mfa',
        messages: () => ({ challenge: { heading: 'Code, bitte' } as never, lang: 'de' }),
        hiddenFields: (req) => ({ _csrf: `token-of-${req.method}` }),
      },
    },
  });
  await enroll(host);
  const client = await logIn(host);
  const page = (await client.page('GET', '/mfa/challenge')).text;
  for (const part of ['Nordlicht', 'https://help.example/mfa', 'Code, bitte', 'lang="de"', 'name="_csrf" value="token-of-GET"']) {
    expect(page).toContain(part);
  }
  await host.close();
  const own = await startHost({ express, kit: { pages: { render: (shown, { account }) => `<p>${shown.name} ${account}</p>` } } });
  const drawn = await (await logIn(own)).page('GET', '/mfa/enroll');
  expect([drawn.text, drawn.headers.get('content-type')]).toEqual(['<p>enroll ada@example.com</p>', 'text/html; charset=utf-8']);
  await own.close();
});

/** Sends the path unchanged, because `fetch` would normalize it. */
function statusOf(client: Client, method: string, path: string): Promise<number | undefined> {
  const cookie = [...client.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  const { hostname, port } = new URL(client.host.origin);
  return new Promise((resolve, reject) => {
    const sending = request({ hostname, port, method, path, headers: { cookie, 'sec-fetch-site': 'same-origin' } }, (res) => {
      res.resume();
      resolve(res.statusCode);
    });
    sending.on('error', reject);
    sending.end();
  });
}
