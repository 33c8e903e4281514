import { drawEnrollment, ENROLLABLE, type EnrollableKind, enrollableFactor, proofOf } from '../../factors/registry.js';
import type { Enrollment } from '../../mfa.js';
import type { MfaUser } from '../../options.js';
import type { EnrollPage } from '../../pages/page.js';
import { type Result, refuse } from '../../results.js';
import type { HttpAnswer } from '../exchange.js';
import { describeProblem } from '../problem.js';
import { proofsIn } from '../request/body-fields.js';
import { jsonAnswer, redirectAnswer } from '../responses.js';
import { showPage, type View } from '../show-page.js';
import {
  answerChange,
  answerLate,
  answerMissing,
  answerProblem,
  answerRefusal,
  isFault,
  overviewUrl,
} from './endpoint-answers.js';
import type { EndpointCall } from './endpoint-call.js';
import { callOnVerified } from './on-verified.js';
import { codesOfferUrl, recoveryCodesView } from './recovery-codes.js';

/** GET: the page shows this session's pending enrollment again, or starts one. JSON only returns the pending one. */
export async function showEnroll<User extends MfaUser, Request>(call: EndpointCall<User, Request>): Promise<HttpAnswer> {
  const { kit, exchange, flows } = call;
  const kind = readKind(call.query.get('kind') ?? undefined);
  if (kind === null) return answerUnknownKind(call);
  const current = await currentOfKind(call, kind);
  if (call.html) {
    const shown = current.ok || isFault(current.reason) ? current : await flows.startEnrollment({ kind });
    if (!shown.ok) return answerRefusal(call, shown, { returnTo: enrollUrl(call) });
    return showPage(kit, exchange, { ...(await enrollView(call, shown.enrollment)), user: flows.user });
  }
  if (current.ok) return jsonAnswer(kit, 200, await describeEnrollment(current.enrollment));
  return current.reason === 'enrollment_expired'
    ? answerProblem(call, describeProblem('not_found'))
    : answerRefusal(call, current);
}

/** POST: starts an enrollment. The secret is in this answer; later only the session that began it can see it again. */
export async function startEnroll<User extends MfaUser, Request>(call: EndpointCall<User, Request>): Promise<HttpAnswer> {
  const { kit, flows, fields } = call;
  const kind = readKind(fields.kind);
  if (kind === null) return answerUnknownKind(call);
  const name = fields.name?.trim() || undefined;
  const started = await flows.startEnrollment({ kind, name });
  if (!started.ok) return answerRefusal(call, started, { returnTo: enrollUrl(call) });
  if (call.html) return redirectAnswer(kit, enrollUrl(call));
  return jsonAnswer(kit, 201, await describeEnrollment(started.enrollment));
}

/** POST: proves the new authenticator with a code, which makes it active. A secret in the body has no effect. */
export async function confirmEnroll<User extends MfaUser, Request>(call: EndpointCall<User, Request>): Promise<HttpAnswer> {
  const { kit, exchange, flows, fields } = call;
  const { enrollmentId, rememberDevice } = fields;
  if (!enrollmentId || !ENROLLABLE.some(({ bodyField }) => bodyField in fields)) return answerMissing(call, confirmationNeeded());
  const confirmed = await flows.confirmEnrollment({ ...proofsIn(fields), enrollmentId, rememberDevice });
  if (!confirmed.ok) {
    if (call.html && confirmed.reason === 'already_confirmed') return leadAfterRepetition(call);
    return answerRefusal(call, confirmed, { returnTo: enrollUrl(call), redraw: () => redrawEnroll(call) });
  }
  const { ok: _, ...answer } = confirmed;
  const added = await callOnVerified(call, { assurance: answer.assurance, endpoint: 'enroll' });
  // The recovery codes are shown only once, so send them even if the host's fields are missing.
  if (!added && !answer.recoveryCodes) return answerLate(call);
  if (!call.html) return jsonAnswer(kit, 200, { ...added, ...answer });
  const { recoveryCodes, recoveryCodesId = '', returnTo: continueTo } = answer;
  if (!recoveryCodes) {
    flows.takeWayBack();
    return redirectAnswer(kit, overviewUrl(call, 'authenticator_added'));
  }
  return showPage(kit, exchange, {
    ...recoveryCodesView(call, { recoveryCodes, recoveryCodesId, continueTo }),
    user: flows.user,
  });
}

