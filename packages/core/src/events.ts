import type { AssuranceVia, FactorKind } from './assurance.js';

/** Facts about the request that the host wants in its audit trail (address, agent, request id). Core does not store them. */
export type EventContext = Record<string, unknown>;

/** Fields of every event. No event holds a secret, code, token, digest or URI. */
export interface EventBase {
  userId: string;
  /** Epoch milliseconds. */
  at: number;
  context?: EventContext;
  /** Whether the user has an authenticator after the operation; absent if unknown. */
  enrolled?: boolean;
}

/**
 * The error, if there is one. It is not enumerable, because a driver's message may hold values: neither `JSON.stringify(event)` nor `{
 * ...event }` includes it.
 */
interface WithCause {
  readonly cause?: unknown;
}

/** What happened beyond {@link EventBase}, by name. */
export type EventDetail =
  | { name: 'login_begun'; access: 'allow' | 'challenge' | 'enroll' | 'refuse' | 'login-again' | 'unavailable' }
  | { name: 'enrollment_started' | 'enrollment_shown' | 'enrollment_canceled'; enrollmentId: string }
  | { name: 'authenticator_enrolled' | 'authenticator_removed' | 'authenticator_renamed'; authenticatorId: string }
  | { name: 'verified'; via: AssuranceVia; authenticatorId?: string }
  | { name: 'verification_failed'; factor: FactorKind; endpoint: 'verify' | 'enroll'; why: 'wrong' | 'replayed' | 'malformed' }
  | { name: 'throttled'; factor: FactorKind; endpoint: 'verify' | 'enroll'; retryAfterSeconds: number }
  | { name: 'guessing_suspected'; level: 'repeated' | 'half' | 'full' }
  | { name: 'recovery_code_used'; recoveryCodesLeft: number }
  | { name: 'recovery_codes_low'; recoveryCodesLeft: number }
  | { name: 'recovery_codes_regenerated' | 'recovery_codes_saved' }
  | { name: 'recovery_codes_revoked'; because: 'restored' | 'switched_off' }
  | { name: 'recovery_codes_flooded'; tries: number }
  | { name: 'device_remembered' | 'device_used' | 'device_token_reused' | 'device_revoked'; deviceId: string }
  | { name: 'device_refused'; why: 'invalid' | 'expired' | 'other_user' | 'unknown_device' | 'not_remembered' }
  | { name: 'sessions_ended'; because: 'user' | 'password_changed' }
  | { name: 'sessions_ended'; because: 'operator'; actor: string; reason: string }
  | { name: 'mfa_reset' | 'lockout_cleared'; actor: string; reason: string }
  | { name: 'enroll_by_set'; enrollBy: number; actor: string; reason: string }
  | { name: 'user_forgotten' }
  | { name: 'restore_handled'; devicesRemoved: number }
  | { name: 'refused'; reason: string; operation: string }
  | { name: 'profile_missing' }
  | { name: 'profile_unreadable'; why: 'unknown_key' | 'unknown_format' | 'tampered' }
  | { name: 'clock_anomaly'; aheadSeconds: number }
  | ({ name: 'storage_failed'; operation: 'read' | 'write' | 'remove'; why: 'error' | 'timeout' | 'doubtful' } & WithCause)
  | ({ name: 'mark_enrolled_failed' } & WithCause)
  | ({ name: 'notify_failed'; notice: string } & WithCause);

/** One event; `switch (event.name)` narrows. */
export type MfaEvent = EventBase & EventDetail;

/** Names of the events that the user should be notified of. */
export const NOTICES = [
  'authenticator_enrolled',
  'authenticator_removed',
  'recovery_code_used',
  'recovery_codes_low',
  'recovery_codes_regenerated',
  'recovery_codes_revoked',
  'guessing_suspected',
  'device_remembered',
  'device_token_reused',
  'sessions_ended',
  'mfa_reset',
  'enroll_by_set',
] as const;
export type NoticeName = (typeof NOTICES)[number];

/** A notice for the user, for example by mail (NIST SP 800-63B-4 section 4.6). It holds no secret. */
export type MfaNotice = MfaEvent & { name: NoticeName };

/** Adds the error to an event, visible only as `event.cause`. */
export function withCause<Event extends object>(event: Event, cause: unknown): Event {
  return cause === undefined ? event : Object.defineProperty(event, 'cause', { value: cause });
}

/** Copies an event with more fields. Keeps the error, which a spread alone would lose. */
export function copyEvent<Event extends object, More extends object>(event: Event, more?: More): Event & More {
  const { cause } = event as WithCause;
  return withCause({ ...event, ...more } as Event & More, cause);
}
