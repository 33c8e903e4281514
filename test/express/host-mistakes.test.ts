import { MfaError } from '@mfa-kit/core';
import { expressMfa } from '@mfa-kit/express';
import type { RequestHandler } from 'express';
import session from 'express-session';
import { afterEach, describe, expect, it } from 'vitest';
import { createBench, type TestUser } from '../support/core-fixture.js';
import { Client, enroll, expectStatus, logIn } from './client.js';
import { type Host, type HostOptions, startHost, versions } from './host.js';

let host: Host | undefined;
afterEach(async () => {
  await host?.close();
  host = undefined;
});

async function start(given: HostOptions): Promise<Host> {
  host = await startHost(given);
  return host;
}

describe.each(versions)('SES-4: a host mistake denies and says what is wrong, on Express $version', ({ express }) => {
  it('no session middleware', async () => {
    const { errors, origin } = await start({ express, session: null });
    const client = new Client({ origin });
    for (const path of ['/cases', '/mfa', '/mfa/challenge']) expectStatus(await client.get(path), 500);
    expectStatus(await client.post('/mfa/verify', { code: '123456' }), 500);
    for (const error of errors) expect(error).toMatchObject({ name: 'MfaError', code: 'host_setup' });
    expect(String(errors[0])).toContain('app.use(session(');
  });

  it('a guard before the session', async () => {
    const early: { guard?: import('express').RequestHandler } = {};
    const { errors, origin, requireMfa } = await start({
      express,
      before: [(req, res, next) => (req.path === '/cases' && early.guard ? early.guard(req, res, next) : next())],
    });
    early.guard = requireMfa();
    expectStatus(await new Client({ origin }).get('/cases'), 500);
    expect(errors[0]).toMatchObject({ code: 'host_setup' });
  });

  it('the guard before what sets the user: nobody is there yet', async () => {
    const { origin } = await start({
      express,
      kit: { user: (req) => req.user as TestUser | undefined },
      routes: ({ app }) =>
        app.use('/late', (req, res) => {
          Object.assign(req, { user: { id: 'user-ada' } });
          res.send('inside');
        }),
    });
    for (const path of ['/late', '/cases']) {
      expect((await new Client({ origin }).get(path)).body).toMatchObject({ status: 401, reason: 'login_again' });
    }
  });

  it('two strategies that set different users: the proof of one is worth nothing for the other', async () => {
    const strategy: RequestHandler = (req, _res, next) => {
      const { 'x-strategy': other } = req.headers;
      if (typeof other === 'string') Object.assign(req, { user: { id: other, name: other } });
      next();
    };
    const served = await start({
      express,
      before: [strategy],
      kit: {
        user: (req) =>
          (req.user as TestUser | undefined) ?? [...(host?.users.values() ?? [])].find(({ id }) => id === req.session.userId),
      },
    });
    await enroll(served, 'bob');
    const { client } = await enroll(served);
    expectStatus(await client.get('/cases'), 200);
    const other = await client.get('/cases', { headers: { 'x-strategy': 'user-bob' } });
    expect(other.body).toMatchObject({ status: 401, reason: 'challenge' });
  });

  it.each([
    ['an error', new Error('database down')],
    ['nothing', undefined],
    ['null', null],
    ["the word 'route'", 'route'],
    ["the word 'router'", 'router'],
    ['false', false],
    ['0', 0],
  ])('a user() that throws %s', async (_name, thrown) => {
    const throws = () => {
      throw thrown;
    };
    for (const user of [throws, async () => throws()]) {
      const { errors, origin, close } = await start({ express, kit: { user } });
      const client = new Client({ origin });
      for (const accept of ['application/json', 'text/html']) {
        expectStatus(await client.get('/cases', { headers: { accept } }), 500);
        expectStatus(await client.get('/mfa', { headers: { accept } }), 500);
      }
      expectStatus(await client.post('/mfa/verify', { code: '123456' }), 500);
      for (const error of errors) expect(error).toBeInstanceOf(MfaError);
      await close();
      host = undefined;
    }
  });

  it.each([
    ['true', true],
    ['a text', 'user-ada'],
    ['no id', { name: 'x' }],
    ['an empty id', { id: '', name: 'x' }],
    ['a numeric id', { id: 7, name: 'x' }],
    ['no name', { id: 'x' }],
  ])('a user() that gives %s', async (_name, value) => {
    const { errors, origin } = await start({ express, kit: { user: () => value as never } });
    expectStatus(await new Client({ origin }).get('/cases'), 500);
    expect(errors[0]).toMatchObject({ code: 'host_callback_failed' });
  });

  it('other callbacks that throw', async () => {
    const fail = () => {
      throw 'route';
    };
    for (const kit of [
      { returnTo: fail },
      { eventContext: fail },
      { assurance: fail },
      { onRefused: fail },
      { pages: { messages: fail } },
    ]) {
      const started = await start({ express, kit });
      const client = new Client(started);
      await client.post('/login?user=ada');
      for (const path of ['/cases', '/mfa/challenge', '/mfa/enroll']) {
        const { status } = await client.page('GET', path);
        expect([303, 200, 500]).toContain(status);
        if (path === '/cases') expect(status).not.toBe(200);
      }
      for (const error of started.errors) expect(error).toBeInstanceOf(Error);
      await started.close();
      host = undefined;
    }
  });

  it('a router at another path than the option says', async () => {
    const { errors, app, router, origin } = await start({ express });
    expect(app).toBeDefined();
    const other = express();
    other.use(session({ secret: 'x', resave: false, saveUninitialized: false }));
    other.use('/security', router);
    expect(origin).toBeDefined();
    const second = await listen(other);
    expectStatus(await new Client(second).get('/security/enroll'), 500);
    expect(errors).toHaveLength(0);
    await second.close();
  });

  it('beginLogin() before anybody is logged in', async () => {
    const started = await start({ express, kit: { user: () => null } });
    expectStatus(await new Client(started).post('/login?user=ada'), 500);
    expect(started.errors[0]).toMatchObject({ code: 'host_setup' });
    expect(String(started.errors[0])).toContain('req.logIn()');
  });

  it('an onRefused that lets pass', async () => {
    const started = await start({ express, kit: { onRefused: (_decision, _req, _res, next) => next() } });
    const client = await logIn(started);
    expectStatus(await client.get('/cases'), 500);
    expect(started.errors[0]).toMatchObject({ code: 'host_setup' });
  });

  it('an onRefused that answers is heard', async () => {
    const started = await start({
      express,
      kit: { onRefused: (decision, _req, res) => void res.status(418).json({ access: decision.access }) },
    });
    const client = await logIn(started);
    expect((await client.get('/cases')).body).toEqual({ access: 'enroll' });
  });

  it('FLT-1, T34: a storage that fails is 503 at every door, and grants nothing', async () => {
    let down = false;
    const bench = createBench();
    const storage = new Proxy(bench.storage, {
      get(target, name: keyof typeof bench.storage) {
        return (...given: never[]) => {
          if (down) throw new Error('ECONNREFUSED 10.0.0.7:5432 SELECT * FROM mfa_profiles');
          return (target[name] as (...all: never[]) => unknown)(...given);
        };
      },
    });
    const started = await start({ express, mfa: { storage } });
    const { client, code } = await enroll(started);
    down = true;
    for (const answer of [
      await client.get('/cases'),
      await client.post('/mfa/verify', { code: code() }),
      await client.get('/mfa'),
    ]) {
      expect(answer.body).toMatchObject({ status: 503, reason: 'unavailable' });
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
      expect(answer.text).not.toMatch(/ECONNREFUSED|SELECT|at .*\.ts/);
    }
    const page = await client.page('GET', '/cases');
    expect([page.status, page.headers.get('content-type')]).toEqual([503, 'text/html; charset=utf-8']);
    expect((await client.post('/login?user=ada')).body.decision.access).toBe('unavailable');
    down = false;
    expect((await client.get('/cases')).status).not.toBe(200);
  });
});

