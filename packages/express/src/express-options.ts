import { type Assurance, type EventContext, MfaError, type MfaSession, type MfaUser } from '@mfa-kit/core';
import { type Awaitable, checkFunctions, checkNames, type DenyDecision, type HttpOptions } from '@mfa-kit/core/http';
import type { NextFunction, Request, Response } from 'express';

/** Where the host keeps a session's MFA state, for a session middleware other than express-session. */
export interface ExpressSession {
  read(req: Request): unknown;
  /**
   * Replaces the state (undefined: clears it) and resolves when the store has it. `renew`: under a new session id, keeping
   * what else is in the session; the old id must be dead. Rejects when the store did not take it.
   */
  write(req: Request, next: MfaSession | undefined, options: { renew: boolean }): Promise<unknown>;
}

/** What `expressMfa` takes beside the flows. */
export interface ExpressMfaOptions<User extends MfaUser = MfaUser> extends HttpOptions<User, Request> {
  /** The person at the keyboard, also while somebody else is impersonated; nothing when nobody is logged in. */
  user(req: Request): Awaitable<User | null | undefined | false>;
  /**
   * What a bearer token that you have verified says is proven: what `assuranceFromClaims` reads in its claims; `null` if the request
   * was authenticated by a token without facts; `undefined` for any other request, such as one that has a session or an invalid token.
   *
   * Not called if the session has MFA state of the user. Without a header `Authorization`, `null` counts as `undefined`.
   */
  assurance?: ((req: Request) => Awaitable<Assurance | null | undefined>) | undefined;
  /** Answers a refused request in place of the kit. It must answer: `next` takes nothing but an error. */
  onRefused?: ((decision: DenyDecision, req: Request, res: Response, next: NextFunction) => unknown) | undefined;
  /** Facts for the audit trail: address, agent, request id. */
  eventContext?: ((req: Request) => EventContext) | undefined;
  /** Default: express-session. `false`: there are no sessions, all clients come with tokens. */
  session?: ExpressSession | false | undefined;
}

/** Throws unless the options that only Express has are good; `core` checks the rest. */
export function checkExpressOptions<User extends MfaUser>(options: ExpressMfaOptions<User>): void {
  checkNames(options, ['user', 'assurance', 'onRefused', 'eventContext', 'session']);
  checkFunctions(options, ['assurance', 'onRefused', 'eventContext']);
  if (typeof options.user !== 'function') {
    throw new MfaError('invalid_option', 'user is missing: give (req) => req.user && { id: req.user.id, name: req.user.email }.');
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
