import { BUCKET, type BudgetOwner, type GuessBudget } from './lockout.js';

/** Wrong codes after a right password of which the user was not told so far. */
export interface WrongCodes {
  /** Instants of those from browsers that are not known and of recovery codes; the newest five. */
  at: number[];
  /** Those from known browsers, where the user's own typing errors come from; the newest ten. */
  known?: number[];
  /** When the user was last told, in epoch milliseconds. */
  toldAt?: number;
}

/** How sure it is: some wrong codes, half of a guess budget, all of it. */
export type SuspicionLevel = 'repeated' | 'half' | 'full';

const DAY = 24 * 3_600_000;
const REMEMBERED_FOR = 30 * DAY;
/** So many are told, whatever their rhythm. */
const TOLD_AFTER = 3;
/** So many from known browsers: fewer are typing errors. */
const KNOWN_TOLD_AFTER = 10;
/** A second notice within a day needs a fuller budget and so many more wrong codes: it got worse, and quickly. */
const WORSE_AFTER = 5;

/**
 * Notes a wrong code, and says whether the user is to be told.
 *
 * Three wrong codes since the last notice, within 30 days, are told at most once a day. That the bucket is half or quite full is told
 * too, as in release 1: once a day each, and within a day of another notice only after five more wrong codes.
 */
export function noteWrongCode(
  given: { wrongCodes: WrongCodes | undefined; budget: GuessBudget | undefined; owner: BudgetOwner },
  now: number,
): { wrongCodes: WrongCodes; budget: GuessBudget | undefined; level?: SuspicionLevel } {
  const { budget, owner } = given;
  const before = given.wrongCodes ?? { at: [] };
  const noted = note(before, owner, now);
  const level = suspicionLevel(noted, before.toldAt, budget, owner, now);
  if (!level) return { wrongCodes: noted, budget };
  const wrongCodes = { at: [], toldAt: now };
  if (!budget || level === 'repeated') return { wrongCodes, budget, level };
  const mark = level === 'full' ? { fullReportedAt: now } : { halfReportedAt: now };
  return { wrongCodes, budget: { ...budget, ...mark }, level };
}

function note(before: WrongCodes, owner: BudgetOwner, now: number): WrongCodes {
  // One that is dated ahead of the clock stays: two clocks that differ must not make each other forget.
  const recent = (instants: readonly number[]) => instants.filter((instant) => now - instant < REMEMBERED_FOR);
  if (owner === 'device') return { ...before, known: [...recent(before.known ?? []), now].slice(-KNOWN_TOLD_AFTER) };
  return { ...before, at: [...recent(before.at), now].slice(-WORSE_AFTER) };
}

function suspicionLevel(
  { at, known = [] }: WrongCodes,
  toldAt: number | undefined,
  budget: GuessBudget | undefined,
  owner: BudgetOwner,
  now: number,
): SuspicionLevel | undefined {
  const { level = 0, halfReportedAt, fullReportedAt } = budget ?? {};
  const toldToday = within(toldAt, now) || within(halfReportedAt, now) || within(fullReportedAt, now);
  const isFull = level >= BUCKET && !within(fullReportedAt, now);
  const isHalf = level >= BUCKET / 2 && !within(halfReportedAt, now) && !within(fullReportedAt, now);
  const wrong = owner === 'device' ? known : at;
  if ((isFull || isHalf) && (!toldToday || wrong.length >= WORSE_AFTER)) return isFull ? 'full' : 'half';
  const enough = owner === 'device' ? KNOWN_TOLD_AFTER : TOLD_AFTER;
  return wrong.length >= enough && !toldToday ? 'repeated' : undefined;
}

function within(reportedAt: number | undefined, now: number): boolean {
  return reportedAt !== undefined && Math.abs(now - reportedAt) < DAY;
}
