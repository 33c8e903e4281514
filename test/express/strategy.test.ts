import { createAuthenticator } from '@mfa-kit/core/testing';
import { requestMfa } from '@mfa-kit/express';
import session from 'express-session';
import passport from 'passport';
import { Strategy as LocalStrategy } from 'passport-local';
import { afterEach, describe, expect, it } from 'vitest';
import { Client, expectStatus } from './client.js';
import { FaultyStore, type Host, startHost, versions } from './host.js';

declare global {
  namespace Express {
    interface User {
      id: string;
    }
  }
}

let host: Host | undefined;
afterEach(async () => {
  await host?.close();
});

describe.each(versions)('the Passport strategy on Express $version', ({ express }) => {
  async function start(options: object = { session: false }): Promise<{ client: Client; uri: string }> {
    const own = new passport.Passport();
    own.use(new LocalStrategy((username, _password, done) => done(null, { id: username } as Express.User)));
    own.serializeUser((user, done) => done(null, user.id));
    own.deserializeUser((id: string, done) => done(null, { id } as Express.User));
    const store = new FaultyStore();
    const sessions = session({ secret: 'x', resave: false, saveUninitialized: false, store, name: 'sid' });
    host = await startHost({
      express,
      before: [sessions, own.session() as import('express').RequestHandler],
      session: null,
      parsers: (lib) => [lib.json(), lib.urlencoded({ extended: false })],
      kit: { user: (req) => req.user && { id: req.user.id, name: 'Ada' } },
      routes: ({ app }) => app,
    });
    own.use('mfa', host.strategy as passport.Strategy);
    const front = express();
    front.use(sessions, own.session() as import('express').RequestHandler, express.json());
    const { mfaFor, requireMfa, router, strategy } = host;
    expect(strategy.name).toBe('mfa');
    front.use('/mfa', router);
    front.post('/login', own.authenticate('local'), (req, res, next) => {
      mfaFor(req, res)
        .then((flows) => flows.beginLogin())
        .then(({ decision }) => res.json(decision))
        .catch(next);
    });
    front.post('/second-factor', own.authenticate('mfa', options), (req, res) => {
      res.json({ user: req.user, via: requestMfa(req)?.assurance?.via });
    });
    front.post('/own-answer', (req, res, next) => {
      const answer = (error: unknown, user: unknown, info: unknown) => (error ? next(error) : res.json({ user, info }));
      (own.authenticate('mfa', { session: false }, answer) as import('express').RequestHandler)(req, res, next);
    });
    front.get('/cases', requireMfa(), (req, res) => void res.json({ user: req.user?.id }));
    const errors: import('express').ErrorRequestHandler = (error, _req, res, _next) => {
      res.status(500).json({ code: error.code, message: error.message });
    };
    front.use(errors);
    const server = front.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    const origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
    const close = host.close;
    host.close = async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await close();
    };
    const client = new Client({ origin });
    expect((await client.post('/login', { username: 'ada', password: 'x' })).body.access).toBe('enroll');
    const started = expectStatus(await client.post('/mfa/enroll', {}), 201).body;
    const code = createAuthenticator(started.uri).code(host.clock.now());
    expectStatus(await client.post('/mfa/enroll/confirm', { enrollmentId: started.enrollmentId, code }), 200);
    host.clock.advance(60_000);
    expect((await client.post('/login', { username: 'ada', password: 'x' })).body.access).toBe('challenge');
    return { client, uri: started.uri };
  }

  function codeOf(uri: string): string {
    return createAuthenticator(uri).code(host?.clock.now() ?? 0);
  }

  it('succeeds with the right code and keeps the proof in the session', async () => {
    const { client, uri } = await start();
    const before = client.cookies.get('sid');
    const passed = expectStatus(await client.post('/second-factor', { code: codeOf(uri) }), 200);
    expect(passed.body).toEqual({ user: { id: 'ada' }, via: 'otp' });
    expect(client.cookies.get('sid')).not.toBe(before);
    expect((await client.get('/cases')).body).toEqual({ user: 'ada' });
  });

  it('fails with a wrong or a missing code, and from another site', async () => {
    const { client, uri } = await start();
    expect((await client.post('/second-factor', { code: '000000' })).status).toBe(401);
    const told = await client.post('/own-answer', { code: '000000' });
    expect(told.body).toEqual({ user: false, info: { message: 'The code is not valid', reason: 'invalid_code', status: 422 } });
    expect((await client.post('/own-answer', {})).body.info).toMatchObject({ reason: 'malformed' });
    expect((await client.post('/own-answer', { code: ['1'] })).body.info).toMatchObject({ reason: 'malformed' });
    const cross = { 'sec-fetch-site': 'cross-site' };
    expect((await client.post('/own-answer', { code: codeOf(uri) }, cross)).body.info).toMatchObject({ reason: 'cross_site' });
    expect((await client.get('/cases')).status).toBe(401);
    const nobody = new Client(client.host);
    expect((await nobody.post('/own-answer', { code: codeOf(uri) })).body.info).toMatchObject({ reason: 'login_again' });
  });

  it('says what to write if session: false is missing, and uses up no code', async () => {
    const { client, uri } = await start({});
    const answer = expectStatus(await client.post('/second-factor', { code: codeOf(uri) }), 500);
    expect(answer.body.code).toBe('host_setup');
    expect(answer.body.message).toContain('session: false');
    expect((await client.post('/own-answer', { code: codeOf(uri) })).body.user).toEqual({ id: 'ada' });
  });
});
