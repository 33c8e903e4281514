// A host's process. Its packages are replaced while it runs, and the parent then makes it end access over HTTP.
import { randomBytes } from 'node:crypto';
import { createMfa } from '@mfa-kit/core';
import { memoryStorage } from '@mfa-kit/core/storage/memory';
import { createClock, verifiedSession } from '@mfa-kit/core/testing';
import { expressMfa } from '@mfa-kit/express';
import express from 'express';
import session from 'express-session';

const clock = createClock();
const events = [];
const mfa = createMfa({
  issuer: 'Acme',
  keys: [{ id: '1', secret: randomBytes(32) }],
  storage: memoryStorage(),
  clock: clock.now,
  policy: () => ({ mfa: 'optional' }),
  onEvent: ({ name, userId }) => void events.push(`${userId} ${name}`),
});
const userOf = (req) => ({ id: req.query.user, name: `${req.query.user}@example.com` });
const { router, requireMfa, mfaFor } = expressMfa(mfa, { user: userOf, loginUrl: '/login' });

const app = express();
app.use(session({ secret: 'a secret of the host with 32 bytes', resave: false, saveUninitialized: false }));
app.use('/mfa', router);

/** Enrolls the user, remembers a device, and stores the results in the session. */
app.post('/enroll', async (req, res) => {
  const user = userOf(req);
  const { session: first, authenticator } = await verifiedSession(mfa, user);
  clock.advance(30_000);
  const code = authenticator.code(clock.now());
  const verified = await mfa.verify({
    user,
    session: first,
    proof: { kind: 'totp', code },
    rememberDevice: true,
    deviceLabel: 'Firefox',
  });
  const { status } = await mfa.getStatus({ user });
  req.session.mfa = verified.session;
  res.json({ deviceId: status.devices[0].id, authenticatorId: status.authenticators[0].id });
});

app.get('/guarded', requireMfa(), (_req, res) => res.json({ ok: true }));

const CALLS = {
  passwordChanged: ({ userId }) => mfa.passwordChanged({ userId }),
  forgetUser: ({ userId }) => mfa.forgetUser({ userId }),
  resetMfa: ({ userId }) => mfa.resetMfa({ userId, actor: 'support', reason: 'the phone is lost' }),
  clearLockout: ({ userId }) => mfa.clearLockout({ userId, actor: 'support', reason: 'typed too often' }),
  endAllSessions: ({ acting }) => mfa.endAllSessions(acting),
  revokeDevice: ({ acting, id }) => mfa.revokeDevice({ ...acting, deviceId: id }),
  removeAuthenticator: ({ acting, id }) => mfa.removeAuthenticator({ ...acting, authenticatorId: id }),
  afterRestore: () => mfa.afterRestore(),
  'passwordChanged of the request': async ({ req, res }) => (await mfaFor(req, res)).passwordChanged(),
  'endAllSessions of the request': async ({ req, res }) => (await mfaFor(req, res)).endAllSessions(),
};

/** Calls a function that ends access, and answers its result. The acting session keeps its earlier state. */
app.post('/call', async (req, res) => {
  const user = userOf(req);
  const before = req.session.mfa;
  const answer = await CALLS[req.query.call]({
    userId: user.id,
    acting: { user, session: before },
    id: req.query.id,
    req,
    res,
  }).catch((error) => ({ threw: error.code ?? error.name }));
  req.session.mfa = before;
  res.json(answer);
});

app.get('/events', (_req, res) => res.json(events));
app.get('/status', async (req, res) => res.json(await mfa.getStatus({ user: userOf(req) })));
app.use((error, _req, res, _next) => res.status(500).json({ threw: error.code ?? error.name }));

const server = app.listen(0, '127.0.0.1', () => process.send(server.address().port));
process.on('disconnect', () => process.exit());
