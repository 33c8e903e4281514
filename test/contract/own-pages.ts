// (ii) An application that renders its own pages with the kit's flows, bound to a request, and without its HTML.
import { createMfa, type MfaStorage, qrSvg, type RefusalReason } from '@mfa-kit/core';
import { expressMfa } from '@mfa-kit/express';
import express, { type Express, type Request, type Response } from 'express';
import session from 'express-session';
import { checkPassword, findAccount, setMfaEnrolled, toMfaUser } from './accounts.js';

declare module 'express-session' {
  interface SessionData {
    accountId?: string;
  }
}

export function createApp(storage: MfaStorage, secret: string): Express {
  const mfa = createMfa({ issuer: 'Acme', keys: [{ id: '2026-11', secret }], storage, markEnrolled: setMfaEnrolled });
  const { requireMfa, mfaFor } = expressMfa(mfa, {
    user: async (req) => {
      const account = req.session.accountId ? await findAccount(req.session.accountId) : null;
      return account && toMfaUser(account);
    },
    loginUrl: '/sign-in',
    onRefused: (decision, _req, res) => {
      res.redirect(303, decision.access === 'enroll' ? '/account/protect' : '/account/confirm');
    },
  });

  const app = express();
  app.use(session({ secret, resave: false, saveUninitialized: false }), express.urlencoded({ extended: false }));

  app.post('/sign-in', async (req, res) => {
    const account = await checkPassword(text(req, 'email'), text(req, 'password'));
    if (!account) return void res.sendStatus(401);
    req.session.accountId = account.id;
    await (await mfaFor(req, res)).beginLogin();
    return res.redirect(303, '/account');
  });

  app.get('/account/protect', async (req, res) => {
    const flows = await mfaFor(req, res);
    const started = await flows.startEnrollment({ name: 'Phone' });
    if (!started.ok) return draw(res, 'protect', { message: messageFor(started.reason) });
    const { id, uri, manualKey, expiresAt } = started.enrollment;
    return draw(res, 'protect', { id, picture: await qrSvg(uri), manualKey, expiresAt });
  });

  app.post('/account/protect', async (req, res) => {
    const flows = await mfaFor(req, res);
    const confirmed = await flows.confirmEnrollment({
      enrollmentId: text(req, 'enrollmentId'),
      code: req.body.code,
      rememberDevice: req.body.remember === 'on',
    });
    if (!confirmed.ok) return draw(res, 'protect', { message: messageFor(confirmed.reason, confirmed.retryAfterSeconds) });
    return draw(res, 'codes', { codes: confirmed.recoveryCodes ?? [], name: confirmed.authenticator.name });
  });

  app.post('/account/confirm', async (req, res) => {
    const flows = await mfaFor(req, res);
    const verified = await flows.verify({
      ...(req.body.recoveryCode ? { recoveryCode: req.body.recoveryCode } : { code: req.body.code }),
      rememberDevice: req.body.remember === 'on',
    });
    if (!verified.ok) return draw(res, 'confirm', { message: messageFor(verified.reason, verified.retryAfterSeconds) });
    return res.redirect(303, '/account');
  });

  app.get('/account', requireMfa(), async (req, res) => {
    const found = await (await mfaFor(req, res)).getStatus();
    if (!found.ok) return draw(res, 'account', { message: messageFor(found.reason) });
    const { authenticators, devices, recoveryCodesLeft } = found.status;
    return draw(res, 'account', { authenticators, devices, recoveryCodesLeft });
  });

  app.post('/account/authenticators/remove', async (req, res) => {
    const removed = await (await mfaFor(req, res)).removeAuthenticator({ authenticatorId: text(req, 'id') });
    if (!removed.ok) return draw(res, 'account', { message: messageFor(removed.reason) });
    return res.redirect(303, '/account');
  });
  return app;
}

/** Every reason has its own text. A new reason does not compile without one. */
function messageFor(reason: RefusalReason, retryAfterSeconds = 0): string {
  switch (reason) {
    case 'invalid_code':
      return 'That code is not right, or was used before. Wait for the next one.';
    case 'throttled':
    case 'limit_reached':
      return `Too many tries. Wait ${retryAfterSeconds} seconds.`;
    case 'enrollment_expired':
    case 'already_confirmed':
      return 'This set-up is over. Begin again.';
    case 'recovery_codes_outdated':
      return 'There are newer recovery codes. Load the page again.';
    case 'assurance_required':
      return 'Please confirm that it is you.';
    case 'pending_token_invalid':
    case 'login_again':
      return 'Please log in again.';
    case 'not_enrolled':
    case 'not_allowed':
    case 'profile_missing':
      return 'This is not possible for your account. Please contact us.';
    case 'busy':
    case 'unavailable':
      return 'Please try again in a moment.';
  }
}

function draw(res: Response, page: string, data: object): void {
  res.json({ page, ...data });
}

function text(req: Request, field: string): string {
  const value: unknown = req.body?.[field];
  return typeof value === 'string' ? value : '';
}
