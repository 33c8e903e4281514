import { ACR, type Assurance, type MfaSession, type VerifiedSession } from '../assurance.js';
import type { EventDetail } from '../events.js';
import { isUnsaved, isUsedAgain, parseRecoveryCode, takeRecoveryCode } from '../factors/recovery-code/recovery-code.js';
import { parseCode } from '../factors/totp/totp.js';
import { readUser } from '../host-input.js';
import { chargeRecovery, isFlooded } from '../limits/recovery-tries.js';
import { noteWrongCode } from '../limits/wrong-codes.js';
import type { MfaUser } from '../options.js';
import { type Profile, withoutRememberedDevices } from '../profile/profile.js';
import { type DeviceGrant, isRefusal, type Refusal, type Result, refuse } from '../results.js';
import type { Decide, DecideEarly, Decision } from '../store/profile-store.js';
import { checkCode } from './steps/check-proof.js';
import { type FlowContext, type FlowInput, stateOf } from './steps/flow-context.js';
import { type GateInput, proofGate, useUpToken } from './steps/gate.js';
import { budgetOfBrowser, priceGuess, throttleGuess } from './steps/guess.js';
import { CALLBACK_LATE } from './steps/host-callback.js';
import { repairEnrolledMark } from './steps/mark-enrolled.js';
import { beginOperation } from './steps/operation.js';
import {
  admitDevice,
  type DeviceInput,
  type DeviceMatch,
  findDevice,
  openPresentedTokens,
  type PresentedTokens,
  signDeviceToken,
  type TokenToSign,
} from './steps/presented-device.js';
import { policyOf } from './steps/user-policy.js';

/** What a verification is given: a code of an authenticator or a recovery code, not both. */
export interface VerifyInput<User extends MfaUser> extends FlowInput<User>, DeviceInput {
  code?: unknown;
  recoveryCode?: unknown;
}

/** What an accepted proof gives. */
export interface Verified {
  session: VerifiedSession;
  assurance: Assurance;
  device?: DeviceGrant;
  recoveryCodesLeft?: number;
  recoveryCodesUnsaved?: true;
}

interface Accepted {
  ok: true;
  session: VerifiedSession;
  assurance: Assurance;
  sign: TokenToSign | undefined;
  recoveryCodesLeft?: number;
  recoveryCodesUnsaved?: true;
}

type Proof = { kind: 'totp' | 'recovery-code'; value: string };
type Facts<User extends MfaUser> = GateInput & { profile: Profile; input: VerifyInput<User>; shown: PresentedTokens };

/** Checks one proof: one read, one write, and the answer only after the write. */
export async function verify<User extends MfaUser>(flow: FlowContext<User>, sent: VerifyInput<User>): Promise<Result<Verified>> {
  const { user: given, context } = sent;
  const input = withoutEmptyField(sent);
  const user = readUser(given, flow.options.warn);
  const operation = beginOperation(flow, { name: 'verify', userId: user.id, context });
  const session = stateOf(user.id, input.session);
  if (!session) return operation.end(refuse('login_again'));
  // Switched off: the right one, a wrong one and what can be none are answered alike, and none is looked at.
  if (input.recoveryCode !== undefined && input.code === undefined && flow.options.recoveryCodeCount === 0) {
    return operation.end(refuse('not_allowed'));
  }
  const proof = parseProof(input);
  if (!proof) {
    const factor = input.recoveryCode === undefined ? 'totp' : 'recovery-code';
    operation.report({ name: 'verification_failed', factor, endpoint: 'verify', why: 'malformed' });
    return operation.end(refuse('invalid_code'));
  }
  const policy = await policyOf(flow.options, given, context, operation.left);
  if (!policy) return operation.end(CALLBACK_LATE);
  const opened = openPresentedTokens(flow, user.id, input.deviceToken);
  const decide: Decide<Accepted | Refusal> = async (profile, now) => {
    operation.noteEnrolled(profile);
    const gate = proofGate({ user, policy, session, profile, now });
    if (!gate.open) return { answer: gate.refusal, events: gate.events ?? [] };
    const facts = { user, policy, session, profile: gate.profile, now, input, shown: await opened };
    return proof.kind === 'totp' ? decideCode(flow, facts, proof.value) : decideRecovery(flow, facts, proof.value);
  };
  const early: DecideEarly<Accepted | Refusal> = async (profile, now) => {
    operation.noteEnrolled(profile);
    const gate = proofGate({ user, policy, session, profile, now });
    if (!gate.open) return { decided: { answer: gate.refusal, events: gate.events ?? [] } };
    if (proof.kind === 'recovery-code') return recoveryEarly(gate.profile, proof.value, now);
    const throttled = throttleGuess(budgetOfBrowser(gate.profile, findDevice(gate.profile, await opened, now)), 'verify', now);
    return throttled ? { decided: refused(throttled) } : 'queued';
  };
  const answer = await flow.profiles.change(user.id, operation.report, decide, undefined, {
    early,
    left: operation.left,
  });
  if (isRefusal(answer)) return operation.end(answer);
  await repairEnrolledMark(flow, user, true, operation.report);
  const { sign, ...verified } = answer;
  return operation.end(sign ? { ...verified, device: signDeviceToken(flow, user.id, sign) } : verified);
}

