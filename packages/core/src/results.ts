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

/** What a user, or a temporary failure, can cause. It never reveals whether a wrong code was a used one. */
export interface Refusal {
  ok: false;
  reason: RefusalReason;
  /** Seconds to wait before a retry can succeed; with `throttled`, `limit_reached`, `busy`, `unavailable`. */
  retryAfterSeconds?: number;
  /** The maximum age of a proof that would be enough, in seconds; with `assurance_required`. */
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

/** A device token for the user's browser. Keep it in a cookie that only this user's login reads. */
export interface DeviceGrant {
  token: string;
  /** When the token stops being accepted, in epoch milliseconds. */
  expiresAt: number;
  deviceId: string;
  /** Until when the browser is not asked at login; absent if the user did not tick the checkbox. */
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
  /** Until when a user without an authenticator is allowed; absent if there is no grace period. */
  enrollBy?: number;
  /** The kinds that the user can prove now, in the order in which a prompt offers them. */
  factors: FactorKind[];
  authenticators: AuthenticatorSummary[];
  devices: DeviceSummary[];
  recoveryCodesLeft: number;
  /** The user has not confirmed the codes, and none was used: the answer that showed them may have been lost. */
  recoveryCodesUnsaved?: true;
  /** Identifies that set of codes. Return it with "I have saved them", so that the answer never counts for a newer set. */
  recoveryCodesId?: string;
  /** Seconds until the next 6-digit code from an unknown browser is checked; 0: now. */
  waitSeconds: number;
}

/** What an accepted proof returns. */
export interface Verified {
  session: VerifiedSession;
  assurance: Assurance;
  device?: DeviceGrant;
  recoveryCodesLeft?: number;
  /**
   * The user may never have seen the recovery codes, because an answer was lost. Offer new ones, or call {@link Mfa.recoveryCodesSaved}.
   */
  recoveryCodesUnsaved?: true;
}

/** What a confirmed enrollment returns. */
export interface EnrollmentConfirmed {
  authenticator: AuthenticatorSummary;
  /** Shown once; present if this enrollment created them. */
  recoveryCodes?: string[];
  /** Identifies that set, for {@link Mfa.recoveryCodesSaved}. */
  recoveryCodesId?: string;
  session: VerifiedSession;
  assurance: Assurance;
  device?: DeviceGrant;
}

/** The result of {@link Mfa.beginLogin}. */
export interface LoginBegun {
  decision: AccessDecision;
  /** Replaces the MFA state of the session; undefined: clear it. */
  session?: MfaSession;
  /** The rotated token of a remembered device. */
  device?: DeviceGrant;
  /**
   * The pending session as a signed JWT, for clients without a session: it can prove a code, or enroll. Also present if `decision` allows a
   * user who has not enrolled, so check `decision` first.
   */
  pendingToken?: string;
}

/** What {@link Mfa.settled} still waits for after ten seconds; all zero if nothing. */
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
  /** `false`: nothing is stored for this user, so there was nothing to end. */
  ended: boolean;
  /** The acting session's new state, if `keep` was in force. */
  session?: MfaSession;
}

/** What {@link Mfa.endSessionsOf} did. */
export interface SessionsEnded {
  ok: true;
  /** `false`: nothing is stored for this user, so there was nothing to end. */
  ended: boolean;
}

/** What {@link Mfa.forgetUser} did. */
export interface UserForgotten {
  ok: true;
  /** `false`: there was no record. */
  removed: boolean;
}

/** What {@link Mfa.resetMfa} removed; all zero if there was nothing, or no record. */
export interface MfaResetDone {
  ok: true;
  removed: { authenticators: number; recoveryCodes: number; devices: number };
  /** The record did not open, so its content is unknown; an empty one has replaced it. */
  unreadable?: true;
}

/** What {@link Mfa.clearLockout} did. */
export interface LockoutCleared {
  ok: true;
  /** `false`: nothing is stored for this user. */
  cleared: boolean;
}

/** What {@link Mfa.setEnrollBy} did. */
export interface EnrollBySet {
  ok: true;
  /** Until when the user may work without enrolling, in epoch milliseconds. */
  enrollBy: number;
}
