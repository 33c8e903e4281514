import { createMfa } from '@mfa-kit/core';
import { expressMfa, requestLogin } from '@mfa-kit/express';
import * as demo from '@mfa-kit-examples/demo-host';
import { expressSession } from '@mfa-kit-examples/demo-host/express-session';
import express, { type ErrorRequestHandler, type Request, type RequestHandler, type Response } from 'express';
import { Passport } from 'passport';
import { Strategy as LocalStrategy } from 'passport-local';

declare global {
  namespace Express {
    interface User extends demo.DemoUser {}
  }
}

/** The whole application. Browsers reach it at `origins`. */
export function createApp(host: demo.DemoHost, { origins, clock }: { origins: string[]; clock?: () => number }): express.Express {
  const mfa = createMfa<demo.DemoUser>({ issuer: 'Larkfield Legal', ...host.mfa, ...(clock && { clock }) });
  const { router, beginLogin, requireMfa, requireMfaExcept, mfaFor } = expressMfa(mfa, {
    user: (req) => req.user ?? null,
    loginUrl: '/login',
    homeUrl: '/cases',
    allowedOrigins: origins,
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
      return reply(req, res, demo.refuseLogin(req.body));
    });
    check(req, res, next);
  };

  const app = express();
  app.disable('x-powered-by').set('trust proxy', host.production ? 1 : false);
  for (const [path, { type, body }] of demo.assets) app.get(path, (_req, res) => void res.type(type).send(body));
  app.get('/healthz', (_req, res) => void res.json({ ok: true }));
  app.use((req, res, next) => {
    if (demo.isSameOrigin(req)) next();
    else reply(req, res, demo.refuseOtherSite());
  });
  app.use(expressSession(host), passport.session());
  app.use('/mfa', router);
  app.use(express.json({ limit: '4kb' }), express.urlencoded({ extended: false, limit: '4kb' }));

  app.get('/', (req, res) => reply(req, res, demo.showHome(req.user)));
  app.get('/login', (req, res) => reply(req, res, demo.showLogin()));
  // beginLogin is what the kit adds to the host's login. The guard of the next page redirects to the prompt.
  app.post('/login', checkPassword, beginLogin, (req, res) =>
    reply(req, res, demo.acceptLogin(requestLogin(req)!.decision.access)),
  );
  app.post('/logout', (req, res, next) => {
    req.session.destroy((error) => (error ? next(error) : reply(req, res, demo.confirmLogout())));
  });

  app.use(requireMfaExcept(['/', '/login', '/logout', '/healthz'])); // the one line that guards the routes
  app.get('/cases', (req, res) => reply(req, res, demo.showCases(req.user!, req.query)));
  app.post('/payouts', requireMfa({ maxAgeSeconds: 300 }), (req, res) => reply(req, res, demo.payOut(req.user, req.body)));
  app.get('/account', (req, res) => reply(req, res, demo.showAccount(req.user!, req.query)));
  app.post('/password', async (req, res) => {
    const checked = await host.users.checkNewPassword(req.user!, req.body?.current, req.body?.next);
    if (!checked.ok) return reply(req, res, demo.refusePassword(req.user!, checked.why));
    await (await mfaFor(req, res)).passwordChanged(); // throws if sessions did not end, so the password stays as it is
    await host.users.storePassword(req.user!, checked.next);
    await (await mfaFor(req, res)).passwordChanged(); // for anyone who logged in with the old one in between
    return reply(req, res, demo.confirmPassword());
  });

  app.use((req, res) => reply(req, res, demo.refuseUnknown(req.user)));
  const onError: ErrorRequestHandler = (error, req, res, _next) => reply(req, res, demo.failure(error));
  return app.use(onError);
}

function reply(req: Request, res: Response, content: demo.Reply): void {
  const { status, headers, body } = demo.answer(req.headers.accept, content);
  res.status(status).set(headers).send(body);
}