/** A form may have a field for each kind of proof: the one that was left empty beside a filled one was not given. */
function withoutEmptyField<User extends MfaUser>(sent: VerifyInput<User>): VerifyInput<User> {
  const { code, recoveryCode, ...input } = sent;
  if (code === '' && recoveryCode !== undefined && recoveryCode !== '') return { ...input, recoveryCode };
  return recoveryCode === '' && code !== undefined ? { ...input, code } : sent;
}

function parseProof({ code, recoveryCode }: { code?: unknown; recoveryCode?: unknown }): Proof | null {
  if ((code === undefined) === (recoveryCode === undefined)) return null;
  const kind = recoveryCode === undefined ? 'totp' : 'recovery-code';
  const value = kind === 'totp' ? parseCode(code) : parseRecoveryCode(recoveryCode);
  return value === null ? null : { kind, value };
}

function decideCode<User extends MfaUser>(
  flow: FlowContext<User>,
  facts: Facts<User>,
  code: string,
): Decision<Accepted | Refusal> {
  const { profile, session, now, input, shown } = facts;
  const known = findDevice(profile, shown, now);
  const source = budgetOfBrowser(profile, known);
  const throttled = throttleGuess(source, 'verify', now);
  if (throttled) return refused(throttled);
  const checked = checkCode(profile, code, flow.options.windowSteps, now);
  const priced = priceGuess(source, checked.profile, 'verify', checked.outcome, now);
  if (priced.refusal || !priced.profile) return refused({ ...priced, events: [...checked.events, ...priced.events] });
  const spent = useUpToken(priced.profile, session, now);
  const passed = admitDevice(spent, known, input, rememberUntil(facts), now);
  const assurance = activeAssurance(facts, { ...passed, via: 'otp' });
  const verified: EventDetail = { name: 'verified', via: 'otp', authenticatorId: checked.authenticatorId ?? '' };
  return {
    answer: {
      ok: true,
      session: verifiedSession(session, assurance),
      assurance,
      ...(isUnsaved(profile.recoveryCodes) ? { recoveryCodesUnsaved: true } : {}),
      sign: passed.sign,
    },
    next: passed.profile,
    events: [...checked.events, ...priced.events, verified, ...passed.events],
  };
}

function decideRecovery<User extends MfaUser>(
  flow: FlowContext<User>,
  facts: Facts<User>,
  code: string,
): Decision<Accepted | Refusal> {
  const { profile, session, now, input, shown } = facts;
  const recoveryCodes = profile.recoveryCodes && takeRecoveryCode(profile.recoveryCodes, code, now);
  if (!recoveryCodes) return refuseRecovery(profile, findDevice(profile, shown, now), code, now);
  const spent = useUpToken(withoutRememberedDevices({ ...profile, recoveryCodes }), session, now);
  // Somebody has a code that was to be kept safe: this browser becomes known, but is not remembered on the strength of it.
  const passed = admitDevice(spent, findDevice(spent, shown, now), { ...input, rememberDevice: false }, null, now);
  const assurance = activeAssurance(facts, { ...passed, via: 'recovery-code' });
  const recoveryCodesLeft = recoveryCodes.digests.length;
  const low = recoveryCodesLeft <= flow.options.recoveryCodesLowAt;
  return {
    answer: {
      ok: true,
      session: verifiedSession(session, assurance),
      assurance,
      recoveryCodesLeft,
      sign: passed.sign,
    },
    next: passed.profile,
    events: [
      { name: 'verified', via: 'recovery-code' },
      { name: 'recovery_code_used', recoveryCodesLeft },
      ...(low ? [{ name: 'recovery_codes_low', recoveryCodesLeft } as const] : []),
      ...passed.events,
    ],
  };
}

