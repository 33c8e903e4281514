import { CLOCK_TOLERANCE_MS, DAY, HOUR } from '../time.js';

/**
 * How many guesses are looked at.
 *
 * Five quick tries, then a wait of 30 seconds that doubles up to an hour; and a bucket of 20 tries that gets one back every 9 hours,
 * so at most 100 guesses are evaluated in any 30 days. A wrong try costs one, however many authenticators it is checked against.
 * Three codes in a million are valid at once for each authenticator, so the odds of 100 guesses are 0.03 %, and 0.15 % with five
 * authenticators, the maximum (see docs/threat-model.md).
 *
 * A budget keeps the latest time at which it was changed and never goes back before it. A clock behind that time drains nothing, ends
 * no wait and forgets nothing, so servers whose clocks differ, or a clock that is set back, give nobody extra guesses.
 */
export interface GuessBudget {
  /** Wrong tries since the last success, or since a day without one. */
  quick: number;
  /** Epoch milliseconds. */
  lastWrongAt: number;
  /** Tries in the bucket. Release 1 adds up to five for a try, so a user served by both releases waits longer, but not forever. */
  level: number;
  /** Since when the bucket drains its next try. */
  levelAt: number;
  /** The highest instant at which the budget was changed. Release 1 keeps it and does not raise it: {@link highWater}. */
  highWaterAt?: number;
  /** When suspicion was last reported, in epoch milliseconds. */
  halfReportedAt?: number;
  fullReportedAt?: number;
}

/** Tries before the first wait. */
const QUICK_TRIES = 5;
const FIRST_WAIT = 30_000;
const LONGEST_WAIT = HOUR;
const FORGOTTEN_AFTER = DAY;
/** Tries that the bucket holds. */
export const BUCKET = 20;
const DRAIN_EVERY = 9 * HOUR;
/** Synchronized servers differ by less than this. */

/** A budget nothing was taken from. */
export const UNTOUCHED: GuessBudget = { quick: 0, lastWrongAt: 0, level: 0, levelAt: 0, highWaterAt: 0 };

/**
 * Whose guesses a budget counts: all unknown browsers of the account, one known browser, or one enrollment.
 */
export type BudgetOwner = 'account' | 'device' | 'enrollment';

/** The budget as it stands at an instant. */
export interface BudgetState {
  /** Milliseconds until a guess is evaluated; 0: now. */
  waitMs: number;
  /** The budget with what was drained and forgotten taken off. */
  budget: GuessBudget;
  /** Milliseconds by which the budget lies ahead of the clock; 0 while that is no more than clocks may differ. */
  aheadMs: number;
}

/**
 * Whether a guess is evaluated now, and if not, when.
 *
 * A known browser is not held up by the time between quick tries while its budget lies ahead of the clock, because its owner would
 * have no way in until the clock is there again. Its bucket is frozen like every other one, so that the sum of its guesses keeps
 * its bound: whoever has the browser's token and the password gets at most what is left of 20 tries, only quicker.
 */
export function budgetAt(stored: GuessBudget, now: number, owner: BudgetOwner): BudgetState {
  const budget = settle(stored, now);
  const aheadMs = msAhead(stored, now);
  const quick = owner === 'device' && aheadMs > 0 ? 0 : quickWait(budget, now);
  return { waitMs: Math.max(quick, bucketWait(budget, now)), budget, aheadMs };
}

/** Milliseconds by which the budget lies ahead of the clock; 0 while that is no more than clocks may differ. */
export function msAhead(stored: GuessBudget, now: number): number {
  const lead = highWater(stored) - now;
  return lead > CLOCK_TOLERANCE_MS ? lead : 0;
}

/** The budget after a wrong guess. */
export function chargeGuess(stored: GuessBudget, now: number): GuessBudget {
  const budget = settle(stored, now);
  const at = ownTime(stored, now);
  return {
    ...budget,
    quick: budget.quick + 1,
    lastWrongAt: at,
    level: budget.level + 1,
    levelAt: budget.level === 0 ? at : budget.levelAt,
    highWaterAt: at,
  };
}

/** The budget after a used code: it counts as a quick try, so that it buys nothing, but it was no guess. */
export function chargeReplay(stored: GuessBudget, now: number): GuessBudget {
  const budget = settle(stored, now);
  const at = ownTime(stored, now);
  return { ...budget, quick: budget.quick + 1, lastWrongAt: at, highWaterAt: at };
}

/** The budget after a success: only the quick tries come back, or an attacker's guesses would be forgotten at each login. */
export function afterSuccess(stored: GuessBudget, now: number): GuessBudget {
  return { ...settle(stored, now), quick: 0 };
}

/** The budget after support restored five tries. Nothing else sets a budget that lies ahead of the clock back to the current time. */
export function restoreTries(stored: GuessBudget, now: number): GuessBudget {
  const budget = settle(stored, now);
  const { highWaterAt: _, ...rest } = budget;
  return {
    ...rest,
    quick: 0,
    lastWrongAt: Math.min(budget.lastWrongAt, now),
    level: Math.min(budget.level, BUCKET - QUICK_TRIES),
    levelAt: Math.min(budget.levelAt, now),
  };
}

/** The highest instant that the budget knows of. What release 1 has dated later than the mark counts as well. */
function highWater({ highWaterAt = 0, lastWrongAt, levelAt }: GuessBudget): number {
  return Math.max(highWaterAt, lastWrongAt, levelAt);
}

/** The budget's own time: the clock's, and never before the highest instant that it knows of. */
function ownTime(budget: GuessBudget, now: number): number {
  return Math.max(now, highWater(budget));
}

function settle(stored: GuessBudget, now: number): GuessBudget {
  // Nothing drains before that instant has passed again, even if release 1 has dated the rest back.
  if (now < highWater(stored)) return stored;
  const drained = Math.min(Math.floor((now - stored.levelAt) / DRAIN_EVERY), stored.level);
  const forgotten = stored.quick > 0 && now - stored.lastWrongAt >= FORGOTTEN_AFTER;
  // A budget that gives nothing back keeps its time, so a right code under a wrong clock does not change it.
  if (drained === 0 && !forgotten) return stored;
  return {
    ...stored,
    quick: forgotten ? 0 : stored.quick,
    level: stored.level - drained,
    levelAt: stored.levelAt + drained * DRAIN_EVERY,
    highWaterAt: now,
  };
}

function quickWait(budget: GuessBudget, now: number): number {
  if (budget.quick < QUICK_TRIES) return 0;
  const wait = Math.min(FIRST_WAIT * 2 ** Math.min(budget.quick - QUICK_TRIES, 10), LONGEST_WAIT);
  return waitUntil(budget.lastWrongAt + wait, budget, now);
}

function bucketWait(budget: GuessBudget, now: number): number {
  const tries = budget.level + 1 - BUCKET;
  return tries <= 0 ? 0 : waitUntil(budget.levelAt + tries * DRAIN_EVERY, budget, now);
}

/** No wait ends before the highest instant has passed again. */
function waitUntil(end: number, budget: GuessBudget, now: number): number {
  const highest = highWater(budget);
  return Math.max(now < highest ? Math.max(end, highest) - now : end - now, 0);
}
