import { type MfaSession, sessionUserId } from '../assurance.js';
import { MfaError } from '../errors.js';
import type { EventContext, EventDetail } from '../events.js';
import { checkUserId } from '../host-input.js';
import { restoreTries } from '../limits/guess-budget.js';
import type { MfaUser } from '../options.js';
import { isInForce, newProfile, type Profile, withNewEpoch } from '../profile/profile.js';
import type {
  EnrollBySet,
  LockoutCleared,
  MfaResetDone,
  PasswordChangeHandled,
  SessionsEnded,
  UserForgotten,
} from '../results.js';
import type { Decide } from '../store/profile-store.js';
import { DAY } from '../time.js';
import { beginEnding } from './steps/ending.js';
import type { FlowContext } from './steps/flow-context.js';
import { inEpoch } from './steps/manage.js';

/** An operation of support staff: who does it and why, for the audit trail. */
export interface SupportAction {
  userId: string;
  actor: string;
  reason: string;
  context?: EventContext | undefined;
}

/** `enrollBy`: until when the user may go without enrolling, in epoch milliseconds; 90 days ahead at most. */
export interface SetEnrollByInput extends SupportAction {
  enrollBy: number;
}

const MAX_EXTENSION_MS = 90 * DAY;

/** The host changed the password: ends all sessions, logins under way and remembered devices, except the acting session if it is kept. */
export async function passwordChanged<User extends MfaUser>(
  flow: FlowContext<User>,
  input: { userId: string; keep?: MfaSession | undefined; context?: EventContext | undefined },
): Promise<PasswordChangeHandled> {
  checkCall('passwordChanged', input, '{ userId }');
  const { userId, keep } = input;
  const own = keep && sessionUserId(keep) === userId ? keep : undefined;
  const ending = beginEnding(flow, 'passwordChanged', 'password_changed', input);
  return ending.change<PasswordChangeHandled>((profile) => {
    ending.operation.noteEnrolled(profile);
    if (!profile) return { answer: { ok: true, ended: false } };
    const next = withNewEpoch(profile);
    // Only a state that is in force now is carried over.
    const current = own && (own.state === 'pending' ? own.epoch === profile.epoch : isInForce(own.assurance, profile));
    return {
      answer: { ok: true, ended: true, ...(current ? { session: inEpoch(own, next) } : {}) },
      next,
      events: [{ name: 'sessions_ended', because: 'password_changed' }],
    };
  });
}

/** For support: ends all sessions, remembered devices and logins under way. Authenticators and recovery codes stay. */
export async function endSessionsOf<User extends MfaUser>(flow: FlowContext<User>, input: SupportAction): Promise<SessionsEnded> {
  const { actor, reason } = checkAccount('endSessionsOf', input);
  const ending = beginEnding(flow, 'endSessionsOf', 'end_sessions_of', input);
  return ending.change<SessionsEnded>((profile) => {
    ending.operation.noteEnrolled(profile);
    if (!profile) return { answer: { ok: true, ended: false } };
    return {
      answer: { ok: true, ended: true },
      next: withNewEpoch(profile),
      events: [{ name: 'sessions_ended', because: 'operator', actor, reason }],
    };
  });
}

/**
 * Removes the record of a deleted account, even if it does not open. `markEnrolled` is not called, because the host deletes its row of
 * the user as well.
 */
export async function forgetUser<User extends MfaUser>(
  flow: FlowContext<User>,
  input: { userId: string; context?: EventContext | undefined },
): Promise<UserForgotten> {
  checkCall('forgetUser', input, '{ userId }');
  const ending = beginEnding(flow, 'forgetUser', 'forget_user', input);
  const forget: Decide<UserForgotten> = () => ({
    answer: { ok: true, removed: true },
    next: 'remove',
    events: [{ name: 'user_forgotten' }],
  });
  return ending.change<UserForgotten>(
    (profile, ...facts) => (profile ? forget(profile, ...facts) : { answer: { ok: true, removed: false } }),
    forget,
  );
}

/**
 * For support: removes authenticators, recovery codes and devices. The record stays in a new epoch and keeps the guess budgets. The next
 * login enrolls again. Also works on a record that does not open.
 *
 * Without a record it only calls `markEnrolled`, because the host may still have the user as enrolled.
 */
export async function resetMfa<User extends MfaUser>(flow: FlowContext<User>, input: SupportAction): Promise<MfaResetDone> {
  const { actor, reason } = checkAccount('resetMfa', input);
  const ending = beginEnding(flow, 'resetMfa', 'reset_mfa', input);
  const events: EventDetail[] = [{ name: 'mfa_reset', actor, reason }];
  const emptyAt = (profile: Profile, now: number): Profile => {
    const next = { ...withoutFactors(profile), unenrolledAt: now };
    ending.operation.noteEnrolled(next);
    return next;
  };
  return ending.change<MfaResetDone>(
    (profile, now) => {
      const removed = countFactors(profile);
      if (profile) return { answer: { ok: true, removed }, next: emptyAt(profile, now), events };
      // Without `markEnrolled`, only this note shows that the user was unenrolled on purpose, if the host still says `enrolled`.
      return { answer: { ok: true, removed }, ...(flow.hostMemory ? {} : { next: emptyAt(newProfile(), now) }) };
    },
    (_, now) => ({
      answer: { ok: true, removed: countFactors(null), unreadable: true },
      next: emptyAt(newProfile(), now),
      events,
    }),
    { unenrolled: true },
  );
}