/** A form that was sent twice: the browser has dropped the first answer and the recovery codes in it. */
async function leadAfterRepetition<User extends MfaUser, Request>(call: EndpointCall<User, Request>): Promise<HttpAnswer> {
  const result = await call.flows.getStatus();
  const unsaved = result.ok && result.status.recoveryCodesUnsaved;
  return redirectAnswer(call.kit, unsaved ? codesOfferUrl(call) : overviewUrl(call, 'already_confirmed'));
}

/** POST: drops a pending enrollment. */
export async function cancelEnroll<User extends MfaUser, Request>(call: EndpointCall<User, Request>): Promise<HttpAnswer> {
  const { enrollmentId } = call.fields;
  if (!enrollmentId) return answerMissing(call, 'The field "enrollmentId" is needed.');
  const canceled = await call.flows.cancelEnrollment({ enrollmentId });
  return canceled.ok ? answerChange(call, { assurance: canceled.assurance }) : answerRefusal(call, canceled);
}

async function redrawEnroll<User extends MfaUser, Request>(
  call: EndpointCall<User, Request>,
): Promise<Omit<View<User>, 'user'> | undefined> {
  const current = await call.flows.currentEnrollment();
  const kind = enrollableFactor(proofOf(call.fields, ENROLLABLE).kind)?.kind as EnrollableKind | undefined;
  const shown = current.ok ? current : await call.flows.startEnrollment({ kind });
  return shown.ok ? enrollView(call, shown.enrollment) : undefined;
}

async function enrollView<User extends MfaUser, Request>(
  call: EndpointCall<User, Request>,
  enrollment: Enrollment,
): Promise<Pick<View<User>, 'page'>> {
  const { settings } = call.kit.mfa;
  const additional = call.flows.session?.state === 'verified';
  const rememberDays = additional ? 0 : settings.rememberDays;
  const page = { name: 'enroll', ...(await describeEnrollment(enrollment)), additional, rememberDays } as EnrollPage;
  return { page };
}

async function describeEnrollment(enrollment: Enrollment): Promise<object> {
  const { id: enrollmentId, ...shown } = enrollment;
  return { enrollmentId, ...shown, ...(await drawEnrollment(enrollment)) };
}

/** The kind that the client asked for: undefined if none, null if it is not a kind that people set up. */
function readKind(given: string | undefined): EnrollableKind | undefined | null {
  if (given === undefined || given === '') return undefined;
  return (enrollableFactor(given)?.kind as EnrollableKind | undefined) ?? null;
}

function answerUnknownKind<User extends MfaUser, Request>(call: EndpointCall<User, Request>): Promise<HttpAnswer> {
  return answerMissing(call, `The field "kind" must be ${ENROLLABLE.map(({ kind }) => `"${kind}"`).join(' or ')}.`);
}

function confirmationNeeded(): string {
  return `The fields "enrollmentId" and ${ENROLLABLE.map(({ bodyField }) => `"${bodyField}"`).join(' or ')} are needed.`;
}

/** The session's open enrollment, unless another kind is asked for. */
async function currentOfKind<User extends MfaUser, Request>(
  { flows }: EndpointCall<User, Request>,
  kind: EnrollableKind | undefined,
): Promise<Result<{ enrollment: Enrollment }>> {
  const current = await flows.currentEnrollment();
  return current.ok && kind !== undefined && current.enrollment.kind !== kind ? refuse('enrollment_expired') : current;
}

function enrollUrl<User extends MfaUser, Request>({ kit }: EndpointCall<User, Request>): string {
  return `${kit.options.publicPath}/enroll`;
}
