import { answerEndpoint, endpointPaths } from '@mfa-kit/core/http';
import { describe, expect, it } from 'vitest';
import { GETS, POSTS } from '../../../../support/contract-paths.js';
import { ada } from '../../../../support/core-fixture.js';
import { exchangeOf, sessionOf } from '../exchange.js';
import { createTestApp } from '../test-app.js';

const ASSETS = ['/assets/page.css', '/assets/page.js'];
const TOKENS = ['/enroll', '/enroll/confirm', '/enroll/cancel', '/verify'];

describe('the paths of the endpoints', () => {
  it('are those of the contract', () => {
    expect(endpointPaths().sort()).toEqual([...new Set([...GETS, ...POSTS, ...ASSETS])].sort());
  });

  it.each([
    '/nothing',
    '/enroll/',
    '/Enroll',
    '//enroll',
    '/verify/x',
    '/assets',
    '/assets/',
    '/assets/x',
    'toString',
    '/%65nroll',
  ])('are compared byte for byte: %s is 404, and no callback is called', async (path) => {
    const { browser, session } = await createTestApp();
    const client = browser(ada, session);
    expect((await client.get(path)).body).toMatchObject({ status: 404, reason: 'not_found' });
    const page = await client.page('POST', path);
    expect([page.status, page.body.page.heading, page.body.frame.account]).toEqual([404, 'Not found', undefined]);
    expect(page.body.page).not.toHaveProperty('action');
  });

  it('may end with the slash of the mount path', async () => {
    const { browser, session } = await createTestApp();
    expect((await browser(ada, session).get('/')).body).toMatchObject({ enrolled: true });
  });

  it.each([
    ['GET', '/verify', 'POST'],
    ['HEAD', '/verify', 'POST'],
    ['POST', '', 'GET, HEAD'],
    ['POST', '/challenge', 'GET, HEAD'],
    ['PUT', '/enroll', 'GET, HEAD, POST'],
    ['OPTIONS', '/enroll/confirm', 'POST'],
    ['DELETE', '/sessions/end', 'POST'],
    ['POST', '/assets/page.css', 'GET, HEAD'],
    ['PUT', '/assets/page.js', 'GET, HEAD'],
  ])('answer %s %s with 405 and Allow: %s', async (method, path, allow) => {
    const { browser, session } = await createTestApp();
    const client = browser(ada, session);
    const answer = await client.request(method, path);
    expect([answer.status, answer.header('allow'), answer.body.reason]).toEqual([405, allow, 'method_not_allowed']);
    const page = await client.request(method, path, undefined, { accept: 'text/html' });
    expect([page.status, page.header('allow'), page.body.page.heading]).toEqual([405, allow, 'Request not understood']);
  });

  it.each(GETS)('answer HEAD like GET at "%s"', async (path) => {
    const { browser, session } = await createTestApp();
    const client = browser(ada, session);
    const [head, get] = [await client.request('HEAD', path), await client.get(path)];
    expect([head.status, head.text]).toEqual([get.status, get.text]);
  });
});

it.each(GETS)(
  'HTTP-1, F57: GET "%s" may come from anywhere unless it shows a key, changes nothing of the user, and its body is not read',
  async (path) => {
    const { kit, session, storage } = await createTestApp();
    const asked: Record<string, string>[] = [{}, { 'sec-fetch-site': 'cross-site', cookie: 'a=b' }, { 'sec-fetch-site': 'none' }];
    for (const headers of asked) {
      const body = () => Promise.reject(new Error('read'));
      const state = sessionOf({ ...session, enrollmentIds: [] });
      const before = await storage.read(ada.id);
      const answer = await answerEndpoint(kit, { ...exchangeOf({ user: ada, session: state, headers }), body }, path);
      const foreign = headers['sec-fetch-site'] === 'cross-site';
      expect([path, answer.status]).toEqual([path, path !== '/enroll' ? 200 : foreign ? 403 : 404]);
      expect(await storage.read(ada.id)).toEqual(before);
    }
  },
);

