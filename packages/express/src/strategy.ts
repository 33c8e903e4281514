import { MfaError, type MfaUser } from '@mfa-kit/core';
import { type HttpKit, verifyRequest } from '@mfa-kit/core/http';
import type { Request } from 'express';
import type { ExpressMfaOptions } from './express-options.js';
import { openExchange } from './request-mfa.js';
import { keepRequestMfa } from './require-mfa.js';

/** The Passport strategy `mfa`, as `passport.use()` takes it. */
export interface MfaStrategy {
  name: string;
  authenticate(req: Request, options?: object): void;
}

interface PassportActions {
  success(user: unknown, info: object): void;
  fail(info: object): void;
  error(error: Error): void;
}

/** What a failed attempt passes on as Passport's `info`. */
export interface MfaStrategyInfo {
  message: string;
  reason: string;
  /** The HTTP status that the kit's own endpoint would answer with. */
  status: number;
  retryAfterSeconds?: number;
}

/**
 * Checks `code` or `recoveryCode` of the body for the user who is logged in, and keeps the proof in the session.
 *
 * Use it with `session: false`: Passport's own login at success would renew the session again and drop the proof.
 */
export function createStrategy<User extends MfaUser>(kit: HttpKit<User, Request>, options: ExpressMfaOptions<User>): MfaStrategy {
  const strategy: MfaStrategy = {
    name: 'mfa',
    // Passport calls it on a copy of the strategy that has the actions of the request.
    authenticate(this: object, req, given) {
      const actions = this as PassportActions;
      if (!hasNoSession(given)) {
        actions.error(
          new MfaError(
            'host_setup',
            "Write passport.authenticate('mfa', { session: false }): without it Passport drops the proof.",
          ),
        );
        return;
      }
      verify(req).then(
        ({ user, info }) => (user ? actions.success(user, info) : actions.fail(info)),
        (error: unknown) => {
          actions.error(error instanceof Error ? error : new Error('A callback of the host threw.', { cause: error }));
        },
      );
    },
  };
  return strategy;

  async function verify(req: Request): Promise<{ user?: unknown; info: object }> {
    const { res } = req;
    if (!res) throw new MfaError('host_setup', 'The request has no response: use the strategy within Express.');
    const outcome = await verifyRequest(kit, openExchange(options, { req, res }));
    if (!outcome.ok) {
      const { title, reason, status, retryAfterSeconds } = outcome.problem;
      const info: MfaStrategyInfo = {
        message: title,
        reason,
        status,
        ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
      };
      return { info };
    }
    const { ok: _, user, ...info } = outcome;
    const { assurance } = info;
    keepRequestMfa(req, { decision: { access: 'allow', via: assurance.via, assurance }, assurance });
    return { user: (req as { user?: unknown }).user ?? user, info };
  }
}

function hasNoSession(options: unknown): boolean {
  return typeof options === 'object' && options !== null && 'session' in options && options.session === false;
}