describe('SUP-6: a bad option of expressMfa throws and names the mend', () => {
  const { mfa } = createBench();
  const user = () => null;

  it.each<[string, object | undefined]>([
    ['options', undefined],
    ['user', { loginUrl: '/login' }],
    ['user', { user: {}, loginUrl: '/login' }],
    ['loginUrl', { user }],
    ['loginURL', { user, loginURL: '/login' }],
    ['onRefused', { user, loginUrl: '/login', onRefused: true }],
    ['assurance', { user, loginUrl: '/login', assurance: {} }],
    ['session', { user, loginUrl: '/login', session: {} }],
    ['session', { user, loginUrl: '/login', session: null }],
    ['session', { user, loginUrl: '/login', session: true }],
  ])('%s: %j', (name, options) => {
    expect(() => expressMfa(mfa, options as never)).toThrowError(expect.objectContaining({ code: 'invalid_option' }));
    expect(() => expressMfa(mfa, options as never)).toThrowError(name);
  });

  it('a route with a requirement that is none, an exception that is no path', () => {
    const { requireMfa, requireMfaExcept } = expressMfa(mfa, { user, loginUrl: '/login' });
    expect(() => requireMfa({ maxAge: 300 } as never)).toThrowError('maxAge');
    expect(() => requireMfaExcept(['login'])).toThrowError('slash');
    expect(() => requireMfaExcept(['/public/*'])).toThrowError('patterns');
    expect(() => requireMfaExcept('/login' as never)).toThrowError('list');
  });
});

async function listen(app: import('express').Express): Promise<{ origin: string; close(): Promise<unknown> }> {
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  return { origin: `http://127.0.0.1:${port}`, close: () => new Promise((resolve) => server.close(resolve)) };
}
