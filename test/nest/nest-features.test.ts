import type { ServerResponse } from 'node:http';
import { MfaGuard } from '@mfa-kit/nest';
import { type ExecutionContext, VERSION_NEUTRAL, VersioningType } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE, Reflector } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { Client, enroll, expectStatus, logIn } from '../express/client.js';
import { type Host, type HostOptions, platforms, startHost } from './host.js';
import {
  AdapterFilter,
  Caching,
  Envelope,
  ForgottenController,
  LoginGuard,
  NativeFilter,
  Public,
  PublicController,
  Refusing,
  RefusingPipe,
  Silent,
  seen,
} from './nest-features-host.js';
import { walk } from './nest-features-walk.js';

let host: Host;
afterEach(() => host.close());

describe.each(platforms)('on Nest with $platform', (given) => {
  async function start(options: Partial<HostOptions>): Promise<Host> {
    seen.length = 0;
    host = await startHost({ ...given, ...options });
    return host;
  }

  it('a global prefix moves the endpoints, the pages and the redirects', async () => {
    await start({ configure: (app) => app.setGlobalPrefix('api/v2'), kit: { loginUrl: '/api/v2/login' } });
    await walk({ ...host, origin: `${host.origin}/api/v2` }, '/api/v2');
    expectStatus(await new Client(host).get('/mfa/challenge'), 404);
  });

  it('a global prefix does not move endpoints that are excluded from it', async () => {
    await start({
      configure: (app) => app.setGlobalPrefix('api', { exclude: ['mfa', 'mfa/*rest', 'login', 'cases', 'payouts'] }),
    });
    await walk(host);
  });

  it('URI versions do not move the endpoints', async () => {
    await start({
      configure: (app) => app.enableVersioning({ type: VersioningType.URI, defaultVersion: ['1', VERSION_NEUTRAL] }),
    });
    await walk(host);
    expectStatus(await new Client(host).get('/v1/mfa/challenge'), 404);
  });

  it('CORS keeps Vary, and the cookies of the host and the kit', async () => {
    await start({ configure: (app) => app.enableCors({ origin: ['https://app.example'], credentials: true }) });
    const { code } = await enroll(host);
    const client = await logIn(host);
    expect((await client.get('/cases')).headers.get('vary')).toBe('Origin, Accept');
    const sent = { code: code(), rememberDevice: true };
    const verified = expectStatus(await client.post('/mfa/verify', sent, { origin: 'https://app.example' }), 200);
    expect([verified.headers.get('vary'), verified.headers.get('access-control-allow-origin')]).toEqual([
      'Origin, Accept',
      'https://app.example',
    ]);
    expect(verified.cookies.map((line) => line.split('=')[0])).toEqual(
      expect.arrayContaining(['sid', expect.stringMatching(/^__Host-mfa_device_/)]),
    );
  });

  it('keeps cookies that the host sets on the same answer', async () => {
    const theme = 'theme=dark; Path=/';
    await start({
      configure: (app) => {
        const server = app.getHttpAdapter().getInstance() as FastifyInstance;
        if (given.platform === 'fastify')
          server.addHook('onRequest', async (_request, reply) => void reply.header('Set-Cookie', theme));
        else
          app.use((_req: object, res: ServerResponse, next: () => void) => {
            res.setHeader('Set-Cookie', theme);
            next();
          });
      },
    });
    const { code } = await enroll(host);
    const client = await logIn(host);
    const { cookies } = expectStatus(await client.post('/mfa/verify', { code: code(), rememberDevice: true }), 200);
    const names = cookies.map((line) => line.replace(/=.*/, '').replace(/_[0-9a-f]{12}$/, ''));
    expect(names).toEqual(expect.arrayContaining(['theme', 'sid', '__Host-mfa_device']));
  });

  it('the endpoints can have another path', async () => {
    await start({ kit: { path: '/account/security' } });
    const client = await logIn(host);
    expect((await client.page('GET', '/cases')).headers.get('location')).toBe('/account/security/enroll');
    expect((await client.page('GET', '/account/security/enroll')).text).toContain('action="/account/security/enroll/confirm"');
  });

  it('pipes that refuse every body do not affect the endpoints', async () => {
    await start({ module: { providers: [{ provide: APP_PIPE, useClass: RefusingPipe }] }, kit: {} });
    await enroll(host);
  });

  it('an interceptor that wraps every answer does not affect the endpoints', async () => {
    await start({ module: { providers: [{ provide: APP_INTERCEPTOR, useClass: Envelope }] } });
    const { code } = await enroll(host);
    const client = new Client(host);
    expect((await client.post('/login?user=ada')).body).toHaveProperty('enveloped');
    expectStatus(await client.post('/mfa/verify', { code: code() }), 200);
    expect((await client.get('/cases')).body).toEqual({ enveloped: { via: 'otp', userId: 'user-ada' } });
  });

  it('F55: an interceptor that answers from a cache, refuses or never answers does not affect the endpoints', async () => {
    for (const interceptors of [[Caching, Envelope], [Refusing], [Silent]]) {
      await start({ module: { providers: interceptors.map((useClass) => ({ provide: APP_INTERCEPTOR, useClass })) } });
      const { client: ada } = await enroll(host);
      const { client: bob } = await enroll(host, 'bob');
      for (const client of [ada, bob, ada, bob]) {
        const signal = AbortSignal.timeout(2_000);
        const cookie = [...client.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
        const overview = await fetch(`${host.origin}/mfa`, { headers: { cookie, accept: 'text/html' }, signal });
        const own = client === ada ? 'ada@example.com' : 'bob@example.com';
        expect([overview.status, (await overview.text()).includes(own)]).toEqual([200, true]);
        const sheet = await fetch(`${host.origin}/mfa/assets/page.css`, { signal });
        expect([sheet.status, sheet.headers.get('content-type')]).toEqual([200, 'text/css; charset=utf-8']);
      }
      expect(host.logged).toEqual([]);
      await host.close();
    }
    await start({});
  });

  it.each([
    ['the adapter', AdapterFilter],
    ['the platform', NativeFilter],
  ])('a filter that answers every exception with %s does not change refusals', async (_name, useClass) => {
    await start({ module: { providers: [{ provide: APP_FILTER, useClass }] } });
    await walk(host);
    expect(seen.map((one) => (one as { problem?: { reason: string } }).problem?.reason)).toEqual(['enroll', 'challenge']);
    const client = new Client(host);
    for (let index = 0; index < 3; index++) expect((await client.get('/cases')).body).toMatchObject({ reason: 'login_again' });
  });

  it('a global guard of the host lets the endpoints pass by its own decorator', async () => {
    await start({
      module: { providers: [{ provide: APP_GUARD, useClass: LoginGuard }], controllers: [PublicController] },
      kit: { controllerDecorators: [Public()] },
    });
    const client = new Client(host);
    expect((await client.get('/cases')).body).toMatchObject({ message: 'log in' });
    expectStatus(await client.get('/hello'), 200);
    expectStatus(await client.get('/mfa/assets/page.css'), 200);
    expect((await client.get('/mfa/challenge')).body).toMatchObject({ reason: 'login_again' });
  });

  it('MfaGuard as a global guard guards handlers without a mark, but not public ones of the host', async () => {
    const isPublic = (context: ExecutionContext) =>
      new Reflector().getAllAndOverride<boolean>('host:public', [context.getHandler(), context.getClass()]) === true;
    await start({
      module: {
        providers: [{ provide: APP_GUARD, useClass: MfaGuard }],
        controllers: [PublicController, ForgottenController],
      },
      kit: { isPublic },
    });
    await walk(host);
    const client = await logIn(host);
    expectStatus(await client.get('/hello'), 200);
    expectStatus(await client.get('/skipped'), 200);
    expect((await client.get('/forgotten')).body).toMatchObject({ status: 401, reason: 'challenge' });
    expect((await new Client(host).get('/forgotten')).body).toMatchObject({ status: 401, reason: 'login_again' });
  });
});

it('a body limit and missing parsers of Fastify do not affect the endpoints', async () => {
  host = await startHost({
    platform: 'fastify',
    session: '@fastify/session',
    fastify: { bodyLimit: 20 },
    configure: (app) => (app.getHttpAdapter().getInstance() as FastifyInstance).removeAllContentTypeParsers(),
  });
  const { client, code } = await enroll(host);
  expectStatus(await client.post('/mfa/verify', { code: code() }), 200);
  expectStatus(await client.page('POST', '/mfa/verify', { code: code(), name: 'x'.repeat(1000) }), 303);
  const long = await client.post('/mfa/verify', { code: code(), more: 'x'.repeat(5000) });
  expect(long.body).toMatchObject({ status: 400, reason: 'malformed' });
});
