import { letsRemember, type MfaSession, viaOf } from '../assurance.js';
import type { Awaitable } from '../awaitable.js';
import { randomBytes, randomId } from '../crypto/random.js';
import type { EventDetail } from '../events.js';
import { createRecoveryCodes } from '../factors/recovery-code/recovery-code.js';
import type { ProofInput } from '../factors/registry.js';
import { afterSuccess } from '../limits/guess-budget.js';
import type { MfaUser } from '../options.js';
import type { PendingEnrollment } from '../profile/enrollment.js';
import { type Authenticator, isEnrolled, isInForce, type Profile, withoutRememberedDevices } from '../profile/profile.js';
import { type EnrollmentConfirmed, type Refusal, type Result, refuse } from '../results.js';
import type { Decision } from '../store/profile-store.js';
import { DAY } from '../time.js';
import { isFull, isOpen, isOwn } from './enroll.js';
import { summarizeAuthenticator } from './status.js';
import { actingFlow } from './steps/acting-flow.js';
import { CHECK_LATE, checkProof, inTime, type ParsedProof } from './steps/check-proof.js';
import type { FlowContext, FlowInput } from './steps/flow-context.js';
import { assuranceRequired, type Gate, type GateInput, stateGate, useUpToken } from './steps/gate.js';
import { budgetOfEnrollment, priceGuess, throttleGuess } from './steps/guess.js';
import { markEnrolled } from './steps/mark-enrolled.js';
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

interface ConfirmInput<User extends MfaUser> extends FlowInput<User>, DeviceInput {
  enrollmentId: string;
  proof: ProofInput;
}

interface Accepted {
  ok: true;
  confirmed: { ok: true } & EnrollmentConfirmed;
  sign: TokenToSign | undefined;
}

/** The pending enrollment that a code is checked against. */
interface Examined {
  pending: PendingEnrollment;
  proof: ParsedProof;
}

type Facts<User extends MfaUser> = GateInput & {
  profile: Profile;
  input: ConfirmInput<User>;
  opened: Awaitable<PresentedTokens>;
};

/**
 * Confirms an enrollment with its first code. One write activates the secret, marks the code's step as used, drops every other pending
 * enrollment, stores the recovery codes and ends remembered devices.
 */
export function confirmEnrollment<User extends MfaUser>(
  flow: FlowContext<User>,
  input: ConfirmInput<User>,
): Promise<Result<EnrollmentConfirmed>> {
  return actingFlow(flow, input, 'confirm_enrollment', ({ user, operation }) => {
    const { left } = operation;
    const opened = openPresentedTokens(flow, user.id, input.deviceToken);
    return {
      gate: (at) => confirmationGate(at, input),
      async decide({ profile }, at) {
        const examined = examineConfirmation(profile, at, input);
        if ('answer' in examined) return examined;
        const { policy, session, now } = at;
        // Copying an object to add fields is slow.
        const facts = { user, policy, session, profile, now, input, opened };
        const decided = await decideConfirmation(flow, facts, examined, left);
        if (decided.next && decided.next !== 'remove') operation.noteEnrolled(decided.next);
        return decided;
      },
      async early({ profile }, at) {
        const examined = examineConfirmation(profile, at, input);
        return 'answer' in examined ? { decided: examined } : 'queued';
      },
      afterWrite: async () => void (await markEnrolled(flow, { userId: user.id, enrolled: true }, operation.report)),
      answer({ confirmed, sign }: Accepted) {
        return sign ? { ...confirmed, device: signDeviceToken(flow, user.id, sign) } : confirmed;
      },
    };
  });
}

function confirmationGate(at: GateInput, { enrollmentId }: { enrollmentId: string }): Gate {
  // Recognize a repeated confirmation before the code is checked, because otherwise a double click would fail.
  const isConfirmed = at.profile?.authenticators.some((authenticator) => authenticator.enrollmentId === enrollmentId);
  return isConfirmed ? { open: false, refusal: refuse('already_confirmed') } : stateGate(at);
}

/** Returns the pending enrollment, or the refusal if the code is not checked. */
function examineConfirmation<User extends MfaUser>(
  profile: Profile,
  { policy, session, now }: GateInput,
  input: ConfirmInput<User>,
): Decision<Refusal> | Examined {
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
  return throttled ? unconfirmed(throttled) : { pending, proof };
}

