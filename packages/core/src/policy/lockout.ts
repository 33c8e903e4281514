/**
 * How many guesses are looked at.
 *
 * Five quick tries, then a wait of 30 seconds that doubles up to an hour; and a bucket of 20 that drains by one each 9 hours, so
 * that no 30 days ever see more than 100 evaluated guesses (a million codes, three valid at once: 0.03 %).
 */
export interface GuessBudget {
  /** Wrong tries since the last success, or since a day without one. */
  quick: number;
  /** Epoch milliseconds. */
  lastWrongAt: number;
  /** What is in the bucket. */
  level: number;
  /** Since when the bucket drains its next unit. */
  levelAt: number;
  /** When suspicion was last reported, in epoch milliseconds. */
  halfReportedAt?: number;
  fullReportedAt?: number;
}

const QUICK_TRIES = 5;
const FIRST_WAIT = 30_000;
const LONGEST_WAIT = 3_600_000;
const FORGOTTEN_AFTER = 24 * 3_600_000;
const BUCKET = 20;
const DRAIN_EVERY = 9 * 3_600_000;
const DAY = 24 * 3_600_000;
/** A stored instant further ahead than this is written back as now, so that a clock set right again locks nobody out. */
const CLOCK_TOLERANCE = 60_000;

/** A budget nothing was taken from. */
export const UNTOUCHED: GuessBudget = { quick: 0, lastWrongAt: 0, level: 0, levelAt: 0 };

/** The budget as it stands at an instant. */
export interface BudgetState {
  /** Milliseconds until a guess is evaluated; 0: now. */
  waitMs: number;
  /** The budget with what was drained and forgotten taken off. */
  budget: GuessBudget;
  /** The stored instants lie ahead of the clock and must be stored anew, or the wait would never end. */
  mustStore: boolean;
}

/** What a guess costs: one unit for each authenticator that it is tried against, five at most. */
export function guessCost(authenticators: number): number {
  return Math.min(Math.max(authenticators, 1), QUICK_TRIES);
}

/** Whether a guess of this cost is evaluated now, and if not, when. */
export function budgetAt(stored: GuessBudget, cost: number, now: number): BudgetState {
  const budget = settle(stored, now);
  const mustStore = stored.lastWrongAt > now + CLOCK_TOLERANCE || stored.levelAt > now + CLOCK_TOLERANCE;
  return { waitMs: Math.max(quickWait(budget, now), bucketWait(budget, cost, now)), budget, mustStore };
}

/** The budget after a wrong guess, and what is worth a report: half of the bucket or all of it, once a day. */
export function chargeGuess(
  budget: GuessBudget,
  cost: number,
  now: number,
): { budget: GuessBudget; suspicion?: 'half' | 'full' } {
  const charged = {
    ...budget,
    quick: budget.quick + 1,
    lastWrongAt: now,
    level: budget.level + cost,
    levelAt: budget.level === 0 ? now : budget.levelAt,
  };
  if (charged.level + cost > BUCKET && !within(budget.fullReportedAt, now)) {
    return { budget: { ...charged, fullReportedAt: now }, suspicion: 'full' };
  }
  if (charged.level >= BUCKET / 2 && !within(budget.halfReportedAt, now)) {
    return { budget: { ...charged, halfReportedAt: now }, suspicion: 'half' };
  }
  return { budget: charged };
}

/** The budget after a used code: it counts as a quick try, so that it buys nothing, but it was no guess. */
export function chargeReplay(budget: GuessBudget, now: number): GuessBudget {
  return { ...budget, quick: budget.quick + 1, lastWrongAt: now };
}

/** The budget after a success: only the quick tries come back, or an attacker's guesses would be forgotten at each login. */
export function afterSuccess(budget: GuessBudget): GuessBudget {
  return { ...budget, quick: 0 };
}

/** The budget after support gave five tries back. */
export function giveTriesBack(stored: GuessBudget, cost: number, now: number): GuessBudget {
  const budget = settle(stored, now);
  return { ...budget, quick: 0, level: Math.min(budget.level, Math.max(BUCKET - QUICK_TRIES * cost, 0)) };
}

function settle(stored: GuessBudget, now: number): GuessBudget {
  const lastWrongAt = Math.min(stored.lastWrongAt, now);
  const levelAt = Math.min(stored.levelAt, now);
  const drained = Math.min(Math.floor((now - levelAt) / DRAIN_EVERY), stored.level);
  return {
    ...stored,
    quick: now - lastWrongAt >= FORGOTTEN_AFTER ? 0 : stored.quick,
    lastWrongAt,
    level: stored.level - drained,
    levelAt: levelAt + drained * DRAIN_EVERY,
  };
}

function quickWait(budget: GuessBudget, now: number): number {
  if (budget.quick < QUICK_TRIES) return 0;
  const wait = Math.min(FIRST_WAIT * 2 ** Math.min(budget.quick - QUICK_TRIES, 10), LONGEST_WAIT);
  return Math.max(budget.lastWrongAt + wait - now, 0);
}

function bucketWait(budget: GuessBudget, cost: number, now: number): number {
  const units = budget.level + cost - BUCKET;
  return units <= 0 ? 0 : Math.max(budget.levelAt + units * DRAIN_EVERY - now, 0);
}

function within(reportedAt: number | undefined, now: number): boolean {
  return reportedAt !== undefined && Math.abs(now - reportedAt) < DAY;
}