describe('the style and the script of the pages', () => {
  it.each([
    ['/assets/page.css', 'text/css; charset=utf-8'],
    ['/assets/page.js', 'text/javascript; charset=utf-8'],
  ])('%s is public and cached under a URL that changes with it', async (path, type) => {
    const { tool, browser, session, kit } = await createTestApp({ pages: {} });
    const page = await browser(ada, session).page('GET', '');
    const [, tag] = new RegExp(`"/mfa${path}\\?v=([0-9a-f]{8})"`).exec(page.text) ?? [];
    const asset = await tool().get(`${path}?v=${tag}`);
    expect([asset.status, asset.header('content-type')]).toEqual([200, type]);
    expect(asset.header('cache-control')).toBe('private, max-age=31536000, immutable');
    expect(asset.header('x-content-type-options')).toBe('nosniff');
    expect(asset.text.length).toBeGreaterThan(1000);
    for (const old of [path, `${path}?v=`, `${path}?v=00000000`, `${path}?v=${tag}0`]) {
      const kept = await tool().get(old);
      expect([kept.header('cache-control'), kept.text]).toEqual(['private, no-cache', asset.text]);
    }
    const asked = () => Promise.reject(new Error('asked'));
    expect((await answerEndpoint(kit, { ...exchangeOf({ method: 'HEAD' }), user: asked }, path)).status).toBe(200);
  });
});

describe('a state change', () => {
  it.each(POSTS)('HTTP-1: %s is refused from another site before its body is read or a callback is called', async (path) => {
    const { kit, session } = await createTestApp();
    const asked: string[] = [];
    for (const headers of [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site', origin: 'https://evil.app.example' },
      { origin: 'null' },
      { cookie: 'sid=1' },
      { authorization: 'Basic YTpi' },
      {},
    ] as Record<string, string>[]) {
      const exchange = {
        ...exchangeOf({ method: 'POST', session: sessionOf(session), headers }),
        user: async () => {
          asked.push('user');
          return ada;
        },
      };
      const answer = await answerEndpoint(kit, exchange, path);
      expect([answer.status, JSON.parse(answer.body).reason]).toEqual([403, 'cross_site']);
    }
    expect(asked).toEqual([]);
    const body = async () => asked.push('body');
    await answerEndpoint(kit, { ...exchangeOf({ method: 'POST', headers: { cookie: 'a=b' } }), body }, path);
    expect(asked).toEqual([]);
  });

  it('HTTP-1: is refused with a page for a browser', async () => {
    const { browser, session } = await createTestApp();
    const page = await browser(ada, session).page('POST', '/sessions/end', {}, { 'sec-fetch-site': 'cross-site' });
    expect([page.status, page.body.page.heading]).toEqual([403, 'Request refused']);
    expect(page.body.page).not.toHaveProperty('action');
  });

  it('HTTP-1: may come from a page of an origin that the host allows', async () => {
    const { browser, session } = await createTestApp({ allowedOrigins: ['https://app.example'] });
    const headers = { 'sec-fetch-site': 'cross-site', origin: 'https://app.example' };
    expect((await browser(ada, session).post('/sessions/end', {}, headers)).status).toBe(204);
  });

  it.each(POSTS)('HTTP-7: %s with an invalid body is refused before a callback is called', async (path) => {
    const { kit } = await createTestApp();
    const asked: string[] = [];
    for (const accept of ['application/json', 'text/html']) {
      const exchange = {
        ...exchangeOf({ method: 'POST', headers: { accept, 'sec-fetch-site': 'same-origin' }, body: ['x'] }),
        user: async () => {
          asked.push('user');
          return ada;
        },
      };
      const answer = await answerEndpoint(kit, exchange, path);
      expect(answer.status).toBe(400);
      if (accept === 'application/json') {
        expect(JSON.parse(answer.body)).toMatchObject({ reason: 'malformed', detail: expect.stringContaining('body') });
      } else expect(JSON.parse(answer.body).page.heading).toBe('Request not understood');
    }
    expect(asked).toEqual([]);
  });

  it.each(POSTS)('HTTP-1: %s without any header works only with a pending token in its body', async (path) => {
    const { tool, pendingToken, session } = await createTestApp();
    const { reason } = (await tool().post(path, { pendingToken: await pendingToken() })).body ?? {};
    if (TOKENS.includes(path)) expect(reason).not.toBe('cross_site');
    else expect(reason).toBe('cross_site');
    expect((await tool(ada, session.assurance).post(path, { id: 'A'.repeat(22) })).body.reason).toBe('cross_site');
  });
});