/**
 * What a recovery code comes to while others of this user wait: a right one goes before them, and is let in beyond their limit, so
 * that whoever fills the queue with wrong codes does not keep the owner out. It cannot be guessed, so looking at it early tells nothing.
 */
function recoveryEarly(profile: Profile, code: string, now: number): Awaited<ReturnType<DecideEarly<Refusal>>> {
  if (profile.recoveryCodes && takeRecoveryCode(profile.recoveryCodes, code, now)) return 'prioritized';
  return isFlooded(profile.recoveryTries, now) ? { decided: refuseFlooded() } : 'queued';
}

function refuseRecovery(profile: Profile, known: DeviceMatch, code: string, now: number): Decision<Refusal> {
  if (isFlooded(profile.recoveryTries, now)) return refuseFlooded();
  const failed = { name: 'verification_failed', factor: 'recovery-code', endpoint: 'verify' } as const;
  // Like a code of an authenticator that was accepted a moment ago: nothing is charged, and nothing is stored.
  if (profile.recoveryCodes && isUsedAgain(profile.recoveryCodes, code, now)) {
    return { answer: refuse('invalid_code'), events: [{ ...failed, why: 'replayed' }] };
  }
  const { owner } = budgetOfBrowser(profile, known);
  const noted = noteWrongCode({ wrongCodes: profile.wrongCodes, budget: undefined, owner }, now);
  return {
    answer: refuse('invalid_code'),
    next: { ...profile, recoveryTries: chargeRecovery(profile.recoveryTries, now), wrongCodes: noted.wrongCodes },
    events: [{ ...failed, why: 'wrong' }, ...(noted.level ? [{ name: 'guessing_suspected', level: noted.level } as const] : [])],
  };
}

/** The answer of every wrong recovery code. Nothing is stored, and only their number is told. */
function refuseFlooded(): Decision<Refusal> {
  return { answer: refuse('invalid_code'), events: [{ name: 'recovery_codes_flooded', tries: 1 }] };
}

/** Until when the browser of this login is remembered; null: not any more; undefined: this is no login, nothing changes. */
function rememberUntil<User extends MfaUser>({ session, profile, policy, input, now }: Facts<User>): number | null | undefined {
  if (session.state !== 'pending') return undefined;
  // A login begun before a security change remembers nothing.
  const allowed = input.rememberDevice === true && policy.rememberDays > 0 && session.deviceEpoch === profile.deviceEpoch;
  return allowed ? now + policy.rememberDays * 24 * 3_600_000 : null;
}

/**
 * The assurance of a factor that was actively checked now; what it says of the method is true (RFC 8176 section 2). It names the
 * device that the proof came from, or else the one that the session came from.
 */
export function activeAssurance(
  { user, session, now }: { user: { id: string }; session: MfaSession; now: number },
  proven: { profile: Profile; deviceId?: string; via: 'otp' | 'recovery-code' },
): Assurance {
  const { profile, via } = proven;
  const deviceId = proven.deviceId ?? deviceOf(session, profile);
  return {
    userId: user.id,
    epoch: profile.epoch,
    amr: [via === 'otp' ? 'otp' : 'recovery_code', 'mfa'],
    acr: ACR.active,
    verifiedAt: now,
    via,
    ...(deviceId === undefined ? {} : { deviceId }),
  };
}

function deviceOf(session: MfaSession, profile: Profile): string | undefined {
  const { deviceId } = session.state === 'verified' ? session.assurance : {};
  return deviceId !== undefined && profile.devices.some(({ id }) => id === deviceId) ? deviceId : undefined;
}

function verifiedSession(before: MfaSession, assurance: Assurance): VerifiedSession {
  const enrollmentIds = before.state === 'verified' ? before.enrollmentIds : undefined;
  return { state: 'verified', assurance, ...(enrollmentIds ? { enrollmentIds } : {}) };
}

function refused(priced: { refusal?: Refusal; profile?: Profile; events: EventDetail[] }): Decision<Refusal> {
  return { answer: priced.refusal ?? refuse('unavailable'), next: priced.profile, events: priced.events };
}
