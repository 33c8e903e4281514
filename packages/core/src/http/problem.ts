import type { AccessDecision, ChallengeFactor } from '../assurance.js';
import type { Refusal, RefusalReason } from '../results.js';

/** Every `reason` of a problem document: the flows' own, the guard's, and those of a request over HTTP. */
export type ProblemReason =
  | RefusalReason
  | 'challenge'
  | 'enroll'
  | 'cross_site'
  | 'malformed'
  | 'not_found'
  | 'method_not_allowed';

/** A problem document, RFC 9457. It repeats what the headers say, because a page of another origin cannot read headers. */
export interface Problem {
  /** Stable: `urn:mfa-kit:problem:invalid-code`. */
  type: string;
  title: string;
  status: number;
  reason: ProblemReason;
  detail?: string;
  retryAfterSeconds?: number;
  maxAgeSeconds?: number;
  factors?: ChallengeFactor[];
  because?: 'missing' | 'expired' | 'revoked';
  /** Until when the user may work without enrolling, in epoch milliseconds. */
  enrollBy?: number;
}

const PROBLEMS: Record<ProblemReason, { status: number; title: string }> = {
  malformed: { status: 400, title: 'The request was not understood' },
  challenge: { status: 401, title: 'A second factor is required' },
  login_again: { status: 401, title: 'A new login is required' },
  pending_token_invalid: { status: 401, title: 'The pending token is not valid' },
  enroll: { status: 403, title: 'An authenticator must be enrolled' },
  assurance_required: { status: 403, title: 'A fresh second factor is required' },
  profile_missing: { status: 403, title: 'The MFA record of this account is missing' },
  not_allowed: { status: 403, title: 'This account is not allowed to do this' },
  cross_site: { status: 403, title: 'The request came from another site' },
  not_found: { status: 404, title: 'Not found' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  already_confirmed: { status: 409, title: 'The enrollment is already confirmed' },
  recovery_codes_outdated: { status: 409, title: 'These recovery codes no longer count' },
  enrollment_expired: { status: 409, title: 'The enrollment has expired' },
  limit_reached: { status: 409, title: 'The limit is reached' },
  not_enrolled: { status: 409, title: 'No authenticator is enrolled' },
  invalid_code: { status: 422, title: 'The code is not valid' },
  throttled: { status: 429, title: 'Too many wrong codes' },
  busy: { status: 503, title: 'Another change was made at the same moment' },
  unavailable: { status: 503, title: 'Temporarily unavailable' },
};

/** Seconds to wait if a flow returned none. */
const RETRY_AFTER_SECONDS = { busy: 1, unavailable: 5 } as const;

/** The close code of a socket that was refused: policy violation, RFC 6455 7.4.1. */
export const SOCKET_CLOSE_CODE = 1008;

/** Returns the document for a reason, with details. */
export function describeProblem(
  reason: ProblemReason,
  details: Omit<Problem, 'type' | 'title' | 'status' | 'reason'> = {},
): Problem {
  const type = `urn:mfa-kit:problem:${reason.replaceAll('_', '-')}`;
  const problem: Problem = { type, ...PROBLEMS[reason], reason, ...details };
  if ((reason === 'busy' || reason === 'unavailable') && details.retryAfterSeconds === undefined) {
    problem.retryAfterSeconds = RETRY_AFTER_SECONDS[reason];
  }
  if (problem.retryAfterSeconds !== undefined) problem.retryAfterSeconds = Math.max(1, Math.ceil(problem.retryAfterSeconds));
  return problem;
}

/** Returns the document of a flow's refusal. */
export function refusalProblem({ reason, retryAfterSeconds, maxAgeSeconds }: Refusal): Problem {
  return describeProblem(reason, {
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    ...(maxAgeSeconds !== undefined && { maxAgeSeconds }),
  });
}

/** Returns the `extensions` of a GraphQL error: the document, and the code that GraphQL clients look for. */
export function problemExtensions(problem: Problem): Problem & { code: string } {
  const codes: Partial<Record<number, string>> = { 401: 'UNAUTHENTICATED', 403: 'FORBIDDEN' };
  return { code: codes[problem.status] ?? problem.reason.toUpperCase(), ...problem };
}

/** Returns the document of a guard's decision that is not `allow`. */
export function decisionProblem(decision: Exclude<AccessDecision, { access: 'allow' }>): Problem {
  switch (decision.access) {
    case 'challenge': {
      const { because, factors, maxAgeSeconds } = decision;
      return describeProblem('challenge', { because, factors, ...(maxAgeSeconds !== undefined && { maxAgeSeconds }) });
    }
    case 'enroll':
      return describeProblem('enroll', decision.enrollBy === undefined ? {} : { enrollBy: decision.enrollBy });
    case 'login-again':
      return describeProblem('login_again');
    case 'refuse':
      return describeProblem(decision.reason);
    case 'unavailable':
      return describeProblem('unavailable', { retryAfterSeconds: decision.retryAfterSeconds });
  }
}
