// (i) Express 5 with passport-local and express-session.
import { createMfa, type MfaStorage } from '@mfa-kit/core';
import { expressMfa, requestMfa } from '@mfa-kit/express';
import express, { type Express } from 'express';
import session from 'express-session';
import passport from 'passport';
import { Strategy as LocalStrategy } from 'passport-local';
import { type Account, checkPassword, findAccount, type HostUser, setMfaEnrolled, toMfaUser } from './accounts.js';

declare global {
  namespace Express {
    interface User extends Account {}
  }
}

const DAY = 24 * 60 * 60 * 1000;

export function createApp(storage: MfaStorage, secret: string): Express {
  passport.use(
    new LocalStrategy((email, password, done) => {
      checkPassword(email, password).then((account) => done(null, account ?? false), done);
    }),
  );
  passport.serializeUser((account, done) => done(null, account.id));
  passport.deserializeUser((id: string, done) => {
    findAccount(id).then((account) => done(null, account ?? false), done);
  });

  const mfa = createMfa<HostUser>({
    issuer: 'Acme',
    keys: [{ id: '2026-11', secret }],
    storage,
    policy: (user) => ({ mfa: user.role === 'owner' ? 'required' : 'optional', enrollBy: user.createdAt + 14 * DAY }),
    markEnrolled: setMfaEnrolled,
  });
  const { router, beginLogin, requireMfa, requireMfaExcept, mfaFor, strategy } = expressMfa(mfa, {
    user: (req) => (req.user ? toMfaUser(req.user) : null),
    loginUrl: '/login',
    homeUrl: '/cases',
    allowedOrigins: ['https://app.example'],
    deviceCookie: { sameSite: 'lax', insecureHttpForDevelopment: process.env.NODE_ENV !== 'production' },
    eventContext: (req) => ({ address: req.ip }),
    pages: { brand: 'Acme', supportUrl: 'https://acme.example/support' },
  });
  passport.use('mfa', strategy);

  const app = express();
  app.use(session({ secret, resave: false, saveUninitialized: false }), passport.session());
  app.use('/mfa', router);
  app.use(express.json(), express.urlencoded({ extended: false }));
  app.post('/login', passport.authenticate('local'), beginLogin, (_req, res) => res.redirect(303, '/cases'));
  app.post('/logout', (req, res, next) => {
    req.session.destroy((error) => (error ? next(error) : res.redirect(303, '/')));
  });
  app.use(requireMfaExcept(['/', '/login', '/logout']));
  app.get('/cases', async (req, res) => {
    const { session } = await mfaFor(req, res);
    res.json({ cases: [], via: requestMfa(req)?.assurance?.via, state: session?.state });
  });
  app.post('/payouts', requireMfa({ maxAgeSeconds: 300 }), (_req, res) => {
    res.status(201).json({ ok: true });
  });
  app.post('/export', requireMfa({ acceptRememberedDevice: false }), (_req, res) => {
    res.json([]);
  });
  // The second factor as a Passport strategy, for applications that use Passport for everything.
  app.post('/second-factor', passport.authenticate('mfa', { session: false }), (_req, res) => {
    res.redirect(303, '/cases');
  });
  return app;
}
