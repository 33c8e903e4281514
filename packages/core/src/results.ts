import type { AccessDecision, MfaSession } from './assurance.js';

/** Why something was refused: a closed set, so that a `switch` over it is exhaustive. */
export type RefusalReason =
  | 'invalid_code'
  | 'throttled'
  | 'enrollment_expired'
  | 'recovery_codes_outdated'
  | 'already_confirmed'
  | 'assurance_required'
  | 'pending_token_invalid'
  | 'login_again'
  | 'not_enrolled'
  | 'not_allowed'
  | 'limit_reached'
  | 'profile_missing'
  | 'busy'
  | 'unavailable';

/** What the user (or the weather) can cause. Holds nothing that tells a used code from a wrong one. */
export interface Refusal {
  ok: false;
  reason: RefusalReason;
  /** Seconds to wait before a repetition can succeed; with `throttled`, `limit_reached`, `busy`, `unavailable`. */
  retryAfterSeconds?: number;
  /** The oldest proof that would do, in seconds; with `assurance_required`. */
  maxAgeSeconds?: number;
}

/** `{ ok: true, ...fields }` or a {@link Refusal}. */
export type Result<Fields extends object = object> = ({ ok: true } & Fields) | Refusal;

/** Builds a refusal. */
export function refuse(reason: RefusalReason, details: Omit<Refusal, 'ok' | 'reason'> = {}): Refusal {
  return { ok: false, reason, ...details };
}

/** Whether the answer of a flow is a refusal. */
export function isRefusal(answer: object): answer is Refusal {
  return 'ok' in answer && answer.ok === false;
}

/** A device token for the user's browser, to be kept in a cookie that only this user's login reads. */
export interface DeviceGrant {
  token: string;
  /** When the token stops being accepted, in epoch milliseconds. */
  expiresAt: number;
  deviceId: string;
  /** Until when the browser is not asked at login; absent when the user did not tick the box. */
  rememberedUntil?: number;
}

/** An enrolled authenticator, without its secret. */
export interface AuthenticatorSummary {
  id: string;
  kind: string;
  name: string;
  /** Epoch milliseconds. */
  createdAt: number;
  lastUsedAt?: number;
}

/** A browser that has passed a factor. */
export interface DeviceSummary {
  id: string;
  /** Browser and system, as named at the time. */
  label: string;
  /** Epoch milliseconds. */
  firstUsedAt: number;
  lastUsedAt: number;
  rememberedUntil?: number;
}

/** What is known about a user's MFA; never a secret. */
export interface MfaStatus {
  enrolled: boolean;
  mfa: 'required' | 'optional' | 'off';
  mayEnroll: boolean;
  /** Until when a user without authenticator is let through; absent when there is no grace. */
  enrollBy?: number;
  authenticators: AuthenticatorSummary[];
  devices: DeviceSummary[];
  recoveryCodesLeft: number;
  /** Nobody has said so far that the codes are saved, and none was used: the answer that showed them may have been lost. */
  recoveryCodesUnsaved?: true;
  /** Which set of codes that is. Give it back with "I have saved them", so that the answer never counts for a newer set. */
  recoveryCodesId?: string;
  /** Seconds until the next 6-digit code from an unknown browser is looked at; 0: now. */
  waitSeconds: number;
}

/** A login as {@link Mfa.beginLogin} leaves it. */
export interface LoginBegun {
  decision: AccessDecision;
  /** Replaces whatever MFA state the session had; undefined: clear it. */
  session?: MfaSession;
  /** The rotated token of a remembered device. */
  device?: DeviceGrant;
  /**
   * The pending session as a signed JWT, for clients without a session: proves a code, or enrolls. Also there when `decision` allows a
   * user who has not enrolled, so look at `decision` first.
   */
  pendingToken?: string;
}

/** User ids for an operator: how many, and the first hundred. */
export interface UserIdList {
  count: number;
  userIds: string[];
}

/** What every walk over all users tells. */
export interface Walked {
  /** The last page was reached. It says nothing of {@link failed}. */
  complete: boolean;
  /** Where to go on, if it was not: give it back as `cursor`. Absent in an incomplete answer: at the start. */
  cursor?: string;
  /** Why it was not: the signal's reason, what the storage threw, or the refusal that users in a row met. */
  cause?: unknown;
  /** Users that were visited since this walk, or this part of it, began. */
  users: number;
  /** Profiles that do not open: under no key that is there, in another format, or changed by somebody. Each is an event too. */
  unreadable: UserIdList;
  /** Users that could not be reached in some seconds. */
  failed: UserIdList;
}

