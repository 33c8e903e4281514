import fastifyCookie from '@fastify/cookie';
import fastifySession from '@fastify/session';
import type { INestApplication } from '@nestjs/common';
import session from 'express-session';
import type { FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { Client, enroll, expectStatus, logIn } from '../express/client.js';
import { watchWarnings } from '../support/warnings.js';
import { openSocket, ran, sockets, startGatewayHost } from './gateway-host.js';
import { type Host, type HostOptions, platforms, SECRET, startHost } from './host.js';

const NO_SESSION =
  /no session on this request\. Register express-session, @fastify\/session or @fastify\/secure-session before the/;
const somebody = () => ({ id: 'user-ada', name: 'ada' });

const warnings = watchWarnings();
let host: Host;
afterEach(() => host?.close());

describe.each(platforms)('SES-4: a wrong session denies and says what is wrong, on Nest with $platform', (given) => {
  async function start(options: Partial<HostOptions> = {}): Promise<Host> {
    host = await startHost({ ...given, ...options });
    return host;
  }

  function expectNoSession(count: number): void {
    expect(host.logged).toHaveLength(count);
    for (const error of host.logged) {
      expect(error).toMatchObject({ name: 'MfaError', code: 'host_setup' });
      expect(String(error)).toMatch(NO_SESSION);
    }
  }

  it('no session', async () => {
    await start({ session: 'none', kit: { user: somebody } });
    const client = new Client(host);
    for (const accept of ['application/json', 'text/html']) {
      for (const path of ['/cases', '/mfa', '/mfa/challenge']) {
        const answer = await client.get(path, { headers: { accept } });
        expect(answer.body).toMatchObject({ status: 503, reason: 'unavailable' });
        expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
      }
    }
    expectStatus(await client.post('/mfa/verify', { code: '123456' }), 503);
    expectNoSession(7);
  });

  it('the guard before the session', async () => {
    await start({
      session: 'none',
      kit: { user: somebody },
      async configure(app: INestApplication) {
        if (given.platform === 'express') {
          await app.init();
          app.use(session({ secret: SECRET, resave: false, saveUninitialized: false }));
          return;
        }
        // Fastify runs hooks before every handler, but those of a plugin only within the plugin, here outside the routes of Nest.
        await app
          .getHttpAdapter()
          .getInstance()
          .register(async (beside: FastifyInstance) => {
            beside.register(fastifyCookie).register(fastifySession, { secret: SECRET });
          });
      },
    });
    expectStatus(await new Client(host).get('/cases'), 503);
    expectNoSession(1);
  });

  it('a session that some guarded paths do not have', async () => {
    const withoutPayouts = (request: { url: string }, _reply: object, next: () => void) => {
      if (request.url.startsWith('/payouts')) Object.assign(request, { session: undefined });
      next();
    };
    await start({
      configure(app: INestApplication) {
        if (given.platform === 'express') app.use(withoutPayouts);
        else app.getHttpAdapter().getInstance().addHook('preHandler', withoutPayouts);
      },
    });
    const { client } = await enroll(host);
    expectStatus(await client.get('/cases'), 200);
    expect((await client.post('/payouts', {})).body).not.toHaveProperty('ok');
    expectNoSession(1);
  });

  it('a session that cannot be renewed, as with cookie-session', async () => {
    const kept = {};
    const withKept = (request: object, _reply: object, next: () => void) => {
      Object.assign(request, { session: kept });
      next();
    };
    await start({
      session: 'none',
      kit: { user: somebody },
      configure(app: INestApplication) {
        if (given.platform === 'express') app.use(withKept);
        else app.getHttpAdapter().getInstance().addHook('onRequest', withKept);
      },
    });
    expectStatus(await new Client(host).get('/cases'), 503);
    expectNoSession(1);
    expect(kept).toEqual({});
  });

  it('a session store that fails', async () => {
    await start();
    const { code } = await enroll(host);
    const client = await logIn(host);
    host.store.failSets = 1;
    const answer = await client.post('/mfa/verify', { code: code() });
    expect(answer.body).toMatchObject({ status: 503, reason: 'unavailable' });
    expect((await client.get('/cases')).body).toMatchObject({ status: 401, reason: 'challenge' });
    expect(warnings).toEqual([expect.stringMatching(/^MFA_KIT_SESSION_STORE: The session store did not take the MFA state/)]);
    expect(warnings[0]).not.toContain('INSERT');
  });
});

describe.each(sockets)('SES-4: a wrong session denies and says what is wrong, on Nest with $kind on $platform', (given) => {
  it('a socket without a session', async () => {
    host = await startGatewayHost({ ...given, withoutSession: true });
    const { client } = await enroll(host);
    const socket = await openSocket(host, given.kind, client);
    expect(await socket.next()).toMatchObject({ event: 'exception', data: { reason: 'unavailable' } });
    expect(ran.count).toBe(0);
    expect(host.logged[0]).toMatchObject({ name: 'MfaError', code: 'host_setup' });
    expect(String(host.logged[0])).toContain('on a socket, run the session middleware when it opens');
    socket.close();
  });
});
