/** Wrong recovery codes in the running minute. They cannot be guessed: the limit only bounds the work. */
export interface RecoveryTries {
  /** Epoch milliseconds. */
  since: number;
  count: number;
}

const MINUTE = 60_000;
const TRIES_A_MINUTE = 100;

/** Milliseconds until the next recovery code is looked at; 0: now. */
export function recoveryWait(tries: RecoveryTries, now: number): number {
  return isRunning(tries, now) && tries.count >= TRIES_A_MINUTE ? tries.since + MINUTE - now : 0;
}

/** The tries after a wrong recovery code. */
export function chargeRecovery(tries: RecoveryTries, now: number): RecoveryTries {
  return isRunning(tries, now) ? { ...tries, count: tries.count + 1 } : { since: now, count: 1 };
}

// A start that lies ahead of the clock belongs to no running minute.
function isRunning(tries: RecoveryTries, now: number): boolean {
  return tries.since <= now && now - tries.since < MINUTE;
}
