import type { MfaSession } from '../assurance.js';
import { randomBytes, randomId } from '../crypto/random.js';
import type { EventDetail } from '../events.js';
import { createRecoveryCodes } from '../factors/recovery-code/recovery-code.js';
import type { ProofInput } from '../factors/registry.js';
import { readUser } from '../host-input.js';
import { afterSuccess } from '../limits/guess-budget.js';
import type { MfaUser } from '../options.js';
import type { PendingEnrollment } from '../profile/enrollment.js';
import { type Authenticator, isEnrolled, isInForce, type Profile, withoutRememberedDevices } from '../profile/profile.js';
import { type EnrollmentConfirmed, isRefusal, type Refusal, type Result, refuse } from '../results.js';
import type { Decide, DecideEarly, Decision } from '../store/profile-store.js';
import { isFull, isOpen, isOwn } from './enroll.js';
import { summarizeAuthenticator } from './status.js';
import { CHECK_LATE, checkProof, inTime, type ParsedProof } from './steps/check-proof.js';
import { type FlowContext, type FlowInput, stateOf } from './steps/flow-context.js';
import { assuranceRequired, type GateInput, stateGate, useUpToken } from './steps/gate.js';
import { budgetOfEnrollment, priceGuess, throttleGuess } from './steps/guess.js';
import { CALLBACK_LATE } from './steps/host-callback.js';
import { markEnrolled } from './steps/mark-enrolled.js';
import { beginOperation } from './steps/operation.js';
import {
  admitDevice,
  type DeviceInput,
  findDevice,
  openPresentedTokens,
  type PresentedTokens,
  signDeviceToken,
  type TokenToSign,
} from './steps/presented-device.js';
import { assuranceOfProof, readProof } from './steps/prove.js';
import { policyOf } from './steps/user-policy.js';

interface ConfirmInput<User extends MfaUser> extends FlowInput<User>, DeviceInput {
  enrollmentId: string;
  proof: ProofInput;
}

type Accepted = Omit<EnrollmentConfirmed, 'device'> & { ok: true; sign: TokenToSign | undefined };
type Facts<User extends MfaUser> = GateInput & { profile: Profile; input: ConfirmInput<User>; shown: PresentedTokens };

/**
 * Confirms an enrollment with its first code. One write makes the secret active, uses the code's step, drops every other pending
 * enrollment, stores the recovery codes and clears remembered devices.
 */
export async function confirmEnrollment<User extends MfaUser>(
  flow: FlowContext<User>,
  input: ConfirmInput<User>,
): Promise<Result<EnrollmentConfirmed>> {
  const { user: given, context } = input;
  const user = readUser(given, flow.options.warn);
  const operation = beginOperation(flow, { name: 'confirm_enrollment', userId: user.id, context });
  const session = stateOf(user.id, input.session);
  if (!session) return operation.end(refuse('login_again'));
  const policy = await policyOf(flow.options, given, context, operation.left);
  if (!policy) return operation.end(CALLBACK_LATE);
  const examine = (profile: Profile | null, now: number) => {
    operation.noteEnrolled(profile);
    return examineConfirmation({ user, policy, session, profile, now }, input);
  };
  const { left } = operation;
  const opened = openPresentedTokens(flow, user.id, input.deviceToken);
  const decide: Decide<Accepted | Refusal> = async (profile, now) => {
    const examined = examine(profile, now);
    if ('answer' in examined) return examined;
    const shown = await opened;
    const decided = await decideConfirmation(flow, { user, policy, session, now, input, shown, left, ...examined });
    if (decided.next && decided.next !== 'remove') operation.noteEnrolled(decided.next);
    return decided;
  };
  const early: DecideEarly<Accepted | Refusal> = async (profile, now) => {
    const examined = examine(profile, now);
    return 'answer' in examined ? { decided: examined } : 'queued';
  };
  const answer = await flow.profiles.change(user.id, operation.report, decide, undefined, { early, left });
  if (isRefusal(answer)) return operation.end(answer);
  await markEnrolled(flow, { userId: user.id, enrolled: true }, operation.report);
  const { sign, ...confirmed } = answer;
  return operation.end(sign ? { ...confirmed, device: signDeviceToken(flow, user.id, sign) } : confirmed);
}