/** For support: restores five tries to every budget. All other tries of the last 30 days still count. */
export async function clearLockout<User extends MfaUser>(flow: FlowContext<User>, input: SupportAction): Promise<LockoutCleared> {
  const { actor, reason } = checkAccount('clearLockout', input);
  const ending = beginEnding(flow, 'clearLockout', 'clear_lockout', input);
  return ending.change<LockoutCleared>((profile, now) => {
    ending.operation.noteEnrolled(profile);
    if (!profile) return { answer: { ok: true, cleared: false } };
    const next: Profile = {
      ...profile,
      budget: restoreTries(profile.budget, now),
      devices: profile.devices.map((device) => ({ ...device, budget: restoreTries(device.budget, now) })),
      enrollments: profile.enrollments.map(({ budget: _, ...pending }) => pending),
      recoveryTries: { since: 0, count: 0 },
    };
    return { answer: { ok: true, cleared: true }, next, events: [{ name: 'lockout_cleared', actor, reason }] };
  });
}

/**
 * For support: sets another deadline for a user who has not enrolled, even after the deadline of the policy has passed. It applies until
 * the first enrollment or a reset. Refused for an enrolled user, who has no deadline.
 */
export async function setEnrollBy<User extends MfaUser>(flow: FlowContext<User>, input: SetEnrollByInput): Promise<EnrollBySet> {
  const { actor, reason } = checkAccount('setEnrollBy', input);
  const { enrollBy } = input;
  checkEnrollBy(enrollBy, flow.options.clock());
  const ending = beginEnding(flow, 'setEnrollBy', 'set_enroll_by', input);
  const answer = await ending.change<EnrollBySet | { ok: true; enrolled: true }>((profile) => {
    ending.operation.noteEnrolled(profile);
    const known = profile ?? newProfile();
    if (known.authenticators.length > 0) {
      const operation = 'set_enroll_by';
      return { answer: { ok: true, enrolled: true }, events: [{ name: 'refused', operation, reason: 'already_enrolled' }] };
    }
    return {
      answer: { ok: true, enrollBy },
      next: { ...known, enrollByExtension: extensionOver(known, enrollBy) },
      events: [{ name: 'enroll_by_set', enrollBy, actor, reason }],
    };
  });
  if ('enrollBy' in answer) return answer;
  throw new MfaError('invalid_argument', 'setEnrollBy: this user has an authenticator, so there is no deadline to set.');
}

function extensionOver({ enrollBy: over, epoch }: Profile, enrollBy: number): Profile['enrollByExtension'] {
  return over === undefined ? { enrollBy, epoch } : { enrollBy, over, epoch };
}

function withoutFactors(profile: Profile): Profile {
  const { enrollByExtension: _extension, unenrolledToldAt: _toldAt, ...rest } = withNewEpoch(profile);
  return { ...rest, authenticators: [], recoveryCodes: null, devices: [], enrollmentStarts: [] };
}

function countFactors(profile: Profile | null): MfaResetDone['removed'] {
  return {
    authenticators: profile?.authenticators.length ?? 0,
    recoveryCodes: profile?.recoveryCodes?.digests.length ?? 0,
    devices: profile?.devices.length ?? 0,
  };
}

function checkAccount(method: string, input: SupportAction): { actor: string; reason: string } {
  checkCall(method, input, '{ userId, actor, reason }');
  checkUserId(input.userId);
  for (const name of ['actor', 'reason'] as const) {
    if (typeof input[name] !== 'string' || input[name].trim() === '') {
      throw new MfaError('invalid_argument', `${method} needs "${name}", for the audit trail.`);
    }
  }
  return { actor: input.actor, reason: input.reason };
}

function checkCall(method: string, input: unknown, fields: string): void {
  if (typeof input === 'object' && input !== null) return;
  throw new MfaError('invalid_argument', `${method} takes an object: ${method}(${fields}).`);
}

function checkEnrollBy(enrollBy: unknown, now: number): void {
  if (Number.isSafeInteger(enrollBy) && Number(enrollBy) > now && Number(enrollBy) <= now + MAX_EXTENSION_MS) return;
  throw new MfaError(
    'invalid_argument',
    'setEnrollBy: "enrollBy" must be an instant in epoch milliseconds, after now and at most 90 days ahead: Date.now() + 14 * 86_400_000 gives two weeks.',
  );
}