/** All profiles in numbers, by {@link Mfa.report}; no secret and no name. */
export interface MfaReport extends Walked {
  /** When it began, in epoch milliseconds. */
  at: number;
  enrolled: number;
  /** Users with a profile and no authenticator: who began a login and did not enroll so far, or was reset. */
  notEnrolled: number;
  authenticators: { kind: string; count: number }[];
  /** Enrolled users by the recovery codes that they have left; `few`: at most `recoveryCodes.lowAt`. */
  recoveryCodes: { none: number; few: number; enough: number };
  /** Browsers that have passed a factor, and those of them that are not asked at login. */
  devices: { known: number; remembered: number };
  /** Users whose codes are not looked at now when they come from a browser that is not known. */
  throttled: number;
  /** What each key seals, the writing one first. `inRing: false`: the key is missing, and what it seals unreadable. */
  keys: { id: string; inRing: boolean; profiles: number }[];
}

/** What {@link Mfa.rotateKeys} did, or would do. */
export interface KeysRotated extends Walked {
  dryRun: boolean;
  /** Id of the first key, by which everything is sealed from now on. */
  writingKey: string;
  /** Profiles that were sealed anew; in a dry run: that would be. */
  resealed: number;
  /** Profiles that the first key had sealed already. */
  current: number;
  /**
   * The other keys that no profile needs any more: a complete walk from the start, in which nobody failed, saw none that names them,
   * readable or not.
   */
  removable?: {
    keyIds: string[];
    /**
     * Until when browsers may hold a device token by one of them, in epoch milliseconds. Removed sooner, such a browser is asked
     * once more and becomes a new device; nobody is shut out.
     */
    tokensEndAt: number;
  };
}

/** What {@link Mfa.afterRestore} did, or would do. */
export interface RestoreHandled extends Walked {
  dryRun: boolean;
  /** The instant that the profiles are marked with: give it back, with the cursor, to go on. */
  restoredAt: number;
  /** Profiles whose sessions, devices and recovery codes ended; in a dry run: would end. */
  handled: number;
  /** Profiles that were marked with this instant or a later one, and left alone. */
  already: number;
  devicesRemoved: number;
  /** Users who lost their recovery codes and must make new ones. */
  recoveryCodesRevoked: number;
}

/** What {@link Mfa.settled} still waits for after ten seconds; all zero: nothing. */
export interface Unsettled {
  /** Calls of `onEvent`. */
  events: number;
  /** Calls of `notify`. */
  notices: number;
  /** Calls of `markEnrolled`. */
  markEnrolled: number;
}

/** What {@link Mfa.passwordChanged} did. */
export interface PasswordChangeHandled {
  ok: true;
  /** `false`: nothing is known of this user, so there was nothing to end. */
  ended: boolean;
  /** The acting session's new state, if `keep` was in force. */
  session?: MfaSession;
}

/** What {@link Mfa.endSessionsOf} did. */
export interface SessionsEnded {
  ok: true;
  /** `false`: nothing is known of this user, so there was nothing to end. */
  ended: boolean;
}

/** What {@link Mfa.forgetUser} did. */
export interface UserForgotten {
  ok: true;
  /** `false`: there was no record. */
  removed: boolean;
}

/** What {@link Mfa.resetMfa} removed: all zero where there was nothing, or no record. */
export interface MfaResetDone {
  ok: true;
  removed: { authenticators: number; recoveryCodes: number; devices: number };
  /** The record did not open, so what it held is not known; an empty one has taken its place. */
  unreadable?: true;
}

/** What {@link Mfa.clearLockout} did. */
export interface LockoutCleared {
  ok: true;
  /** `false`: nothing is known of this user. */
  cleared: boolean;
}

/** What {@link Mfa.setEnrollBy} did. */
export interface EnrollBySet {
  ok: true;
  /** Until when the user may now go without enrolling, in epoch milliseconds. */
  enrollBy: number;
}

/** What {@link Mfa.check} can find: a closed set, so that a `switch` over it is exhaustive. */
export type FindingCode =
  /** The table does not exist. */
  | 'table_missing'
  /** The database cannot be reached, or does not answer in time. */
  | 'storage_away'
  /** The storage answers with an error of another kind. */
  | 'storage_unusable'
  /** Stored profiles were sealed with a key that `keys` lacks. */
  | 'key_missing'
  /** Stored profiles do not open with the key that they name: its secret was changed, or they were. */
  | 'profile_sealed_otherwise'
  /** Stored profiles have a format that this version does not know. */
  | 'profile_format_unknown'
  /** A stored instant lies far ahead of this clock. */
  | 'stored_instant_ahead'
  /** A setting of the database weakens what is promised. */
  | 'unsafe_setting'
  /** The settings of the database could not be asked. */
  | 'settings_unknown'
  /** The option `clock` gives no epoch milliseconds. */
  | 'clock_wrong'
  /** The option `clock` and the clock of this server are more than a minute apart. */
  | 'clock_apart'
  /** The storage is `memoryStorage()`. */
  | 'memory_storage'
  /** The option `markEnrolled` is not set. */
  | 'mark_enrolled_missing';

/** One thing that an operator should know at start. No secret is in it. */
export interface MfaFinding {
  /** `error`: users are kept out. `warning`: something is promised less, or will fail later. */
  level: 'error' | 'warning' | 'info';
  code: FindingCode;
  /** What was found, and what to do about it. */
  text: string;
}