/** What is known before the code is computed: why it is not, or what it is checked against. */
function examineConfirmation<User extends MfaUser>(
  at: GateInput,
  input: ConfirmInput<User>,
): Decision<Refusal> | { profile: Profile; pending: PendingEnrollment; proof: ParsedProof } {
  // A repeated confirmation is recognized before its code is looked at, or a double click would look like a failure.
  if (at.profile?.authenticators.some((candidate) => candidate.enrollmentId === input.enrollmentId)) {
    return { answer: refuse('already_confirmed') };
  }
  const gate = stateGate(at);
  if (!gate.open) return { answer: gate.refusal, events: gate.events ?? [] };
  const { profile } = gate;
  const { policy, session, now } = at;
  const pending = profile.enrollments.find((candidate) => candidate.id === input.enrollmentId);
  if (!pending || !isOpen(pending, now) || !isOwn(pending, session)) return { answer: refuse('enrollment_expired') };
  if (!policy.mayEnroll) return { answer: refuse('not_allowed') };
  if (isEnrolled(profile) && !isStillProven(pending, session, profile)) return { answer: assuranceRequired() };
  if (isFull(profile)) return { answer: refuse('limit_reached') };

  const proof = readProof(input.proof);
  const { kind } = proof.factor;
  if (proof.value === null || kind !== pending.kind) {
    const malformed: EventDetail = { name: 'verification_failed', factor: kind, endpoint: 'enroll', why: 'malformed' };
    return { answer: refuse('invalid_code'), events: [malformed] };
  }
  const throttled = throttleGuess(budgetOfEnrollment(pending), { factor: kind, endpoint: 'enroll' }, now);
  return throttled ? unconfirmed(throttled) : { profile, pending, proof };
}

async function decideConfirmation<User extends MfaUser>(
  flow: FlowContext<User>,
  facts: Facts<User> & { pending: PendingEnrollment; proof: ParsedProof; left: () => number },
): Promise<Decision<Accepted | Refusal>> {
  const { profile, pending, proof, now, left } = facts;
  const { factor, value } = proof;
  const context = { now, options: flow.options, left };
  if (!factor.enroll) return { answer: refuse('not_allowed') };
  const checked = await inTime(factor.enroll.confirm(pending.data, value, context), left);
  if (checked === null) return { answer: CHECK_LATE };
  // The same code must not be accepted by another authenticator that happens to show it.
  const elsewhere = checked.outcome === 'accepted' ? (await checkProof(profile, proof, context)).profile : profile;
  const at = { factor: factor.kind, endpoint: 'enroll' } as const;
  const priced = priceGuess(budgetOfEnrollment(pending), elsewhere, at, checked.outcome, now);
  if (priced.refusal || !priced.profile) return unconfirmed(priced);
  return accept(flow, facts, { pending, data: checked.data, profile: priced.profile });
}

function accept<User extends MfaUser>(
  flow: FlowContext<User>,
  facts: Facts<User> & { proof: ParsedProof },
  { pending, data, profile }: { pending: PendingEnrollment; data: unknown; profile: Profile },
): Decision<Accepted> {
  const { session, input, shown, policy, now } = facts;
  const { recoveryCodeCount } = flow.options;
  const { id: enrollmentId, kind, name } = pending;
  const authenticator: Authenticator = { id: randomId(), kind, name, createdAt: now, lastUsedAt: now, enrollmentId, data };
  const fresh = recoveryCodeCount > 0 && !profile.recoveryCodes;
  const made = fresh ? createRecoveryCodes(recoveryCodeCount, randomBytes, now) : null;
  const enrolledProfile = useUpToken(
    {
      ...withoutNotesOfUnenrolled(withoutRememberedDevices(profile)),
      // Wrong codes from before a reset must not hold up the first login after it. The bucket stays as full as it was.
      budget: isEnrolled(profile) ? profile.budget : afterSuccess(profile.budget, now),
      authenticators: [...profile.authenticators, authenticator],
      enrollments: [],
      recoveryCodes: made ? made.set : profile.recoveryCodes,
    },
    session,
    now,
  );
  const remember = input.rememberDevice === true && policy.rememberDays > 0 ? now + policy.rememberDays * 24 * 3_600_000 : null;
  const passed = admitDevice(enrolledProfile, findDevice(enrolledProfile, shown, now), input, remember, now);
  const assurance = assuranceOfProof(facts, facts.proof, passed);
  return {
    answer: {
      ok: true,
      authenticator: summarizeAuthenticator(authenticator),
      ...(made ? { recoveryCodes: made.codes, recoveryCodesId: made.set.id } : {}),
      session: { state: 'verified', assurance },
      assurance,
      sign: passed.sign,
    },
    next: passed.profile,
    events: [{ name: 'authenticator_enrolled', authenticatorId: authenticator.id }, ...passed.events],
  };
}

/** Drops what is noted only about users who have no authenticator. */
function withoutNotesOfUnenrolled(profile: Profile): Profile {
  const { unenrolledAt, unenrolledToldAt, enrollByExtension } = profile;
  // Copying an object without some of its fields is slow, and most profiles have none of them.
  if (unenrolledAt === undefined && unenrolledToldAt === undefined && enrollByExtension === undefined) return profile;
  const { unenrolledAt: _at, unenrolledToldAt: _toldAt, enrollByExtension: _extension, ...enrolled } = profile;
  return enrolled;
}

/** An authenticator exists: then the enrollment was started with a second factor, in this epoch, by a session that has it still. */
function isStillProven(pending: PendingEnrollment, session: MfaSession, profile: Profile): boolean {
  return pending.steppedUp && session.state === 'verified' && isInForce(session.assurance, profile);
}

function unconfirmed(priced: { refusal?: Refusal; profile?: Profile; events: EventDetail[] }): Decision<Refusal> {
  return { answer: priced.refusal ?? refuse('unavailable'), next: priced.profile, events: priced.events };
}
