import type { AccessDecision, MfaSession } from './assurance.js';

/** Why something was refused: a closed set, so that a `switch` over it is exhaustive. */
export type RefusalReason =
  | 'invalid_code'
  | 'throttled'
  | 'enrollment_expired'
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

/** A device token for the user's browser, to be kept in a cookie that only this user's login reads. */
export interface DeviceGrant {
  token: string;
  /** When the token stops being accepted, in epoch milliseconds. */
  expiresAt: number;
  deviceId: string;
  /** Until when the browser is not asked at login; absent when the user did not tick the box. */
  rememberedUntil?: number;
}

/** What a started enrollment shows: once, to the session that began it. */
export interface Enrollment {
  id: string;
  /** Key URI (`otpauth://totp/...`), for the QR code. */
  uri: string;
  /** The same key for typing, base32 in groups of four. */
  manualKey: string;
  /** Epoch milliseconds. */
  expiresAt: number;
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
