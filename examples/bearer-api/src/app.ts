import { assuranceFromClaims, createMfa } from '@mfa-kit/core';
import { expressMfa } from '@mfa-kit/express';
import * as demo from '@mfa-kit-examples/demo-host';
import express, { type ErrorRequestHandler, type Express, type Request, type Response } from 'express';
import { allowOrigin } from './cors.js';
import { createTokens } from './tokens.js';

/** The whole API. Pages of `spaOrigin` may call it from another origin. */
export async function createApp(
  host: demo.DemoHost,
  { spaOrigin, clock = Date.now }: { spaOrigin?: string; clock?: () => number } = {},
): Promise<Express> {
  const mfa = createMfa<demo.DemoUser>({ issuer: 'Larkfield Legal', ...host.mfa, clock });
  const tokens = await createTokens(host, clock);
  const userOf = async (req: Request): Promise<demo.DemoUser | null> => {
    const claims = await tokens.claimsOf(req.headers.authorization);
    return claims?.sub === undefined ? null : host.users.findById(claims.sub);
  };
  const { router, requireMfa, requireMfaExcept, mfaFor } = expressMfa(mfa, {
    user: userOf,
    assurance: async (req) => assuranceFromClaims((await tokens.claimsOf(req.headers.authorization)) ?? {}),
    userById: (id) => host.users.findById(id), // for pending tokens
    onVerified: async (_req, { user, assurance }) => ({ ...(await tokens.issue({ userId: user.id, assurance })) }),
    session: false,
    loginUrl: '/login',
    allowedOrigins: spaOrigin === undefined ? [] : [spaOrigin],
    deviceCookie: { insecureHttpForDevelopment: !host.production },
  });

  const app = express();
  app.disable('x-powered-by').set('trust proxy', host.production ? 1 : false);
  app.use(allowOrigin(spaOrigin)); // before the guard, so that the page can read a refusal
  app.get('/healthz', (_req, res) => void res.json({ ok: true }));
  app.use('/mfa', router);
  app.use(express.json({ limit: '4kb' }));

  app.post('/login', async (req, res) => {
    const user = await host.users.checkPassword(demo.textField(req.body, 'username'), demo.textField(req.body, 'password'));
    if (!user) return reply(res, demo.refusal(401, 'Login failed', 'Username or password is wrong.'));
    const { decision, ...tokensOfKit } = await (await mfaFor(req, res)).beginLogin({ user });
    if (decision.access === 'unavailable') return reply(res, NOT_NOW);
    if (decision.access === 'refuse') return reply(res, demo.refusal(403, 'Not allowed', 'Please ask support.'));
    // The token carries what was proven so far, for example by a remembered device, or by the password alone if that is enough.
    const { assurance } = decision.access === 'allow' ? decision : {};
    const issued = decision.access === 'allow' ? await tokens.issue({ userId: user.id, ...(assurance && { assurance }) }) : {};
    return reply(res, { status: 200, json: { access: decision.access, ...tokensOfKit, ...issued } });
  });
  app.post('/token', async (req, res) => {
    const refreshToken = demo.textField(req.body, 'refreshToken');
    const grant = await tokens.readRefresh(refreshToken);
    const user = grant && (await host.users.findById(grant.userId));
    if (!grant || !user) return reply(res, LOGIN_AGAIN);
    // Check first, because the epoch of the refresh token may have ended, and a new token would outlive the revocation.
    const session = grant.assurance && { state: 'verified' as const, assurance: grant.assurance };
    const decision = await mfa.checkAccess({ user, session, firstFactorProven: !session });
    if (decision.access === 'unavailable') return reply(res, NOT_NOW);
    if (decision.access !== 'allow' || !(await tokens.takeRefresh(refreshToken))) return reply(res, LOGIN_AGAIN);
    return reply(res, { status: 200, json: await tokens.issue(grant) });
  });

  app.use(requireMfaExcept(['/login', '/token', '/healthz'])); // the one line that guards the routes
  app.get('/cases', (_req, res) => reply(res, { status: 200, json: { matters: demo.matters } }));
  app.post('/payouts', requireMfa({ maxAgeSeconds: 300 }), (req, res) => {
    const payout = demo.readPayout(req.body);
    if (payout) reply(res, { status: 201, json: { payout } });
    else reply(res, demo.refusal(400, 'No payment', 'Name a matter and an amount that is held for it.'));
  });

  app.use((_req, res) => reply(res, demo.refusal(404, 'Not found', 'There is nothing here.')));
  const onError: ErrorRequestHandler = (error, _req, res, _next) => reply(res, demo.failure(error));
  return app.use(onError);
}

const NOT_NOW = demo.refusal(503, 'Not now', 'Please try again.');
const LOGIN_AGAIN = demo.refusal(401, 'A new login is required', 'The refresh token is no longer valid.');

/** Answers JSON only, regardless of `Accept`. */
function reply(res: Response, content: demo.Reply): void {
  const { status, headers, body } = demo.answer(undefined, content);
  res.status(status).set(headers).send(body);
}
