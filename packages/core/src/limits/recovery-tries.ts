import { MINUTE } from '../time.js';

/** Wrong recovery codes in the running minute. They cannot be guessed: the limit only bounds what is written. */
export interface RecoveryTries {
  /** Epoch milliseconds. */
  since: number;
  count: number;
}

const TRIES_A_MINUTE = 100;

/**
 * Whether wrong recovery codes come so quickly that they are no longer stored one by one. A right one counts all the same, or
 * whoever has the password could keep the owner from using one.
 */
export function isFlooded(tries: RecoveryTries, now: number): boolean {
  return isRunning(tries, now) && tries.count >= TRIES_A_MINUTE;
}

/** The tries after a wrong recovery code. */
export function chargeRecovery(tries: RecoveryTries, now: number): RecoveryTries {
  return isRunning(tries, now) ? { ...tries, count: tries.count + 1 } : { since: now, count: 1 };
}

// A start ahead of the clock does not belong to the current minute.
function isRunning(tries: RecoveryTries, now: number): boolean {
  return tries.since <= now && now - tries.since < MINUTE;
}
