import { type AccessDecision, type MfaSession, makeAssurance, type PendingSession } from '../assurance.js';
import type { EventContext, EventDetail } from '../events.js';
import { checkInstant, type KnownUser, readUser } from '../host-input.js';
import type { MfaUser } from '../options.js';
import { type EffectivePolicy, isProfileMissing, noteDeadline } from '../policy/enforcement.js';
import { decideAccess } from '../policy/requirement.js';
import { isRemembered } from '../profile/device.js';
import { isEnrolled, newProfile, type Profile, withoutUnenrolledNote } from '../profile/profile.js';
import { isRefusal, type LoginBegun, type Refusal } from '../results.js';
import type { Decide, Decision } from '../store/profile-store.js';
import { signPendingToken } from '../tokens/pending-token.js';
import type { Warn } from '../warnings/once.js';
import type { FlowContext } from './steps/flow-context.js';
import { CALLBACK_LATE } from './steps/host-callback.js';
import { repairEnrolledMark } from './steps/mark-enrolled.js';
import { beginOperation, type Operation } from './steps/operation.js';
import {
  endReusedDevice,
  findDevice,
  openPresentedTokens,
  type PresentedTokens,
  rotateDevice,
  signDeviceToken,
  type TokenToSign,
} from './steps/presented-device.js';
import { policyOf } from './steps/user-policy.js';

interface LoginInput<User extends MfaUser> {
  user: User;
  deviceToken?: string | readonly string[] | undefined;
  /** When the first factor was proven, or 0 if unknown. A first enrollment then needs a new login. */
  loggedInAt?: number | undefined;
  context?: EventContext | undefined;
}

interface Begun {
  decision: AccessDecision;
  session?: MfaSession;
  sign?: TokenToSign | undefined;
  enrolled: boolean;
}

/**
 * Begins a login. Call it right after the host has checked the password or another first factor.
 *
 * Replaces the MFA state of the session. If the browser is remembered, skips the code and rotates the device token. The first login of a
 * user creates the profile, because every state needs an epoch that can end.
 */
export async function beginLogin<User extends MfaUser>(flow: FlowContext<User>, input: LoginInput<User>): Promise<LoginBegun> {
  const { user: given, context } = input;
  const user = readUser(given, flow.options.warn);
  const { loggedInAt } = input;
  if (loggedInAt !== undefined && loggedInAt !== 0) checkInstant('loggedInAt', loggedInAt);
  const operation = beginOperation(flow, { name: 'begin_login', userId: user.id, context });
  const policy = await policyOf(flow.options, given, context, operation.left);
  if (!policy) return operation.end(unavailable(operation, CALLBACK_LATE));
  if (policy.mfa === 'off') {
    operation.report({ name: 'login_begun', access: 'allow' });
    return operation.end({ decision: { access: 'allow', via: 'not-required' } });
  }
  const opened = openPresentedTokens(flow, user.id, input.deviceToken);
  const decide: Decide<Begun> = async (profile, now) => {
    const shown = await opened;
    const decided = decideLogin(flow, {
      user,
      policy,
      shown,
      since: provenAt(loggedInAt, now, flow.options.warn),
      profile,
      now,
    });
    operation.noteEnrolled(decided.next && decided.next !== 'remove' ? decided.next : profile);
    return { ...decided, events: [...(decided.events ?? []), { name: 'login_begun', access: decided.answer.decision.access }] };
  };
  const begun = await flow.profiles.change(user.id, operation.report, decide, undefined, { left: operation.left });
  if (isRefusal(begun)) return operation.end(unavailable(operation, begun));
  const { decision, session, sign } = begun;
  if (session) await repairEnrolledMark(flow, user, begun.enrolled, operation.report);
  if (begun.enrolled && typeof user.enrolled !== 'boolean' && flow.options.markEnrolled) warnOfNoMemory(flow.options.warn);
  // Issued even if no code is asked for yet, because a client without a session needs it to enroll.
  const pendingToken = session?.state === 'pending' ? signPendingToken(session, signing(flow)) : undefined;
  return operation.end({
    decision,
    ...(session ? { session } : {}),
    ...(sign ? { device: signDeviceToken(flow, user.id, sign) } : {}),
    ...(pendingToken === undefined ? {} : { pendingToken }),
  });
}

