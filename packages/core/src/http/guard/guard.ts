import type { AccessDecision, AllowDecision, Assurance, Requirement } from '../../assurance.js';
import { type Awaitable, isThenable } from '../../awaitable.js';
import type { MfaUser } from '../../options.js';
import type { HttpAnswer, MfaExchange } from '../exchange.js';
import { askAccess, askWithoutState } from '../flows/request-access.js';
import { refusedReturn } from '../flows/return-policy.js';
import type { HttpKit } from '../http-kit.js';
import { challengeUrl } from '../paths/asked.js';
import { readNavigation } from '../paths/navigation.js';
import { decisionProblem } from '../problem.js';
import { wantsHtml } from '../request/negotiation.js';
import { problemAnswer, redirectAnswer } from '../responses.js';
import {
  askUser,
  identify,
  identityOfSession,
  identityOfToken,
  LATE,
  type RequestIdentity,
  RequestState,
  readIdentity,
} from '../session/request-identity.js';
import { warnOfGuardedLogin, warnOfLostUser } from '../set-up-warnings.js';
import { showProblem } from '../show-page.js';

/** A decision that refuses the request. */
export type DenyDecision = Exclude<AccessDecision, AllowDecision>;

/** The guard lets the request through. */
export type AllowedOutcome = { allowed: true; decision: AllowDecision; assurance?: Assurance };

/** What the guard decided. `answer` is the response that the kit would send to a refused request. */
export type GuardOutcome = AllowedOutcome | { allowed: false; decision: DenyDecision; answer: HttpAnswer };

/**
 * Decides whether a request may pass. Returns a promise, except if the request is allowed and nothing has to be awaited.
 *
 * Throws or rejects if the host has to fix something. The request is then denied.
 */
export function guardRequest<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
  requirement: Requirement = {},
): AllowedOutcome | Promise<GuardOutcome> {
  const asked = allowAtOnce(kit, exchange, requirement);
  return asked.access === 'allow' ? toOutcome(asked) : decide(kit, exchange, requirement, asked);
}

/** What was started when a request could not be allowed at once. It is passed on, so that no callback of the host is called twice. */
interface Undecided<User extends MfaUser> {
  access: 'undecided';
  identity: Awaitable<RequestIdentity<User>>;
  decision?: Promise<AccessDecision> | undefined;
}

/**
 * The quick way, without a promise: the host returns the user at once, the session belongs to that user, and no profile has to be read,
 * because the proof is within `revocationDelaySeconds` or MFA is off. It never refuses. Everything else is left to {@link decide}.
 */
function allowAtOnce<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
  requirement: Requirement,
): AllowDecision | Undecided<User> {
  const user = askUser(kit, exchange);
  if (user === null || user === LATE || isThenable(user)) {
    return { access: 'undecided', identity: identify(kit, exchange, user) };
  }
  const identity = identityOfSession(exchange, user);
  if (!identity) return { access: 'undecided', identity: identityOfToken(kit, exchange, user) };
  const { session, context, port } = identity;
  const decision = kit.mfa.settings.askAccess({ user, session, context, requirement, firstFactorProven: port === null });
  return 'access' in decision ? decision : { access: 'undecided', identity, decision };
}

/** The plain way, for everything that {@link allowAtOnce} leaves undecided. */
async function decide<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
  requirement: Requirement,
  asked: Undecided<User>,
): Promise<GuardOutcome> {
  const identity = await asked.identity;
  const decision = await (asked.decision ?? askAccess(kit, identity, requirement));
  if (decision.access === 'allow') return toOutcome(decision);
  return refuse(kit, exchange, new RequestState(kit, exchange, identity), { requirement, decision });
}

function toOutcome(decision: AllowDecision): AllowedOutcome {
  const { assurance } = decision;
  return assurance ? { allowed: true, decision, assurance } : { allowed: true, decision };
}

async function refuse<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
  state: RequestState<User, Request>,
  given: { requirement: Requirement; decision: DenyDecision },
): Promise<GuardOutcome> {
  const decision = await askWithoutState(kit, state, given);
  if (decision.access === 'allow') return toOutcome(decision);
  warnOfGuardedLogin(kit, exchange);
  if (!state.user && !state.late) warnOfLostUser(kit, exchange);
  if (!wantsHtml(exchange.header('accept'))) {
    return { allowed: false, decision, answer: problemAnswer(kit, decisionProblem(decision)) };
  }
  if (decision.access !== 'refuse' && decision.access !== 'unavailable') keepRefused(kit, exchange, state);
  const answer = await showDecision(kit, exchange, { decision, user: state.user, requirement: given.requirement });
  return { allowed: false, decision, answer };
}

/** Keeps the way back to a refused page. If the browser must not return to that page, drops an older way back. */
function keepRefused<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
  state: RequestState<User, Request>,
): void {
  const navigation = readNavigation(exchange);
  if (navigation === undefined) return;
  const path = refusedReturn(kit.options, exchange);
  if (path === undefined) state.dropWayBack();
  else state.keepWayBack({ path, navigation });
}

/**
 * Decides for a call whose answer cannot carry a cookie: a message on an open socket, for example.
 *
 * Reads and never writes. If the host forgot to begin the login, this does not begin it, and a session without state is denied.
 */
export async function guardMessage<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
  requirement: Requirement = {},
): Promise<AccessDecision> {
  return askAccess(kit, await readIdentity(kit, exchange), requirement);
}

/** Redirects a browser to where the user can satisfy the decision, or shows a page that says why the request was refused. */
export async function showDecision<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
  { decision, user, requirement = {} }: { decision: DenyDecision; user: User | null; requirement?: Requirement },
): Promise<HttpAnswer> {
  switch (decision.access) {
    case 'challenge':
      return redirectAnswer(kit, challengeUrl(kit, requirement));
    case 'enroll':
      return redirectAnswer(kit, `${kit.options.publicPath}/enroll`);
    case 'login-again':
      // A login page may redirect a user who is logged in, so the browser would loop. Show a page instead.
      if (user) return showProblem(kit, exchange, { problem: decisionProblem(decision), user });
      return redirectAnswer(kit, kit.options.loginUrl);
    case 'refuse':
    case 'unavailable': {
      return showProblem(kit, exchange, { problem: decisionProblem(decision), user });
    }
  }
}
