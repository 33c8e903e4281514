import { expressMfa } from '@mfa-kit/express';
import express from 'express';
import session from 'express-session';
import jwt from 'jsonwebtoken';
import passport from 'passport';
import { ExtractJwt, Strategy } from 'passport-jwt';
import { givenServers, keepConnections, openStorage, report, SECRET, USER, userLoader } from './common.mjs';

const { withLoader, ...given } = givenServers();
const { mfa, session: proven, bareRead, byHand } = await openStorage(given);
const app = express();
app.use(session({ secret: SECRET, resave: false, saveUninitialized: false, name: 'sid' }));
const HTTP = { loginUrl: '/login', allowedOrigins: ['http://localhost'] };
const answer = (_req, res) => void res.json({ ok: true });

app.get('/login', (req, res) => {
  req.session.mfa = proven;
  res.json({ ok: true });
});
app.get('/unguarded', answer);
app.get('/empty', (_req, _res, next) => next(), answer);

const { requireMfa } = expressMfa(mfa, { user: () => USER, ...HTTP });
app.get('/guarded', requireMfa(), answer);
app.get(
  '/by-hand',
  (req, res, next) => {
    const conclude = (ok) => (ok ? next() : res.sendStatus(401));
    const found = byHand(req.session);
    if (typeof found === 'boolean') conclude(found);
    else found.then(conclude, next);
  },
  answer,
);
if (bareRead) app.get('/bare-read', (_req, _res, next) => void bareRead().then(() => next(), next), answer);

if (withLoader) {
  const loadUser = await userLoader(given.postgres);
  const { requireMfa } = expressMfa(mfa, { user: loadUser, ...HTTP });
  app.get('/guarded-loading', requireMfa(), answer);
  app.get('/bare-user', (_req, _res, next) => void loadUser().then(() => next(), next), answer);
}

const from = { secretOrKey: SECRET, issuer: 'acme', audience: 'app', algorithms: ['HS256'] };
const strategy = new Strategy({ jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(), ...from }, (_claims, done) =>
  done(null, USER),
);
passport.use(strategy);
app.get('/passport-jwt', passport.authenticate('jwt', { session: false }), answer);
app.get(
  '/jsonwebtoken',
  (req, res, next) => {
    const token = (req.headers.authorization ?? '').slice('Bearer '.length);
    jwt.verify(token, SECRET, { issuer: 'acme', audience: 'app', algorithms: ['HS256'] }, (error, claims) => {
      if (error) return res.sendStatus(401);
      req.claims = claims;
      next();
    });
  },
  answer,
);

const server = app.listen(0, '127.0.0.1', () => {
  keepConnections(server);
  report(server.address().port);
});
