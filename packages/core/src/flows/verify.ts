import { type Assurance, type AssuranceVia, letsRemember, type MfaSession, type VerifiedSession, viaOf } from '../assurance.js';
import type { Awaitable } from '../awaitable.js';
import type { EventDetail } from '../events.js';
import { isUnsaved } from '../factors/recovery-code/recovery-code.js';
import type { ProofInput } from '../factors/registry.js';
import { isFlooded } from '../limits/recovery-tries.js';
import type { MfaUser } from '../options.js';
import { type Profile, withoutRememberedDevices } from '../profile/profile.js';
import { type Refusal, type Result, refuse, type Verified } from '../results.js';
import type { DecideEarly, Decision } from '../store/profile-store.js';
import { DAY } from '../time.js';
import { actingFlow } from './steps/acting-flow.js';
import { CHECK_LATE, checkProof, type ParsedProof } from './steps/check-proof.js';
import type { FlowContext, FlowInput } from './steps/flow-context.js';
import { type GateInput, proofGate, useUpToken } from './steps/gate.js';
import { budgetOfBrowser, chargeUnguessable, type PricedGuess, priceGuess, throttleGuess } from './steps/guess.js';
import { repairEnrolledMark } from './steps/mark-enrolled.js';
import {
  admitDevice,
  type DeviceInput,
  type DeviceMatch,
  findDevice,
  openPresentedTokens,
  type PresentedTokens,
  type Remembrance,
  signDeviceToken,
  type TokenToSign,
} from './steps/presented-device.js';
import { assuranceOfProof, readProof } from './steps/prove.js';

/** The input of a verification. */
export interface VerifyInput<User extends MfaUser> extends FlowInput<User>, DeviceInput {
  proof: ProofInput;
}

interface Accepted {
  ok: true;
  verified: { ok: true } & Verified;
  sign: TokenToSign | undefined;
}

type Facts<User extends MfaUser> = GateInput & {
  profile: Profile;
  input: VerifyInput<User>;
  opened: Awaitable<PresentedTokens>;
  left: () => number;
};

/** Checks one proof with one read and one write. Answers only after the write. */
export function verify<User extends MfaUser>(flow: FlowContext<User>, input: VerifyInput<User>): Promise<Result<Verified>> {
  return actingFlow(flow, input, 'verify', ({ user, operation }) => {
    const { factor, value } = readProof(input.proof);
    // Right, wrong and malformed proofs get the same answer.
    if (factor.isSwitchedOff?.(flow.options)) return refuse('not_allowed');
    if (value === null) {
      operation.report({ name: 'verification_failed', factor: factor.kind, endpoint: 'verify', why: 'malformed' });
      return refuse('invalid_code');
    }
    const proof = { factor, value };
    const opened = openPresentedTokens(flow, user.id, input.deviceToken);
    const factsOf = (profile: Profile, { policy, session, now }: GateInput): Facts<User> => {
      return { user, policy, session, profile, now, input, opened, left: operation.left };
    };
    return {
      gate: proofGate,
      decide: ({ profile }, at) => decideProof(flow, factsOf(profile, at), proof),
      early: ({ profile }, at) => decideEarly(flow, factsOf(profile, at), proof),
      afterWrite: () => repairEnrolledMark(flow, user, true, operation.report),
      answer({ verified, sign }: Accepted) {
        return sign ? { ...verified, device: signDeviceToken(flow, user.id, sign) } : verified;
      },
    };
  });
}

