import { type Assurance, MfaError, type MfaUser, type Requirement } from '@mfa-kit/core';
import {
  type AllowDecision,
  type AllowedOutcome,
  checkRequirement,
  describeProblem,
  type GuardOutcome,
  guardRequest,
  type HttpKit,
  listOpenPaths,
  openPaths,
} from '@mfa-kit/core/http';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { ExpressMfaOptions } from './express-options.js';
import { markHandler } from './marks.js';
import { openExchange, writeAnswer } from './request-mfa.js';

/** What the guard found on a request that it allowed. */
export interface RequestMfa {
  decision: AllowDecision;
  /** Absent if no proof was required. */
  assurance?: Assurance;
}

// A symbol, because the application may have a field `req.mfa`.
const FOUND = Symbol('mfa-kit');

interface GuardedRequest {
  [FOUND]?: RequestMfa | undefined;
}

/** Returns what the guard or the strategy found on this request; undefined if neither let it through. */
export function requestMfa(req: object): RequestMfa | undefined {
  return (req as GuardedRequest)[FOUND];
}

/** Keeps it for {@link requestMfa}. */
export function keepRequestMfa(req: object, found: RequestMfa | undefined): void {
  (req as GuardedRequest)[FOUND] = found;
}

function keepAllowed(req: Request, { decision, assurance }: AllowedOutcome): void {
  keepRequestMfa(req, assurance ? { decision, assurance } : { decision });
}

/** Makes the middleware that allows a request only if it meets the requirement. */
export function guardRoute<User extends MfaUser>(
  kit: HttpKit<User, Request>,
  options: ExpressMfaOptions<User>,
  requirement: Requirement = {},
): RequestHandler {
  const checked = checkRequirement(requirement);
  const guard: RequestHandler = (req, res, next) => {
    checkNext(next);
    let outcome: AllowedOutcome | Promise<GuardOutcome>;
    try {
      outcome = guardRequest(kit, openExchange(options, { req, res }), checked);
      if ('allowed' in outcome) keepAllowed(req, outcome);
    } catch (error) {
      next(asError(error));
      return;
    }
    if ('allowed' in outcome) next();
    else void finish(passOrAnswer(kit, options, { outcome, req, res, next }), next);
  };
  return markHandler(guard, { kind: 'guard', requirement: checked });
}

async function passOrAnswer<User extends MfaUser>(
  kit: HttpKit<User, Request>,
  { onRefused }: ExpressMfaOptions<User>,
  given: { outcome: Promise<GuardOutcome>; req: Request; res: Response; next: NextFunction },
): Promise<Ended> {
  const { req, res, next } = given;
  const outcome = await given.outcome;
  if (outcome.allowed) {
    keepAllowed(req, outcome);
    return 'pass';
  }
  keepRequestMfa(req, undefined);
  if (onRefused) {
    warnOfSilence(kit, res);
    await onRefused(outcome.decision, req, res, errorsOnly(next));
  } else writeAnswer(res, outcome.answer);
  return 'answered';
}

/** Guards a whole application, except these paths, the kit's own and the login. */
export function guardAllExcept<User extends MfaUser>(
  kit: HttpKit<User, Request>,
  options: ExpressMfaOptions<User>,
  input: { paths: readonly string[]; answered: WeakSet<Request>; requirement: Requirement | undefined },
): RequestHandler {
  const isOpen = openPaths(kit, input.paths);
  const guard = guardRoute(kit, options, input.requirement);
  const { path: mount } = kit.options;
  const guardRest: RequestHandler = (req, res, next) => {
    const path = req.baseUrl + req.path;
    if (!isOpen(path)) {
      guard(req, res, next);
      return;
    }
    if (path.startsWith(mount)) warnOfNoRouter(kit, { req, res, answered: input.answered });
    next();
  };
  return markHandler(guardRest, {
    kind: 'guard',
    requirement: input.requirement ?? {},
    open: { paths: listOpenPaths(kit, input.paths), has: isOpen },
  });
}

/** How a handler ends: the next one runs, or the response was written. */
type Ended = 'pass' | 'answered';

/** Makes a handler for Express 4 and 5 from an async function. If the function throws, the request is denied. */
export function handleAsync(run: (req: Request, res: Response, next: NextFunction) => Promise<Ended>): RequestHandler {
  return (req, res, next) => {
    checkNext(next);
    void finish(run(req, res, next), next);
  };
}

async function finish(running: Promise<Ended>, next: NextFunction): Promise<void> {
  let ended: Ended | Error;
  try {
    ended = await running;
  } catch (error) {
    ended = asError(error);
  }
  // Outside the `try`, because the guard must not catch what the next handlers throw.
  if (ended === 'pass') next();
  else if (ended !== 'answered') next(ended);
}

function checkNext(next: unknown): void {
  if (typeof next === 'function') return;
  throw new MfaError(
    'host_setup',
    "A middleware of mfa-kit was called without next. Mount it and do not call it. Write app.use('/mfa', router), not router().",
  );
}

/** Express would go on past the guard at `next(undefined)`, `next('route')` or `next('router')`. */
function asError(error: unknown): Error {
  if (error instanceof Error) return error;
  return new MfaError(
    'host_callback_failed',
    'A callback of expressMfa threw a value that is not an Error, so the request was denied. Throw an Error.',
    {
      cause: error,
    },
  );
}

function errorsOnly(next: NextFunction): NextFunction {
  return (error?: unknown) => {
    if (error instanceof Error) return next(error);
    next(
      new MfaError(
        'host_setup',
        'onRefused called next() without an error. Answer the refused request there, or call next(error).',
      ),
    );
  };
}

/** Warns at the end of the response, because the router may be mounted after the guard. */
function warnOfNoRouter<User extends MfaUser>(
  kit: HttpKit<User, Request>,
  { req, res, answered }: { req: Request; res: Response; answered: WeakSet<Request> },
): void {
  const { path } = kit.options;
  res.once('finish', () => {
    if (res.statusCode !== describeProblem('not_found').status || answered.has(req)) return;
    kit.warn('MFA_KIT_NO_ROUTER', path);
  });
}

/** Warns when the client goes away without an answer, because a late answer is not a mistake. */
function warnOfSilence<User extends MfaUser>(kit: HttpKit<User, Request>, res: Response): void {
  res.once('close', () => {
    if (res.headersSent) return;
    kit.warn('MFA_KIT_NO_ANSWER');
  });
}
