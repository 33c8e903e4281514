import type { AccessDecision, Assurance, Requirement } from '../../assurance.js';
import { type Awaitable, isThenable } from '../../awaitable.js';
import type { MfaUser } from '../../options.js';
import { problemAnswer, redirectAnswer } from '../answers.js';
import type { HttpAnswer, MfaExchange } from '../exchange.js';
import { askOnce, askWithoutState } from '../flows/request-access.js';
import { refusedReturn } from '../flows/return-policy.js';
import type { HttpKit } from '../http-kit.js';
import { challengeUrl } from '../paths/asked.js';
import { readNavigation } from '../paths/navigation.js';
import { decisionProblem } from '../problem.js';
import { wantsHtml } from '../request/negotiation.js';
import { warnOfLostUser } from '../session/lost-user.js';
import { type RequestIdentity, type RequestState, readIdentity, StateOfRequest } from '../session/request-identity.js';
import { showProblem } from '../views.js';
import { warnOfCircle } from './set-up-warnings.js';

/** A decision that lets the request through. */
export type AllowDecision = Extract<AccessDecision, { access: 'allow' }>;
/** A decision that does not. */
export type DenyDecision = Exclude<AccessDecision, { access: 'allow' }>;

/** What a guard found; `answer` is what the kit would say to a refused request. */
export type GuardOutcome =
  | { allowed: true; decision: AllowDecision; assurance?: Assurance }
  | { allowed: false; decision: DenyDecision; answer: HttpAnswer };

/**
 * Asks the guard's question of one request, and answers at once where nothing has to be waited for. Throws, or rejects, where the
 * host must mend something: the request is then denied.
 */
export function guardRequest<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
  requirement: Requirement = {},
): Awaitable<GuardOutcome> {
  const identity = readIdentity(kit, exchange);
  return isThenable(identity)
    ? identity.then((found) => guardIdentity(kit, exchange, requirement, found))
    : guardIdentity(kit, exchange, requirement, identity);
}

function guardIdentity<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
  requirement: Requirement,
  identity: RequestIdentity<User>,
): Awaitable<GuardOutcome> {
  const { user, session, context, port, late } = identity;
  const decision = askOnce(kit, { user, session, context, keepsState: port !== null, late }, requirement);
  return isThenable(decision)
    ? decision.then((later) => conclude(kit, exchange, requirement, identity, later))
    : conclude(kit, exchange, requirement, identity, decision);
}

function conclude<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
  requirement: Requirement,
  identity: RequestIdentity<User>,
  decision: AccessDecision,
): Awaitable<GuardOutcome> {
  if (decision.access === 'allow') return allow(decision);
  return refuseRequest(kit, exchange, new StateOfRequest(kit, exchange, identity), { requirement, decision });
}

function allow(decision: AllowDecision): GuardOutcome {
  const { assurance } = decision;
  return assurance ? { allowed: true, decision, assurance } : { allowed: true, decision };
}

async function refuseRequest<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
  state: RequestState<User>,
  given: { requirement: Requirement; decision: AccessDecision },
): Promise<GuardOutcome> {
  const decision = await askWithoutState(kit, state, given);
  if (decision.access === 'allow') return allow(decision);
  warnOfCircle(kit, exchange);
  if (!state.user && !state.late) warnOfLostUser(kit, exchange);
  if (!wantsHtml(exchange.header('accept'))) {
    return { allowed: false, decision, answer: problemAnswer(kit, decisionProblem(decision)) };
  }
  if (decision.access !== 'refuse' && decision.access !== 'unavailable') keepRefused(kit, exchange, state);
  const answer = await showDecision(kit, exchange, { decision, user: state.user, requirement: given.requirement });
  return { allowed: false, decision, answer };
}

/** Keeps the way back to a refused page. Where that page is no place to go back to, an older way leads nowhere else either. */
function keepRefused<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
  state: RequestState<User>,
): void {
  const navigation = readNavigation(exchange);
  if (navigation === undefined) return;
  const path = refusedReturn(kit.options, exchange);
  if (path === undefined) state.dropWayBack();
  else state.keepWayBack({ path, navigation });
}

/**
 * Asks the guard's question where no answer could carry a cookie: a message on an open socket, say.
 *
 * Reads and never writes: a login that the host forgot to begin is not begun here, and a session without state is denied.
 */
export async function guardMessage<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
  requirement: Requirement = {},
): Promise<AccessDecision> {
  const { user, session, context, port, late } = await readIdentity(kit, exchange);
  return askOnce(kit, { user, session, context, keepsState: port !== null, late }, requirement);
}

/** Where a browser is sent by a decision, or the page that tells it why it goes no further. */
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
      // A login page may send away who is logged in, and the browser would go round for ever: the person is told instead.
      if (user) return showProblem(kit, exchange, { problem: decisionProblem(decision), user });
      return redirectAnswer(kit, kit.options.loginUrl);
    case 'refuse':
    case 'unavailable': {
      return showProblem(kit, exchange, { problem: decisionProblem(decision), user });
    }
  }
}