async function decideConfirmation<User extends MfaUser>(
  flow: FlowContext<User>,
  facts: Facts<User>,
  { pending, proof }: Examined,
  left: () => number,
): Promise<Decision<Accepted | Refusal>> {
  const { profile, now } = facts;
  const { factor, value } = proof;
  const context = { now, options: flow.options, left };
  if (!factor.enroll) return { answer: refuse('not_allowed') };
  const checked = await inTime(factor.enroll.confirm(pending.data, value, context), left);
  if (checked === null) return { answer: CHECK_LATE };
  if (checked.outcome !== 'accepted') {
    const at = { factor: factor.kind, endpoint: 'enroll' } as const;
    return unconfirmed(priceGuess(budgetOfEnrollment(pending), profile, at, checked.outcome, now));
  }
  // Another authenticator may show the same code by chance, and must not accept it afterwards.
  const elsewhere = await checkProof(profile, proof, context);
  const shown = await facts.opened;
  return accept(flow, facts, { pending, proof, data: checked.data, profile: elsewhere.profile, shown });
}

function accept<User extends MfaUser>(
  flow: FlowContext<User>,
  facts: Facts<User>,
  { pending, proof, data, profile, shown }: Examined & { data: unknown; profile: Profile; shown: PresentedTokens },
): Decision<Accepted> {
  const { session, input, policy, now } = facts;
  const { recoveryCodeCount } = flow.options;
  const { id: enrollmentId, kind, name } = pending;
  const authenticator: Authenticator = { id: randomId(), kind, name, createdAt: now, lastUsedAt: now, enrollmentId, data };
  const fresh = recoveryCodeCount > 0 && !profile.recoveryCodes;
  const made = fresh ? createRecoveryCodes(recoveryCodeCount, randomBytes, now) : null;
  const enrolledProfile = useUpToken(
    {
      ...withoutNotesOfUnenrolled(withoutRememberedDevices(profile)),
      // Wrong codes from before a reset must not delay the first login after it. The bucket keeps its tries.
      budget: isEnrolled(profile) ? profile.budget : afterSuccess(profile.budget, now),
      authenticators: [...profile.authenticators, authenticator],
      enrollments: [],
      recoveryCodes: made ? made.set : profile.recoveryCodes,
    },
    session,
    now,
  );
  const via = viaOf(proof.factor.kind);
  const allowed = input.rememberDevice === true && policy.rememberDays > 0 && letsRemember(via);
  const remember = allowed ? { until: now + policy.rememberDays * DAY, via } : null;
  const passed = admitDevice(enrolledProfile, findDevice(enrolledProfile, shown, now), input, remember, now);
  const assurance = assuranceOfProof(facts, proof, passed);
  return {
    answer: {
      ok: true,
      confirmed: {
        ok: true,
        authenticator: summarizeAuthenticator(authenticator),
        ...(made ? { recoveryCodes: made.codes, recoveryCodesId: made.set.id } : {}),
        session: { state: 'verified', assurance },
        assurance,
      },
      sign: passed.sign,
    },
    next: passed.profile,
    events: [{ name: 'authenticator_enrolled', authenticatorId: authenticator.id }, ...passed.events],
  };
}

/** Drops the fields that only a user without an authenticator has. */
function withoutNotesOfUnenrolled(profile: Profile): Profile {
  const { unenrolledAt, unenrolledToldAt, enrollByExtension } = profile;
  // Copying an object without some of its fields is slow, and most profiles have none of them.
  if (unenrolledAt === undefined && unenrolledToldAt === undefined && enrollByExtension === undefined) return profile;
  const { unenrolledAt: _at, unenrolledToldAt: _toldAt, enrollByExtension: _extension, ...enrolled } = profile;
  return enrolled;
}

/** If the user has an authenticator: whether this session proved a second factor in this epoch and started the enrollment with it. */
function isStillProven(pending: PendingEnrollment, session: MfaSession, profile: Profile): boolean {
  return pending.steppedUp && session.state === 'verified' && isInForce(session.assurance, profile);
}

function unconfirmed(priced: { refusal?: Refusal; profile?: Profile; events: EventDetail[] }): Decision<Refusal> {
  return { answer: priced.refusal ?? refuse('unavailable'), next: priced.profile, events: priced.events };
}
