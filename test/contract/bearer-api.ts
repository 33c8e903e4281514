// (iii) An API with access tokens, used by a page of another origin: no cookie, no session.
import { assuranceClaims, assuranceFromClaims, createMfa, type MfaStorage } from '@mfa-kit/core';
import { expressMfa } from '@mfa-kit/express';
import express, { type Express, type Request } from 'express';
import { type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { checkPassword, findAccount, toMfaUser } from './accounts.js';

export const pageOrigin = 'https://app.example';

export function createApp(storage: MfaStorage, secret: string): Express {
  const mfa = createMfa({ issuer: 'Acme', keys: [{ id: '2026-11', secret }], storage });
  const key = new TextEncoder().encode(secret);

  async function issueAccessToken(accountId: string, claims: Record<string, unknown>): Promise<string> {
    return new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).setSubject(accountId).setExpirationTime('1h').sign(key);
  }

  /** Returns the verified claims of the request's access token. Nothing else identifies the caller. */
  async function claimsOf(req: Request): Promise<JWTPayload | null> {
    const token = req.headers.authorization?.replace(/^Bearer /, '');
    if (!token) return null;
    const verified = await jwtVerify(token, key, { algorithms: ['HS256'] }).catch(() => null);
    return verified?.payload ?? null;
  }

  async function userById(id: string) {
    const account = await findAccount(id);
    return account && toMfaUser(account);
  }

  const { router, requireMfa } = expressMfa(mfa, {
    user: async (req) => {
      const claims = await claimsOf(req);
      return claims?.sub ? userById(claims.sub) : null;
    },
    userById,
    assurance: async (req) => {
      const claims = await claimsOf(req);
      return claims && assuranceFromClaims(claims);
    },
    onVerified: async (_req, { user, assurance }) => ({
      accessToken: await issueAccessToken(user.id, assuranceClaims(assurance, ['pwd'])),
    }),
    allowedOrigins: [pageOrigin],
    loginUrl: '/login',
  });

  const app = express();
  app.use((req, res, next) => {
    res.set({ 'access-control-allow-origin': pageOrigin, 'access-control-allow-headers': 'authorization, content-type' });
    if (req.method === 'OPTIONS') res.sendStatus(204);
    else next();
  });
  app.use('/mfa', router);
  app.use(express.json());
  app.post('/login', async (req, res) => {
    const account = await checkPassword(String(req.body?.email), String(req.body?.password));
    if (!account) return res.sendStatus(401);
    const login = await mfa.beginLogin({ user: toMfaUser(account) });
    const { access } = login.decision;
    // With the pending token the page proves a code, or enrolls, and gets the access token.
    if (access === 'challenge' || access === 'enroll') return res.json({ access, pendingToken: login.pendingToken });
    if (access !== 'allow') return res.status(403).json({ access });
    return res.json({ access, accessToken: await issueAccessToken(account.id, { amr: ['pwd'] }) });
  });
  app.get('/cases', requireMfa(), (_req, res) => {
    res.json({ cases: [] });
  });
  app.post('/payouts', requireMfa({ maxAgeSeconds: 300 }), (_req, res) => {
    res.status(201).json({ ok: true });
  });
  return app;
}
