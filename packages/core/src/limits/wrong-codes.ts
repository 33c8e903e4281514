import { DAY } from '../time.js';
import { BUCKET, type BudgetOwner, type GuessBudget } from './guess-budget.js';

/** Wrong codes after a right password that the user was not notified of yet. */
export interface WrongCodes {
  /** Times of the newest five wrong codes from unknown browsers and wrong recovery codes. */
  at: number[];
  /** Times of the newest ten wrong codes from known browsers, which are usually typing errors. */
  known?: number[];
  /** When the user was last notified, in epoch milliseconds. */
  toldAt?: number;
}

/** How serious it is: some wrong codes, half of a guess budget used, all of it used. */
export type SuspicionLevel = 'repeated' | 'half' | 'full';

const REMEMBERED_FOR = 30 * DAY;
/** The user is notified after this many, regardless of the time between them. */
const TOLD_AFTER = 3;
/** For known browsers, where fewer are typing errors. */
const KNOWN_TOLD_AFTER = 10;
/** A second notice within a day needs a fuller budget and this many more wrong codes. */
const WORSE_AFTER = 5;

/**
 * Records a wrong code, and returns a level if the user should be notified.
 *
 * Three wrong codes within 30 days since the last notice cause another one, at most once a day. A bucket that is half full or full
 * causes a notice as well, as in release 1: once a day each, and within a day of another notice only after five more wrong codes.
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
  // Entries dated ahead of the clock stay, so that servers whose clocks differ do not delete each other's entries.
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
