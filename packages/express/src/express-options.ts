import { type Assurance, type EventContext, MfaError, type MfaSession, type MfaUser } from '@mfa-kit/core';
import { type Awaitable, checkFunctions, checkNames, type DenyDecision, type HttpOptions } from '@mfa-kit/core/http';
import type { NextFunction, Request, Response } from 'express';

/** Where the host keeps a session's MFA state, for a session middleware other than express-session. */
export interface ExpressSession {
  read(req: Request): unknown;
  /**
   * Replaces the state, or clears it if `next` is undefined. Resolves when the store has saved it, and rejects if it could not.
   * With `renew` the session gets a new id and keeps its other data; the old id must stop working.
   */
  write(req: Request, next: MfaSession | undefined, options: { renew: boolean }): Promise<unknown>;
}

/** The options of `expressMfa`. */
export interface ExpressMfaOptions<User extends MfaUser = MfaUser> extends HttpOptions<User, Request> {
  /** Returns who is logged in, or null. During impersonation, return the person at the keyboard, not the impersonated user. */
  user(req: Request): Awaitable<User | null | undefined | false>;
  /**
   * Returns what a bearer token proves, after you have verified it: pass its claims to `assuranceFromClaims`. Return `null` if the
   * request was authenticated by a token without these claims, and `undefined` for any other request, such as one with a session
   * or an invalid token.
   *
   * Not called if the session has MFA state of the user. Without a header `Authorization`, `null` counts as `undefined`.
   */
  assurance?: ((req: Request) => Awaitable<Assurance | null | undefined>) | undefined;
  /** Answers a refused request in place of the kit. It must answer, because `next` accepts only an error. */
  onRefused?: ((decision: DenyDecision, req: Request, res: Response, next: NextFunction) => unknown) | undefined;
  /** Returns facts for the audit trail, for example the address, the user agent and the request id. */
  eventContext?: ((req: Request) => EventContext) | undefined;
  /** Default: express-session. Use `false` if there are no sessions and all clients send tokens. */
  session?: ExpressSession | false | undefined;
}

/** Validates the options that only Express has; `core` validates the rest. */
export function checkExpressOptions<User extends MfaUser>(options: ExpressMfaOptions<User>): void {
  checkNames(options, ['user', 'assurance', 'onRefused', 'eventContext', 'session']);
  checkFunctions(options, ['assurance', 'onRefused', 'eventContext']);
  if (typeof options.user !== 'function') {
    throw new MfaError(
      'invalid_option',
      'user is missing. Write user: (req) => req.user && { id: req.user.id, name: req.user.email }.',
    );
  }
  const { session } = options;
  const complete = typeof session === 'object' && typeof session?.read === 'function' && typeof session.write === 'function';
  if (session !== undefined && session !== false && !complete) {
    throw new MfaError(
      'invalid_option',
      'session must be { read, write }, or false when there are no sessions; leave it out for express-session.',
    );
  }
}
