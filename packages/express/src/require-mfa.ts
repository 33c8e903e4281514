import { type Assurance, MfaError, type MfaUser, type Requirement } from '@mfa-kit/core';
import {
  type AllowDecision,
  type Awaitable,
  andThen,
  checkRequirement,
  describeProblem,
  type GuardOutcome,
  guardRequest,
  type HttpKit,
  listOpenPaths,
  openPaths,
  rescue,
} from '@mfa-kit/core/http';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { markHandler } from './coverage/marks.js';
import type { ExpressMfaOptions } from './express-options.js';
import { openExchange, writeAnswer } from './request-mfa.js';

/** What the guard found, on a request that it let through. */
export interface RequestMfa {
  decision: AllowDecision;
  /** Absent where no proof was asked for. */
  assurance?: Assurance;
}

// A symbol of our own, and no type that is added to Express: the application may have a field `req.mfa`.
const FOUND = Symbol('mfa-kit');

interface GuardedRequest {
  [FOUND]?: RequestMfa | undefined;
}

/** What the guard or the strategy found on this request; undefined where neither let it through. */
export function requestMfa(req: object): RequestMfa | undefined {
  return (req as GuardedRequest)[FOUND];
}

/** Keeps it for {@link requestMfa}. */
export function keepRequestMfa(req: object, found: RequestMfa | undefined): void {
  (req as GuardedRequest)[FOUND] = found;
}

/** The middleware that lets a request through only when it meets the requirement. */
export function guardRoute<User extends MfaUser>(
  kit: HttpKit<User, Request>,
  options: ExpressMfaOptions<User>,
  requirement: Requirement = {},
): RequestHandler {
  const checked = checkRequirement(requirement);
  const guard = handleAsync((req, res, next) =>
    andThen(guardRequest(kit, openExchange(options, { req, res }), checked), (outcome) => {
      if (!outcome.allowed) return answerRefused(kit, options, { outcome, req, res, next });
      const { decision, assurance } = outcome;
      keepRequestMfa(req, assurance ? { decision, assurance } : { decision });
      return 'pass';
    }),
  );
  return markHandler(guard, { kind: 'guard', open: [] });
}

async function answerRefused<User extends MfaUser>(
  kit: HttpKit<User, Request>,
  { onRefused }: ExpressMfaOptions<User>,
  given: { outcome: GuardOutcome & { allowed: false }; req: Request; res: Response; next: NextFunction },
): Promise<'answered'> {
  const { outcome, req, res, next } = given;
  keepRequestMfa(req, undefined);
  if (!onRefused) {
    writeAnswer(res, outcome.answer);
    return 'answered';
  }
  warnOfSilence(kit, res);
  await onRefused(outcome.decision, req, res, errorsOnly(next));
  return 'answered';
}

/** The guard of a whole application: everything but these paths, the kit's own and the login. */
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
  return markHandler(guardRest, { kind: 'guard', open: listOpenPaths(kit, input.paths) });
}

/** A handler for Express 4 and 5 alike, at once or async. Whatever is thrown denies, also what Express takes for a command. */
export function handleAsync(
  run: (req: Request, res: Response, next: NextFunction) => Awaitable<'pass' | 'answered'>,
): RequestHandler {
  return (req, res, next) => {
    if (typeof next !== 'function') {
      throw new MfaError(
        'host_setup',
        "A middleware of mfa-kit was called without next. Mount it and do not call it. Write app.use('/mfa', router), not router().",
      );
    }
    const outcome: Awaitable<'pass' | 'answered' | Error> = rescue<'pass' | 'answered' | Error>(
      () => run(req, res, next),
      asError,
    );
    // Outside of what is rescued: what throws in the handlers that follow is theirs.
    void andThen(outcome, (ended) => {
      if (ended === 'pass') next();
      else if (ended !== 'answered') next(ended);
    });
  };
}

/** `next(undefined)`, `next('route')` and `next('router')` would go on past the guard. */
function asError(error: unknown): Error {
  if (error instanceof Error) return error;
  return new MfaError(
    'host_callback_failed',
    'A callback given to expressMfa threw something that is no Error; the request is denied.',
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

/** The router may still follow; that nothing answers for the kit shows only at the end. */
function warnOfNoRouter<User extends MfaUser>(
  kit: HttpKit<User, Request>,
  { req, res, answered }: { req: Request; res: Response; answered: WeakSet<Request> },
): void {
  const { path } = kit.options;
  res.once('finish', () => {
    if (res.statusCode !== describeProblem('not_found').status || answered.has(req)) return;
    kit.warn(
      'MFA_KIT_NO_ROUTER',
      `Refused requests are sent to pages below ${path}, where nothing answers, so nobody gets in. Write app.use('${path}', router).`,
    );
  });
}

/** What answers late is no mistake; what never answers shows when the client goes away. */
function warnOfSilence<User extends MfaUser>(kit: HttpKit<User, Request>, res: Response): void {
  res.once('close', () => {
    if (res.headersSent) return;
    kit.warn(
      'MFA_KIT_NO_ANSWER',
      'A refused request got no answer until its client went away. Let onRefused answer it, or call next(error), or leave ' +
        'onRefused out.',
    );
  });
}