function unavailable(operation: Operation, { retryAfterSeconds = 1 }: Refusal): LoginBegun {
  operation.report({ name: 'login_begun', access: 'unavailable' });
  return { decision: { access: 'unavailable', retryAfterSeconds } };
}

/** How far the clock of the database that dated the login may be ahead of this one. */
const CLOCKS_DIFFER_MS = 300_000;

/** When the first factor was proven, or 0 if unknown. A time in the future counts as unknown, which is the strict choice. */
function provenAt(loggedInAt: number | undefined, now: number, warn: Warn): number {
  if (loggedInAt === undefined) return now;
  if (loggedInAt <= now + CLOCKS_DIFFER_MS) return Math.min(loggedInAt, now);
  warn('MFA_KIT_LOGGED_IN_AHEAD');
  return 0;
}

interface LoginFacts {
  user: KnownUser;
  policy: EffectivePolicy;
  shown: PresentedTokens;
  since: number;
  profile: Profile | null;
  now: number;
}

function decideLogin<User extends MfaUser>(flow: FlowContext<User>, facts: LoginFacts): Decision<Begun> {
  const { user, policy, shown, since, profile, now } = facts;
  const enrolled = isEnrolled(profile);
  if (isProfileMissing(user.enrolled, profile, now)) {
    const decision: AccessDecision = { access: 'refuse', reason: 'profile_missing' };
    return { answer: { decision, enrolled }, events: [{ name: 'profile_missing' }] };
  }
  const decide = (session: MfaSession, current: Profile): AccessDecision =>
    decideAccess({ enrolled: user.enrolled, policy, profile: current, session, requirement: {}, now });

  if (!profile || !enrolled) {
    const known = profile ?? newProfile();
    const noted = noteDeadline(policy, known) ?? known;
    // The host knows about the reset. The process that called it ended before it could note that in the record.
    const heard = flow.hostMemory !== null && user.enrolled === false;
    const current = heard ? withoutUnenrolledNote(noted, now) : noted;
    const session = pendingSession(user.id, current, since);
    const answer = { decision: decide(session, current), session, enrolled };
    return current === profile ? { answer } : { answer, next: current };
  }

  const known = findDevice(profile, shown, now);
  if (known.state === 'live' && isRemembered(known.device, policy.rememberDays, now)) {
    const used = rotateDevice(profile, known, now);
    const session: MfaSession = {
      state: 'verified',
      assurance: makeAssurance('remembered-device', {
        userId: user.id,
        epoch: profile.epoch,
        verifiedAt: now,
        deviceId: known.device.id,
      }),
    };
    return {
      answer: { decision: decide(session, used.profile), session, enrolled, sign: used.sign },
      // No new token means that the device was used within the last minute. That use is stored already, so tabs that open together
      // do not compete for the record.
      ...(used.sign ? { next: used.profile } : {}),
      events: [{ name: 'device_used', deviceId: known.device.id }],
    };
  }
  const ended = endReusedDevice(profile, known);
  const session = pendingSession(user.id, ended.profile, since);
  const answer = { decision: decide(session, ended.profile), session, enrolled };
  if (known.state === 'reused') return { answer, next: ended.profile, events: ended.events };
  return { answer, events: refusedDevice(known.state === 'live' ? 'not_remembered' : known.why) };
}

/** Warns that the host sets `markEnrolled` but does not return `enrolled`. Then a deleted record would mean "no MFA". */
function warnOfNoMemory(warn: Warn): void {
  warn('MFA_KIT_ENROLLED_NEVER_GIVEN');
}

function refusedDevice(why: Extract<EventDetail, { name: 'device_refused' }>['why'] | undefined): EventDetail[] {
  return why === undefined ? [] : [{ name: 'device_refused', why }];
}

function pendingSession(userId: string, profile: Profile, since: number): PendingSession {
  return { state: 'pending', userId, epoch: profile.epoch, deviceEpoch: profile.deviceEpoch, since, enrollmentIds: [] };
}

function signing<User extends MfaUser>({ options }: FlowContext<User>) {
  return { keyring: options.keyring, realm: options.realm, now: options.clock() };
}
