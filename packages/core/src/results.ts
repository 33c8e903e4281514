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
