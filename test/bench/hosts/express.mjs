import { expressMfa } from '@mfa-kit/express';
import express from 'express';
import session from 'express-session';
import jwt from 'jsonwebtoken';
import passport from 'passport';
import { ExtractJwt, Strategy } from 'passport-jwt';
import { givenServers, openStorages, report, SECRET, USER } from './common.mjs';

const storages = await openStorages(givenServers());
const app = express();
app.use(session({ secret: SECRET, resave: false, saveUninitialized: false, name: 'sid' }));
const answer = (_req, res) => void res.json({ ok: true });

app.get('/login/:storage', (req, res) => {
  req.session.mfa = storages.find(({ name }) => name === req.params.storage).session;
  res.json({ ok: true });
});
app.get('/unguarded', answer);
app.get('/empty', (_req, _res, next) => next(), answer);

for (const { name, mfa, bareRead } of storages) {
  const { requireMfa } = expressMfa(mfa, { user: () => USER, loginUrl: '/login', allowedOrigins: ['http://localhost'] });
  app.get(`/guarded-${name}`, requireMfa(), answer);
  if (bareRead) app.get(`/bare-read-${name}`, (_req, _res, next) => void bareRead().then(() => next(), next), answer);
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

const server = app.listen(0, '127.0.0.1', () => report(server.address().port, storages));
