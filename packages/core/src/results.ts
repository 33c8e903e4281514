import type { AccessDecision, Assurance, FactorKind, MfaSession, VerifiedSession } from './assurance.js';

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
  /** The kinds that the user can prove now, in the order in which a prompt offers them. */
  factors: FactorKind[];
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

/** What an accepted proof returns. */
export interface Verified {
  session: VerifiedSession;
  assurance: Assurance;
  device?: DeviceGrant;
  recoveryCodesLeft?: number;
  /** The user may never have seen the recovery codes, because an answer was lost: offer new ones, and {@link Mfa.recoveryCodesSaved}. */
  recoveryCodesUnsaved?: true;
}

/** What a confirmed enrollment returns. */
export interface EnrollmentConfirmed {
  authenticator: AuthenticatorSummary;
  /** Shown once; present when this enrollment created them. */
  recoveryCodes?: string[];
  /** Names that set, for {@link Mfa.recoveryCodesSaved}. */
  recoveryCodesId?: string;
  session: VerifiedSession;
  assurance: Assurance;
  device?: DeviceGrant;
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
