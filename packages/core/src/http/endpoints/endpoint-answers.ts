import type { Assurance, Requirement } from '../../assurance.js';
import { factorOf, proofOf } from '../../factors/registry.js';
import type { MfaUser } from '../../options.js';
import type { Messages } from '../../pages/texts.js';
import type { Refusal } from '../../results.js';
import type { HttpAnswer } from '../exchange.js';
import { type DenyDecision, showDecision } from '../guard/guard.js';
import { messagesFor } from '../page-messages.js';
import { challengeUrl } from '../paths/asked.js';
import { readNavigation } from '../paths/navigation.js';
import { decisionProblem, describeProblem, type Problem, refusalProblem } from '../problem.js';
import { proofsIn } from '../request/body-fields.js';
import { emptyAnswer, jsonAnswer, problemAnswer, redirectAnswer } from '../responses.js';
import { problemNotice, showPage, showProblem, type View } from '../show-page.js';
import type { EndpointCall, OverviewNotice } from './endpoint-call.js';
import { callOnVerified } from './on-verified.js';

/**
 * Answers with a problem document, or with a page: the one where the problem came up if `redraw` returns it, otherwise a page with the
 * problem only.
 */
export async function answerProblem<User extends MfaUser, Request>(
  call: EndpointCall<User, Request>,
  problem: Problem,
  redraw?: () => Promise<Omit<View<User>, 'user'> | undefined>,
): Promise<HttpAnswer> {
  const { kit, exchange, flows } = call;
  if (!call.html) return problemAnswer(kit, problem);
  const view = await redraw?.();
  if (!view) return showProblem(kit, exchange, { problem, user: flows.user });
  const messages = messagesFor(kit, exchange);
  const notice = problemNotice(messages, problem, await proofWords(call, messages));
  const headers =
    problem.retryAfterSeconds === undefined ? [] : [['Retry-After', String(problem.retryAfterSeconds)] as [string, string]];
  return showPage(kit, exchange, { notice, ...view, status: problem.status, headers, user: flows.user });
}

/** The text for a refused proof of its kind. `malformed` only if no proof has this form, because waiting would not help then. */
async function proofWords<User extends MfaUser, Request>(
  { fields }: EndpointCall<User, Request>,
  messages: Messages,
): Promise<{ malformed?: string | undefined; hint?: string | undefined }> {
  const proof = proofOf(fields);
  const factor = factorOf(proof.kind);
  if (!factor || Object.keys(proofsIn(fields)).length === 0) return {};
  const { malformed, hint } = (await factor.page()).words(messages);
  return { hint, ...(factor.parse({ ...proof }) === null && { malformed }) };
}

/** Answers a flow's refusal. Browsers go where the user can fix it: to the login, the challenge or the enrollment. */
export async function answerRefusal<User extends MfaUser, Request>(
  call: EndpointCall<User, Request>,
  refusal: Refusal,
  input: { returnTo?: string; redraw?: (problem: Problem) => Promise<Omit<View<User>, 'user'> | undefined> } = {},
): Promise<HttpAnswer> {
  const { kit, flows } = call;
  const problem = refusalProblem(refusal);
  if (!call.html) return problemAnswer(kit, problem);
  switch (refusal.reason) {
    case 'login_again':
    case 'pending_token_invalid':
      // The input is lost, or the login is not enough. A redirect to the login page would not say why.
      if (call.exchange.method === 'POST' || flows.user) return showLoginNeeded(call, problem, input.returnTo);
      return redirectAnswer(kit, kit.options.loginUrl);
    case 'assurance_required': {
      await keepPage(call, input.returnTo ?? kit.options.publicPath);
      const { maxAgeSeconds } = refusal;
      return redirectAnswer(kit, challengeUrl(kit, maxAgeSeconds === undefined ? {} : { maxAgeSeconds }));
    }
    case 'not_enrolled':
      return redirectAnswer(kit, `${kit.options.publicPath}/enroll`);
    default:
      return answerProblem(call, problem, input.redraw && (() => input.redraw?.(problem) ?? Promise.resolve(undefined)));
  }
}

/** Keeps a page of the kit as the way back, if the browser is about to leave it for a proof. */
export async function keepPage<User extends MfaUser, Request>(
  { exchange, flows }: EndpointCall<User, Request>,
  path: string,
): Promise<void> {
  if (readNavigation(exchange) !== undefined) await flows.setReturnTo(path);
}

/** After the login the browser goes to the way back that the guard kept, or else to the page that was refused. */
async function showLoginNeeded<User extends MfaUser, Request>(
  call: EndpointCall<User, Request>,
  problem: Problem,
  page: string | undefined,
): Promise<HttpAnswer> {
  const { kit, exchange, flows } = call;
  if (page !== undefined && flows.returnTo() === kit.options.homeUrl) await keepPage(call, page);
  return showProblem(kit, exchange, { problem, user: flows.user, ...(!flows.user && { reason: 'session_lost' as const }) });
}

/** Answers with a guard's decision that denies the page, which required `requirement`. */
export async function answerDecision<User extends MfaUser, Request>(
  call: EndpointCall<User, Request>,
  decision: DenyDecision,
  requirement: Requirement = {},
): Promise<HttpAnswer> {
  if (!call.html) return problemAnswer(call.kit, decisionProblem(decision));
  return showDecision(call.kit, call.exchange, { decision, user: call.flows.user, requirement });
}

/** Answers a body that lacks a field. */
export function answerMissing<User extends MfaUser, Request>(
  call: EndpointCall<User, Request>,
  detail: string,
): Promise<HttpAnswer> {
  return answerProblem(call, describeProblem('malformed', { detail }));
}

/** Answers a change that was made. A bearer client gets its new assurance and the fields that the host adds. */
export async function answerChange<User extends MfaUser, Request>(
  call: EndpointCall<User, Request>,
  input: { assurance: Assurance | undefined; notice?: OverviewNotice },
): Promise<HttpAnswer> {
  const { kit, flows, html } = call;
  const { assurance, notice } = input;
  if (html) return redirectAnswer(kit, overviewUrl(call, notice));
  if (flows.hasSession || !assurance) return emptyAnswer(kit);
  const added = await callOnVerified(call, { assurance, endpoint: 'manage' });
  return added ? jsonAnswer(kit, 200, { ...added, assurance }) : answerLate(call);
}

/** Answers if a callback of the host did not answer in time, so its fields are missing. */
export function answerLate<User extends MfaUser, Request>(call: EndpointCall<User, Request>): Promise<HttpAnswer> {
  return answerProblem(call, describeProblem('unavailable'));
}

/** Whether the storage is down or busy, so nothing was done. */
export function isFault(reason: string): boolean {
  return reason === 'unavailable' || reason === 'busy';
}

/** Returns the URL of the overview with the notice that it shows. */
export function overviewUrl<User extends MfaUser, Request>(
  { kit }: EndpointCall<User, Request>,
  notice?: OverviewNotice,
): string {
  return notice === undefined ? kit.options.publicPath : `${kit.options.publicPath}?notice=${notice}`;
}
