import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expressMfa } from '@mfa-kit/express';
import { assertMfaCoverage } from '@mfa-kit/express/coverage';
import session from 'express-session';
import passport from 'passport';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createFixture, type TestUser } from '../support/core-fixture.js';
import { watchWarnings } from '../support/warnings.js';
import { Client, expectStatus, logIn } from './client.js';
import { startHost, versions } from './host.js';

const closing: (() => Promise<unknown>)[] = [];
const warnings = watchWarnings();
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

describe.each(versions)('SES-4: a wrong mount denies and says what to write, on Express $version', ({ express }) => {
  const loggedIn: import('express').RequestHandler = (req, _res, next) => {
    Object.assign(req, { user: { id: 'user-ada', name: 'ada' } });
    next();
  };

  /** A separate application that each test mounts itself. */
  async function mount(build: (app: ReturnType<typeof express>, kit: ReturnType<typeof expressMfa<TestUser>>) => void) {
    const fixture = createFixture();
    const errors: unknown[] = [];
    const user = (req: object) => ('user' in req ? (req.user as TestUser) : null);
    const kit = expressMfa<TestUser>(fixture.mfa, { user, loginUrl: '/login' });
    const app = express();
    app.use(session({ secret: 'cat', resave: false, saveUninitialized: false }));
    build(app, kit);
    app.get('/cases', (_req, res) => void res.send('inside'));
    app.use(((error, _req, res, _next) => {
      errors.push(error);
      res.status(500).json({});
    }) as import('express').ErrorRequestHandler);
    const server = createServer(app);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => new Promise((resolve) => server.close(resolve)));
    server.keepAliveTimeout = 1;
    return { client: new Client({ origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }), errors };
  }

  it('a guard mounted without a call', async () => {
    for (const [name, sentence] of [
      ['requireMfa', 'write app.use(requireMfa())'],
      ['requireMfaExcept', 'write app.use(requireMfaExcept([...]))'],
    ] as const) {
      const { client, errors } = await mount((app, kit) => app.use(kit[name] as never));
      expectStatus(await client.get('/cases'), 500);
      expect(errors[0]).toMatchObject({ name: 'MfaError', code: 'host_setup' });
      expect(String(errors[0])).toContain(`without being called: ${sentence}`);
    }
  });

  it('the router called instead of mounted', async () => {
    await mount((_app, kit) => {
      for (const handler of [kit.router, kit.requireMfa()]) {
        expect(() => (handler as () => void)()).toThrow(
          /^A middleware of mfa-kit was called without next.*app\.use\('\/mfa', router\)/,
        );
      }
    });
  });

  it('the guard on everything, including the login', async () => {
    const { client } = await mount((app, kit) => app.use(kit.requireMfa()));
    for (const path of ['/cases', '/login?next=1']) expectStatus(await client.get(path), 401);
    expect(warnings).toEqual([expect.stringContaining('The guard refused /login,')]);
    expect(warnings[0]).toContain('requireMfaExcept([...])');
    expectStatus(await client.get('/login'), 401);
    expect(warnings).toHaveLength(1);
  });

  it('the guard on everything, before the router', async () => {
    const { client } = await mount((app, kit) => {
      app.use(loggedIn);
      app.use(kit.requireMfa());
      app.use('/mfa', kit.router);
    });
    expect((await client.page('GET', '/cases')).headers.get('location')).toBe('/mfa/enroll');
    expect(warnings.filter((warning) => warning.includes('GUARDED_LOGIN'))).toEqual([]);
    expect((await client.page('GET', '/mfa/enroll')).headers.get('location')).toBe('/mfa/enroll');
    const sentence =
      /^MFA_KIT_GUARDED_LOGIN: The guard refused \/mfa\/enroll,.*use requireMfaExcept\(\[\.\.\.\]\) instead of requireMfa\(\)/;
    expect(warnings).toContainEqual(expect.stringMatching(sentence));
  });

  it('a guard in the right place causes no warning', async () => {
    const host = await startHost({ express });
    closing.push(host.close);
    const client = await logIn(host);
    for (const path of ['/cases', '/loginx', '/mfa/unknown']) await client.get(path);
    expect(warnings).toEqual([]);
  });

  it('the router at a path other than the option', async () => {
    const { client, errors } = await mount((app, kit) => {
      app.use(loggedIn);
      app.use('/security', kit.router);
      app.use(kit.requireMfaExcept([]));
    });
    for (const path of ['/security', '/security/enroll', '/cases']) expect((await client.get(path)).status).not.toBe(200);
    expect(errors[0]).toMatchObject({ name: 'MfaError', code: 'host_setup' });
    expect(String(errors[0])).toContain('mounted at "/security", but the option path says "/mfa". Make them the same');
  });

  it('no router', async () => {
    const { client } = await mount((app, kit) => app.use(loggedIn, kit.requireMfaExcept([])));
    const { headers } = await client.page('GET', '/cases');
    expect(headers.get('location')).toBe('/mfa/enroll');
    expectStatus(await client.page('GET', '/mfa/enroll'), 404);
    await vi.waitFor(() => expect(warnings.length).toBeGreaterThan(0));
    expect(warnings).toContainEqual(expect.stringMatching(/^MFA_KIT_NO_ROUTER: .*Write app\.use\('\/mfa', router\)/));
  });

  it('a router after the guard, or the host’s own pages, cause no warning', async () => {
    const { client } = await mount((app, kit) => {
      app.use(loggedIn, kit.requireMfaExcept(['/login']));
      app.post('/login', async (req, res) => res.json(await (await kit.mfaFor(req, res)).beginLogin()));
      app.get('/mfa/challenge', (_req, res) => void res.send('own'));
      app.use('/mfa', kit.router);
    });
    await logIn(client.host, 'ada', client);
    expectStatus(await client.get('/mfa/challenge'), 200);
    expect((await client.get('/mfa/enroll')).body).toMatchObject({ status: 404, type: 'urn:mfa-kit:problem:not-found' });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(warnings).toEqual([]);
  });

  it('the strategy with a Passport session', async () => {
    const { client, errors } = await mount((app, kit) => {
      const own = new passport.Passport();
      own.use('mfa', kit.strategy as passport.Strategy);
      app.post('/second-factor', express.json(), loggedIn, own.authenticate('mfa'));
      app.use(kit.requireMfaExcept([]));
    });
    expectStatus(await client.post('/second-factor', { code: '123456' }), 500);
    expect(errors[0]).toMatchObject({ name: 'MfaError', code: 'host_setup' });
    expect(String(errors[0])).toContain("Write passport.authenticate('mfa', { session: false })");
    expectStatus(await client.get('/cases'), 401);
  });

  it('the kit in another application, below a path that its option does not include', async () => {
    const { client, errors } = await mount((app, kit) => {
      const api = express();
      api.use('/mfa', kit.router);
      app.use('/api', api);
      app.use(kit.requireMfa());
    });
    expectStatus(await client.get('/api/mfa/challenge'), 500);
    expect(String(errors[0])).toContain('mounted at "/api/mfa", but the option path says "/mfa"');
    expectStatus(await client.get('/cases'), 401);
  });
});

describe.each(versions)(
  'SES-4, T31: assertMfaCoverage() names routes that no guard can deny, on Express $version',
  ({ express }) => {
    const { requireMfaExcept } = expressMfa(createFixture().mfa, { user: () => null, loginUrl: '/login' });

    it('a route before the guard', () => {
      const app = express();
      app.get('/cases', (_req, res) => void res.send('inside'));
      app.use(requireMfaExcept([]));
      expect(() => assertMfaCoverage(app)).toThrowError(/GET \/cases/);
    });

    it('an error handler after the guard that continues without the error', () => {
      const app = express();
      app.use(requireMfaExcept([]));
      const forgive: import('express').ErrorRequestHandler = (_error, _req, _res, next) => next();
      app.use(forgive);
      app.get('/cases', (_req, res) => void res.send('inside'));
      expect(() => assertMfaCoverage(app)).toThrowError(
        /'GET \/cases', \/\/ unknown: an error handler after the guard may go on without it/,
      );
    });
  },
);
