import { createMfa, type Mfa } from '@mfa-kit/core';
import { expressMfa } from '@mfa-kit/express';
import * as demo from '@mfa-kit-examples/demo-host';
import { DurableStore } from '@mfa-kit-examples/demo-host/express-session';
import express, { type ErrorRequestHandler, type Request, type RequestHandler, type Response } from 'express';
import session from 'express-session';
import { Passport } from 'passport';
import { Strategy as LocalStrategy } from 'passport-local';

declare global {
  namespace Express {
    interface User extends demo.DemoUser {}
  }
}

/** The kit with this application's options. `clock` is for tests. */
export function createDemoMfa(host: demo.DemoHost, clock?: () => number): Mfa<demo.DemoUser> {
  return createMfa<demo.DemoUser>({ issuer: 'Larkfield Legal', ...host.mfa, ...(clock ? { clock } : {}) });
}

/** The whole application. `origins`: where browsers reach it. */
export function createApp(host: demo.DemoHost, options: { origins: string[]; clock?: () => number }): express.Express {
  const { router, requireMfa, requireMfaExcept, mfaFor } = expressMfa(createDemoMfa(host, options.clock), {
    user: (req) => req.user ?? null,
    loginUrl: '/login',
    homeUrl: '/cases',
    allowedOrigins: options.origins,
    deviceCookie: { insecureHttpForDevelopment: !host.production },
    pages: { brand: 'Larkfield Legal', supportUrl: 'mailto:support@larkfield.example' },
  });
  const passport = new Passport();
  passport.use(
    new LocalStrategy((username, password, done) => {
      host.users.checkPassword(username, password).then((user) => done(null, user ?? false), done);
    }),
  );
  passport.serializeUser((user, done) => done(null, user.id));
  passport.deserializeUser((id: string, done) => {
    host.users.findById(id).then((user) => done(null, user ?? false), done);
  });
  const checkPassword: RequestHandler = (req, res, next) => {
    const check: RequestHandler = passport.authenticate('local', (error: unknown, user?: demo.DemoUser | false) => {
      if (error) return next(error);
      if (user) return req.logIn(user, next);
      const page = demo.loginPage({ username: demo.textField(req.body, 'username'), failed: true });
      return reply(req, res, { ...demo.refusal(401, 'Login failed', 'Username or password is wrong.'), page });
    });
    check(req, res, next);
  };

  const app = express();
  app.disable('x-powered-by').set('trust proxy', host.production ? 1 : false);
  for (const [path, { type, body }] of demo.assets) app.get(path, (_req, res) => void res.type(type).send(body));
  app.get('/healthz', (_req, res) => void res.json({ ok: true }));
  app.use((req, res, next) => {
    if (demo.isSameOrigin(req)) next();
    else reply(req, res, demo.refusal(403, 'Refused', 'The request came from another site.'));
  });
  app.use(
    session({
      name: host.production ? '__Host-session' : 'session',
      secret: host.sessionSecret,
      store: new DurableStore(host.sessions),
      resave: false,
      saveUninitialized: false,
      cookie: { httpOnly: true, sameSite: 'lax', secure: host.production, maxAge: 8 * 60 * 60 * 1000 },
    }),
    passport.session(),
  );
  app.use('/mfa', router);
  app.use(express.json({ limit: '4kb' }), express.urlencoded({ extended: false, limit: '4kb' }));

  app.get('/', (req, res) => {
    reply(req, res, { status: 200, json: { name: 'Larkfield Legal' }, page: demo.homePage({ user: req.user }) });
  });
  app.get('/login', (req, res) => {
    reply(req, res, { status: 200, json: { post: ['username', 'password'] }, page: demo.loginPage() });
  });
  app.post('/login', checkPassword, async (req, res) => {
    const { decision } = await (await mfaFor(req, res)).beginLogin(); // the one line in the host's login
    reply(req, res, { status: 200, json: { access: decision.access }, to: '/cases' }); // the guard sends on
  });
  app.post('/logout', (req, res, next) => {
    req.session.destroy((error) => (error ? next(error) : reply(req, res, { status: 200, json: { ok: true }, to: '/' })));
  });

  app.use(requireMfaExcept(['/', '/login', '/logout', '/healthz'])); // the one line that guards the routes
  app.get('/cases', (req, res) => {
    const page = demo.casesPage({ user: req.user!, paid: 'paid' in req.query });
    reply(req, res, { status: 200, json: { matters: demo.matters }, page });
  });
  app.post('/payouts', requireMfa({ maxAgeSeconds: 300 }), (req, res) => {
    const payout = demo.readPayout(req.body);
    if (payout) reply(req, res, { status: 201, json: { payout }, to: '/cases?paid' });
    else reply(req, res, demo.refusal(400, 'No payment', 'Name a matter and an amount that is held for it.', req.user));
  });
  app.get('/account', (req, res) => {
    const page = demo.accountPage({ user: req.user!, changed: 'changed' in req.query });
    reply(req, res, { status: 200, json: { username: req.user!.username }, page });
  });
  app.post('/password', async (req, res) => {
    const changed = await host.users.changePassword(req.user!, req.body?.current, req.body?.next);
    if (!changed.ok) return reply(req, res, demo.refusal(403, 'Password not changed', changed.why, req.user));
    await (await mfaFor(req, res)).passwordChanged();
    return reply(req, res, { status: 200, json: { ok: true }, to: '/account?changed' });
  });

  app.use((req, res) => reply(req, res, demo.refusal(404, 'Not found', 'There is no such page.', req.user)));
  const onError: ErrorRequestHandler = (error, req, res, _next) => reply(req, res, demo.failure(error));
  return app.use(onError);
}

function reply(req: Request, res: Response, content: demo.Reply): void {
  const { status, headers, body } = demo.answer(req.headers.accept, content);
  res.status(status).set(headers).send(body);
}
