import type { RequestHandler } from 'express';
import passport from 'passport';
import { Strategy as LocalStrategy } from 'passport-local';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ada, type TestUser } from '../support/core-fixture.js';
import { watchWarnings } from '../support/warnings.js';
import { Client, enroll, expectStatus, logIn } from './client.js';
import { type Host, type HostOptions, startHost, versions } from './host.js';

const warnings = watchWarnings();
let host: Host | undefined;
afterEach(async () => {
  await host?.close();
  host = undefined;
});

const NO_BEGIN_LOGIN =
  /^MFA_KIT_NO_BEGIN_LOGIN: .*in Express app\.post\('\/login', passport\.authenticate\('local'\), beginLogin, \.\.\.\)/;

describe.each(versions)('SES-4: a wrong login denies and says what is wrong, on Express $version', ({ express }) => {
  async function start(given: Omit<HostOptions, 'express'> = {}): Promise<Host> {
    host = await startHost({ express, ...given });
    return host;
  }

  it('beginLogin() forgotten', async () => {
    const client = await logIn(await start({ forgetBeginLogin: true }));
    expect((await client.get('/cases')).body).toMatchObject({ status: 403, reason: 'enroll' });
    expect((await client.post('/mfa/enroll', {})).body).toMatchObject({ status: 401, reason: 'login_again' });
    expect(warnings).toEqual([expect.stringMatching(NO_BEGIN_LOGIN)]);
  });

  it('successRedirect, which answers before beginLogin runs', async () => {
    const own = new passport.Passport();
    own.use(
      new LocalStrategy({ passReqToCallback: true }, (req, _name, _password, done) => {
        req.session.userId = ada.id;
        done(null, { id: ada.id } as Express.User);
      }),
    );
    const client = new Client(
      await start({
        parsers: (from) => [from.urlencoded({ extended: false })],
        beforeRoutes: ({ app, beginLogin }) => {
          const authenticate = own.authenticate('local', { session: false, successRedirect: '/cases' });
          app.post('/password', authenticate, beginLogin, (_req, res) => void res.sendStatus(204));
        },
      }),
    );
    expectStatus(await client.post('/password', new URLSearchParams({ username: 'ada', password: 'p' })), 302);
    expect((await client.get('/cases')).body).toMatchObject({ status: 403, reason: 'enroll' });
    expect((await client.post('/mfa/enroll', {})).body).toMatchObject({ status: 401, reason: 'login_again' });
    expect(warnings).toEqual([expect.stringContaining('without successRedirect, because it answers before beginLogin runs')]);
  });

  it('beginLogin() before anybody is logged in', async () => {
    const started = await start({
      kit: { user: () => null },
      login: async ({ kit, req, res }) => res.json(await (await kit.mfaFor(req, res)).beginLogin()),
    });
    const client = new Client(started);
    expectStatus(await client.post('/login?user=ada'), 500);
    expect(started.errors[0]).toMatchObject({ name: 'MfaError', code: 'host_setup' });
    expect(String(started.errors[0])).toContain('Call it after req.logIn(), or pass { user }');
    expect(String(started.errors[0])).toContain('let the option "user" read that session');
    expect((await client.get('/cases')).body).toMatchObject({ status: 401, reason: 'login_again' });
  });

  it.each([
    ['in the route', 'POST', '/early'],
    ['for the whole application', 'GET', '/'],
  ])('F38: beginLogin before the middleware that logs in: %s', async (where, method, path) => {
    const started = await start({
      beforeRoutes: ({ app, beginLogin }) => {
        const logIn: RequestHandler = (req, res) => {
          req.session.userId = ada.id;
          res.sendStatus(204);
        };
        if (where === 'in the route') app.post(path, beginLogin, logIn);
        else app.use(beginLogin);
      },
    });
    expectStatus(await new Client(started).request(method, path), 500);
    expect(started.errors[0]).toMatchObject({ name: 'MfaError', code: 'host_setup' });
    expect(String(started.errors[0])).toContain('beginLogin found nobody logged in');
    expect(String(started.errors[0])).toContain(
      "Write app.post('/login', passport.authenticate('local'), beginLogin, (req, res)",
    );
  });

  it('F38: beginLogin called instead of mounted', async () => {
    const { beginLogin } = await start();
    for (const given of [[], [{}], [{ user: ada }]]) {
      expect(() => (beginLogin as (...all: unknown[]) => void)(...given)).toThrow(
        /^beginLogin was called where it must be mounted.*Write app\.post\('\/login', /,
      );
    }
  });

  it('F38: beginLogin called without next', async () => {
    const started = await start({
      login: async ({ kit, req, res }) => (kit.beginLogin as (...all: unknown[]) => void)(req, res),
    });
    expectStatus(await new Client(started).post('/login?user=ada'), 500);
    expect(started.errors).toEqual([expect.objectContaining({ name: 'MfaError', code: 'host_setup' })]);
    expect(String(started.errors[0])).toContain('beginLogin(req, res, next)');
  });

  it('F38: beginLogin after the response was sent', async () => {
    const started: Host = await start({
      login: async ({ kit, req, res }) => {
        if (req.query.late) res.json({ ok: true });
        kit.beginLogin(req, res, (error) => void (req.query.late ? started.errors.push(error) : res.json({})));
      },
    });
    const { client } = await enroll(started);
    expectStatus(await client.get('/cases'), 200);
    await client.post('/login?user=ada&late=1');
    await vi.waitFor(() => expect(started.errors).toHaveLength(1));
    expect(started.errors[0]).toMatchObject({ name: 'MfaError', code: 'host_setup' });
    expect(String(started.errors[0])).toContain('beginLogin ran after the response was sent');
    expect((await client.get('/cases')).status).not.toBe(200);
  });

  it('F38: beginLogin that is not awaited', async () => {
    const started: Host = await start({
      login: async ({ kit, req, res }) => {
        kit.beginLogin(req, res, (error) => void (error && started.errors.push(error)));
        res.json({ ok: true });
      },
    });
    const client = await logIn(started);
    await vi.waitFor(() =>
      expect(warnings).toEqual([
        expect.stringMatching(/^MFA_KIT_LATE_LOGIN: .*before beginLogin called next\(\).*Write app\.post/),
      ]),
    );
    expect((await client.get('/cases')).body).toMatchObject({ status: 401, reason: 'login_again' });
    expect(started.errors).toEqual([]);
  });

  it('beginLogin() before the login renews the session', async () => {
    const client = await logIn(
      await start({
        async login({ kit, req, res, user }) {
          await (await kit.mfaFor(req, res)).beginLogin({ user });
          await new Promise((resolve) => req.session.regenerate(resolve));
          req.session.userId = user.id;
          res.json({});
        },
      }),
    );
    expect((await client.get('/cases')).body).toMatchObject({ status: 403, reason: 'enroll' });
    expect((await client.post('/mfa/enroll', {})).body).toMatchObject({ status: 401, reason: 'login_again' });
    expect(warnings).toEqual([expect.stringMatching(NO_BEGIN_LOGIN)]);
    expect(warnings[0]).toContain('when req.logIn() has renewed the session');
  });

  it('beginLogin() that is not awaited', async () => {
    let login: Promise<unknown> | undefined;
    const client = await logIn(
      await start({
        async login({ kit, req, res }) {
          login = kit.mfaFor(req, res).then((flows) => flows.beginLogin());
          res.json({ ok: true });
        },
      }),
    );
    await login;
    await vi.waitFor(() => expect(warnings).toEqual([expect.stringMatching(/^MFA_KIT_LATE_LOGIN: .*Write "await" before both/)]));
    expect((await client.get('/cases')).body).toMatchObject({ status: 401, reason: 'login_again' });
  });

  it('beginLogin() for another user than user() returns', async () => {
    const started: Host = await start({
      async login({ kit, req, res }) {
        res.json(await (await kit.mfaFor(req, res)).beginLogin({ user: { id: 'ADA', name: 'ada@example.com' } }));
      },
    });
    const client = await logIn(started);
    expect((await client.get('/cases')).body).toMatchObject({ status: 403, reason: 'enroll' });
    expect(warnings).toEqual([expect.stringMatching(NO_BEGIN_LOGIN)]);
    expect(warnings[0]).toContain('for the user that the option user returns');
  });

  it('F39: pending tokens without userById()', async () => {
    const started = await start({
      kit: { session: false, user: () => null, userById: undefined as never },
      login: async ({ kit, req, res, user }) => res.json(await (await kit.mfaFor(req, res)).beginLogin({ user })),
    });
    const client = new Client(started);
    const { pendingToken } = expectStatus(await client.post('/login?user=ada'), 200).body;
    await vi.waitFor(() => expect(warnings).toEqual([expect.stringMatching(/^MFA_KIT_NO_USER_BY_ID: .*Set userById/)]));
    const refused = await client.post('/mfa/verify', { pendingToken, code: '123456' }, { authorization: 'Bearer x' });
    expect(refused.body).toMatchObject({ status: 401 });
    expect(warnings).toHaveLength(1);
  });

  it('the flows bound to a request without its reply', async () => {
    for (const given of [(req: object) => [req], (req: object, res: object) => [res, req], () => []]) {
      const started = await start({
        login: async ({ kit, req, res }) => (kit.mfaFor as (...all: unknown[]) => Promise<object>)(...given(req, res)),
      });
      const client = new Client(started);
      expectStatus(await client.post('/login?user=ada'), 500);
      expect(started.errors).toEqual([expect.objectContaining({ name: 'MfaError', code: 'host_setup' })]);
      expect(String(started.errors[0])).toContain('write mfaFor(req, res)');
      expect((await client.get('/cases')).status).not.toBe(200);
      await started.close();
      host = undefined;
    }
  });

  it('the guard before the code that sets the user', async () => {
    const started = await start({
      kit: { user: (req) => req.user as TestUser | undefined },
      async login({ kit, req, res, user }) {
        Object.assign(req, { user });
        res.json(await (await kit.mfaFor(req, res)).beginLogin());
      },
    });
    expect((await new Client(started).get('/cases')).body).toMatchObject({ status: 401, reason: 'login_again' });
    const client = await logIn(started);
    expect(warnings).toEqual([]);
    expect((await client.get('/cases')).body).toMatchObject({ status: 401, reason: 'login_again' });
    expect(warnings).toEqual([
      expect.stringMatching(/^MFA_KIT_LOST_USER: .*Mount the guard after the middleware that sets the user/),
    ]);
  });

  it('a user() that returns the impersonated person', async () => {
    const started = await start({
      kit: {
        user: ({ session, headers }) => (session.userId ? { id: String(headers['x-as'] ?? session.userId), name: 'x' } : null),
      },
    });
    await enroll(started, 'bob');
    const { client } = await enroll(started);
    expectStatus(await client.get('/cases'), 200);
    expect(warnings).toEqual([]);
    const other = await client.get('/cases', { headers: { 'x-as': 'user-bob' } });
    expect(other.body).toMatchObject({ status: 401, reason: 'challenge' });
    expect(warnings).toEqual([expect.stringMatching(NO_BEGIN_LOGIN)]);
    expect(warnings[0]).toContain('for the user that the option user returns');
  });

  it('a page of another origin that allowedOrigins does not name', async () => {
    const started = await start();
    const client = await logIn(started);
    const theirs = { 'sec-fetch-site': 'same-site', origin: 'https://accounts.example' };
    expect((await client.post('/mfa/enroll', {}, theirs)).body).toMatchObject({ status: 403, reason: 'cross_site' });
    expect(warnings).toEqual([expect.stringMatching(/^MFA_KIT_CROSS_SITE: .*to the option allowedOrigins/)]);
    expect(warnings[0]).not.toContain('accounts.example');
  });

  it('a body that something else has already read', async () => {
    const started = await start({
      parsers: () => [(req, _res, next) => void (req.method === 'POST' ? req.on('end', next).resume() : next())],
    });
    const client = await logIn(started);
    for (const path of ['/mfa/enroll', '/mfa/verify']) expectStatus(await client.post(path, { code: '123456' }), 500);
    expect(started.errors).toHaveLength(2);
    for (const error of started.errors) expect(error).toMatchObject({ name: 'MfaError', code: 'host_setup' });
    expect(String(started.errors[0])).toMatch(/Mount the kit before it, or use a body parser that sets req.body/);
    expect(started.names()).not.toContain('verification_failed');
    // A missing body is not a body that something else has read.
    expectStatus(await client.post('/mfa/enroll'), 201);
  });
});
