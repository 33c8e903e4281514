import { MfaError, type MfaUser } from '@mfa-kit/core';
import { type HttpKit, verifyRequest } from '@mfa-kit/core/http';
import type { Request } from 'express';
import CustomStrategy from 'passport-custom';
import type { ExpressMfaOptions } from './express-options.js';
import { openExchange } from './request-mfa.js';
import { keepRequestMfa } from './require-mfa.js';

/** The Passport strategy `mfa`, as `passport.use()` takes it. */
export interface MfaStrategy {
  name: string;
  authenticate(req: Request, options?: object): void;
}

/** Passport's `info` after a failed attempt. */
export interface MfaStrategyInfo {
  message: string;
  reason: string;
  /** The HTTP status that the kit's own endpoint would answer with. */
  status: number;
  retryAfterSeconds?: number;
}

/**
 * Checks `code` or `recoveryCode` from the body for the user who is logged in, and stores the proof in the session.
 *
 * Use it with `session: false`, because otherwise Passport logs in again, renews the session and drops the proof.
 */
export function createStrategy<User extends MfaUser>(kit: HttpKit<User, Request>, options: ExpressMfaOptions<User>): MfaStrategy {
  const strategy: MfaStrategy = new CustomStrategy({ passOptionsToCallback: true }, (req, given: unknown, done) => {
    if (!hasNoSession(given)) {
      done(
        new MfaError(
          'host_setup',
          "Write passport.authenticate('mfa', { session: false }). Without this option Passport drops the proof.",
        ),
      );
      return;
    }
    void answer();
    // passport-custom ignores a rejected promise, and the request would hang.
    async function answer(): Promise<void> {
      let outcome: { user?: unknown; info: object };
      try {
        outcome = await verify(req);
      } catch (error) {
        done(error instanceof Error ? error : new Error('A callback threw a value that is not an Error.', { cause: error }));
        return;
      }
      done(null, outcome.user ?? false, outcome.info);
    }
  });
  strategy.name = 'mfa';
  return strategy;

  async function verify(req: Request): Promise<{ user?: unknown; info: object }> {
    const { res } = req;
    if (!res) throw new MfaError('host_setup', 'The request has no response (req.res). Use the strategy in Express.');
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
    return { user: req.user ?? user, info };
  }
}

function hasNoSession(options: unknown): boolean {
  return typeof options === 'object' && options !== null && 'session' in options && options.session === false;
}
