import { expressMfa } from '@mfa-kit/express';
import express from 'express';
import session from 'express-session';
import jwt from 'jsonwebtoken';
import passport from 'passport';
import { ExtractJwt, Strategy } from 'passport-jwt';
import { givenServers, keepConnections, openStorages, report, SECRET, USER, userLoader } from './common.mjs';

const storages = await openStorages(givenServers());
const app = express();
app.use(session({ secret: SECRET, resave: false, saveUninitialized: false, name: 'sid' }));
const HTTP = { loginUrl: '/login', allowedOrigins: ['http://localhost'] };
const answer = (_req, res) => void res.json({ ok: true });

app.get('/login/:storage', (req, res) => {
  req.session.mfa = storages.find(({ name }) => name === req.params.storage).session;
  res.json({ ok: true });
});
app.get('/unguarded', answer);
app.get('/empty', (_req, _res, next) => next(), answer);

for (const { name, mfa, bareRead, byHand } of storages) {
  const { requireMfa } = expressMfa(mfa, { user: () => USER, ...HTTP });
  app.get(`/guarded-${name}`, requireMfa(), answer);
  app.get(
    `/by-hand-${name}`,
    (req, res, next) => {
      const conclude = (ok) => (ok ? next() : res.sendStatus(401));
      const found = byHand(req.session);
      if (typeof found === 'boolean') conclude(found);
      else found.then(conclude, next);
    },
    answer,
  );
  if (bareRead) app.get(`/bare-read-${name}`, (_req, _res, next) => void bareRead().then(() => next(), next), answer);
}

const [within] = storages;
const pool = storages.find(({ name }) => name === 'postgres')?.pool;
if (pool) {
  const loadUser = await userLoader(pool);
  const { requireMfa } = expressMfa(within.mfa, { user: loadUser, ...HTTP });
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
  report(Object.fromEntries(storages.map(({ name }) => [name, server.address().port])));
});