async function decideProof<User extends MfaUser>(
  flow: FlowContext<User>,
  facts: Facts<User>,
  proof: ParsedProof,
): Promise<Decision<Accepted | Refusal>> {
  const { profile, session, now, opened, left } = facts;
  const { options } = flow;
  const { factor } = proof;
  const at = { factor: factor.kind, endpoint: 'verify' } as const;
  const known = findDevice(profile, await opened, now);
  const source = budgetOfBrowser(profile, known);
  const throttled = factor.traits.guessable ? throttleGuess(source, at, now) : null;
  if (throttled) return refused(throttled);
  const checked = await checkProof(profile, proof, { now, options, left });
  const { outcome } = checked;
  if (outcome === 'late') return { answer: CHECK_LATE };
  const cost = factor.traits.guessable
    ? priceGuess(source, checked.profile, at, outcome, now)
    : chargeUnguessable({ outcome, profile: checked.profile }, source.owner, at, now);
  if (cost.refusal || !cost.profile) return refused(cost, checked.events);
  const passed = passBrowser(facts, proof, cost.profile, known);
  const assurance = assuranceOfProof(facts, proof, passed);
  const event: EventDetail = { name: 'verified', via: assurance.via };
  if (checked.authenticatorId !== undefined) event.authenticatorId = checked.authenticatorId;
  const data = factor.store?.read(passed.profile);
  const report = factor.report?.(data, { now, options });
  return {
    answer: {
      ok: true,
      verified: {
        ok: true,
        session: verifiedSession(session, assurance),
        assurance,
        ...(isUnsaved(passed.profile.recoveryCodes) ? { recoveryCodesUnsaved: true } : {}),
        ...report?.fields,
      },
      sign: passed.sign,
    },
    next: passed.profile,
    events: [...checked.events, ...cost.events, event, ...(report?.events ?? []), ...passed.events],
  };
}

/**
 * Decides on a proof while other operations of this user wait.
 *
 * A right proof that cannot be guessed runs before them, even beyond its limit, so that an attacker who fills the queue with wrong codes
 * cannot keep the owner out. The early check reveals nothing.
 */
async function decideEarly<User extends MfaUser>(
  flow: FlowContext<User>,
  { profile, now, opened, left }: Facts<User>,
  proof: ParsedProof,
): ReturnType<DecideEarly<Refusal>> {
  const at = { factor: proof.factor.kind, endpoint: 'verify' } as const;
  const source = budgetOfBrowser(profile, findDevice(profile, await opened, now));
  if (proof.factor.traits.guessable) {
    const throttled = throttleGuess(source, at, now);
    return throttled ? { decided: refused(throttled) } : 'queued';
  }
  const { outcome } = await checkProof(profile, proof, { now, options: flow.options, left });
  if (outcome === 'late') return { decided: { answer: CHECK_LATE } };
  if (outcome === 'accepted') return 'prioritized';
  if (!isFlooded(profile.recoveryTries, now)) return 'queued';
  return { decided: refused(chargeUnguessable({ outcome, profile }, source.owner, at, now)) };
}

/** Marks the browser of an accepted proof as known, and uses up the session's pending token. */
function passBrowser<User extends MfaUser>(facts: Facts<User>, { factor }: ParsedProof, profile: Profile, known: DeviceMatch) {
  const { session, input, now } = facts;
  const via = viaOf(factor.kind);
  const spent = useUpToken(factor.traits.endsRememberedDevices ? withoutRememberedDevices(profile) : profile, session, now);
  if (letsRemember(via)) return admitDevice(spent, known, input, remembranceOf(facts, via), now);
  // The browser becomes known, but this proof is not enough to remember it.
  return admitDevice(spent, known, { ...input, rememberDevice: false }, null, now);
}

/** How long to remember the browser of this login. Null forgets it; undefined changes nothing, because this is not a login. */
function remembranceOf<User extends MfaUser>(
  { session, profile, policy, input, now }: Facts<User>,
  via: AssuranceVia,
): Remembrance | null | undefined {
  if (session.state !== 'pending') return undefined;
  // A login that began before a security change must not remember the browser.
  const allowed = input.rememberDevice === true && policy.rememberDays > 0 && session.deviceEpoch === profile.deviceEpoch;
  return allowed ? { until: now + policy.rememberDays * DAY, via } : null;
}

function verifiedSession(before: MfaSession, assurance: Assurance): VerifiedSession {
  const enrollmentIds = before.state === 'verified' ? before.enrollmentIds : undefined;
  return { state: 'verified', assurance, ...(enrollmentIds ? { enrollmentIds } : {}) };
}

function refused({ refusal, profile, events }: PricedGuess, before?: readonly EventDetail[]): Decision<Refusal> {
  return { answer: refusal ?? refuse('unavailable'), next: profile, events: before ? [...before, ...events] : events };
}
