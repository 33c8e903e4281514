import { describe, expect, it } from 'vitest';
import { enroll, expectStatus, logIn } from '../express/client.js';
import { endpointSuite } from '../journeys/endpoint-suite.js';
import { type Host, platforms, startHost } from './host.js';

describe.each(platforms)('the endpoints on Nest with $platform', (given) => {
  endpointSuite(async () => {
    const host = await startHost({ ...given, ...(given.platform === 'express' && { bodyParser: false }) });
    return { ...host, errors: host.logged, platform: given.platform };
  });
});

it('answers 404 for an escaped path, which Fastify matches, and logs no mistake of the host', async () => {
  const host = await startHost({ platform: 'fastify', session: '@fastify/session' });
  try {
    for (const path of ['/mf%61', '/mf%61/challenge', '/mfa/challeng%65']) {
      expect((await fetch(host.origin + path)).status, path).toBe(404);
    }
    expect(host.logged).toEqual([]);
  } finally {
    await host.close();
  }
});

describe('F54: an endpoint answers every path that the platform routes to it', () => {
  /** A whole journey. `written` maps the plain path to the path of each request. */
  async function walk(host: Host, written: (path: string) => string, user = 'ada'): Promise<void> {
    const { code } = await enroll(host, user);
    const client = await logIn(host, user);
    expect(expectStatus(await client.page('GET', written('/mfa/challenge')), 200).text).toContain('action="/mfa/verify"');
    expectStatus(await client.get(written('/mfa/assets/page.css')), 200);
    expectStatus(await client.post(written('/mfa/verify'), { code: code() }), 200);
    expect(expectStatus(await client.get(written('/mfa')), 200).body).toMatchObject({ enrolled: true });
    expectStatus(await client.get(written('/mfa/nothing')), 404);
    expectStatus(await client.get(written('/mfa/nothing/at/all')), 404);
    expect(host.logged).toEqual([]);
  }

  const settings: [string, NonNullable<Parameters<typeof startHost>[0]['fastify']>, (path: string) => string][] = [
    ['rewriteUrl', { rewriteUrl: ({ url = '' }) => url.replace(/^\/tenant-a(?=\/|$)/, '') }, (path) => `/tenant-a${path}`],
    ['ignoreDuplicateSlashes', { routerOptions: { ignoreDuplicateSlashes: true } }, (path) => path.replaceAll('/', '//')],
    ['ignoreTrailingSlash', { routerOptions: { ignoreTrailingSlash: true } }, (path) => `${path}/`],
    ['caseSensitive: false', { routerOptions: { caseSensitive: false } }, (path) => path.toUpperCase()],
  ];

  it.each(settings)('Fastify with %s', async (_name, fastify, written) => {
    const host = await startHost({ platform: 'fastify', session: '@fastify/session', fastify });
    try {
      await walk(host, written);
      await walk(host, (path) => path, 'bob');
    } finally {
      await host.close();
    }
  });

  it('Express after a function that rewrites request.url', async () => {
    const host = await startHost({
      platform: 'express',
      session: 'express-session',
      configure: (app) =>
        app.use((request: { url: string }, _response: object, next: () => void) => {
          request.url = request.url.replace(/^\/tenant-a(?=\/|$)/, '');
          next();
        }),
    });
    try {
      await walk(host, (path) => `/tenant-a${path}`);
    } finally {
      await host.close();
    }
  });
});
