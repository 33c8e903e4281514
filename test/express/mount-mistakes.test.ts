import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expressMfa } from '@mfa-kit/express';
import session from 'express-session';
import { afterEach, describe, expect, it } from 'vitest';
import { createBench, type TestUser } from '../support/core-fixture.js';
import { Client, expectStatus, logIn } from './client.js';
import { type Host, startHost, versions } from './host.js';

const closing: (() => Promise<unknown>)[] = [];
const warnings: string[] = [];
const listen = ({ code, message }: NodeJS.ErrnoException) => {
  if (code === 'MFA_KIT_GUARDED_DOOR') warnings.push(message);
};
afterEach(async () => {
  process.off('warning', listen);
  warnings.length = 0;
  for (const close of closing.splice(0)) await close();
});

describe.each(versions)('SES-4: what is mounted wrongly denies and says what to write, on Express $version', ({ express }) => {
  async function start(given: Omit<Parameters<typeof startHost>[0], 'express'>): Promise<Host> {
    const host = await startHost({ express, ...given });
    closing.push(host.close);
    return host;
  }

  /** An application of its own, mounted by hand. */
  async function mount(build: (app: ReturnType<typeof express>, kit: ReturnType<typeof expressMfa<TestUser>>) => void) {
    const bench = createBench();
    const errors: unknown[] = [];
    const user = (req: object) => ('user' in req ? (req.user as TestUser) : null);
    const kit = expressMfa<TestUser>(bench.mfa, { user, loginUrl: '/login' });
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
    process.on('warning', listen);
    return { client: new Client({ origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }), errors };
  }

  it.each([
    ['requireMfa', 'write app.use(requireMfa())'],
    ['requireMfaExcept', 'write app.use(requireMfaExcept([...]))'],
  ] as const)('%s handed over without a call', async (name, mend) => {
    const { client, errors } = await mount((app, kit) => app.use(kit[name] as never));
    expectStatus(await client.get('/cases'), 500);
    expect(errors[0]).toMatchObject({ name: 'MfaError', code: 'host_setup' });
    expect(String(errors[0])).toContain(mend);
  });

  it('requireMfa() for everything, the login included', async () => {
    const { client } = await mount((app, kit) => app.use(kit.requireMfa()));
    for (const path of ['/cases', '/login?next=1']) expectStatus(await client.get(path), 401);
    expect(warnings).toEqual([expect.stringContaining('The guard refused /login,')]);
    expect(warnings[0]).toContain('requireMfaExcept([...])');
    expectStatus(await client.get('/login'), 401);
    expect(warnings).toHaveLength(1);
  });

  it('requireMfa() for everything before the router', async () => {
    const { client } = await mount((app, kit) => {
      app.use((req, _res, next) => {
        Object.assign(req, { user: { id: 'user-ada', name: 'ada' } });
        next();
      });
      app.use(kit.requireMfa());
      app.use('/mfa', kit.router);
    });
    expect((await client.page('GET', '/cases')).headers.get('location')).toBe('/mfa/enroll');
    expect(warnings).toEqual([]);
    expect((await client.page('GET', '/mfa/enroll')).headers.get('location')).toBe('/mfa/enroll');
    expect(warnings).toEqual([expect.stringContaining('The guard refused /mfa/enroll')]);
  });

  it('a guard that stands where it should warns of nothing', async () => {
    const host = await start({});
    process.on('warning', listen);
    const client = await logIn(host);
    for (const path of ['/cases', '/loginx', '/mfa/unknown']) await client.get(path);
    expect(warnings).toEqual([]);
  });

  it('a session that cannot be renewed, as that of cookie-session', async () => {
    const kept: Record<string, unknown> = {};
    const { errors, origin } = await start({
      session: (req, _res, next) => {
        Object.assign(req, { session: kept });
        next();
      },
    });
    const client = new Client({ origin });
    expectStatus(await client.post('/login?user=ada'), 500);
    for (const path of ['/cases', '/mfa', '/mfa/challenge']) expectStatus(await client.get(path), 500);
    for (const error of errors) expect(error).toMatchObject({ name: 'MfaError', code: 'host_setup' });
    expect(String(errors[0])).toContain('Use express-session, or give the option session: { read, write }');
    expect(kept).not.toHaveProperty('mfa');
  });

  it('a router below another application than the option path says', async () => {
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

  it('the arguments of expressMfa in another order, or the options of createMfa in its place', () => {
    const options = { user: () => null, loginUrl: '/login' };
    for (const wrong of [{ issuer: 'Acme' }, options, undefined]) {
      expect(() => expressMfa(wrong as never, options)).toThrowError('must be what createMfa() returned');
    }
  });
});
