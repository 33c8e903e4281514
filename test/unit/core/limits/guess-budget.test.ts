import { describe, expect, it } from 'vitest';
import {
  afterSuccess,
  type BudgetOwner,
  budgetAt,
  chargeGuess,
  chargeReplay,
  type GuessBudget,
  restoreTries,
  UNTOUCHED,
} from '../../../../packages/core/src/limits/guess-budget.js';
import { chargeRecovery, isFlooded } from '../../../../packages/core/src/limits/recovery-tries.js';
import { fc } from '../../../support/fast-check.js';

const T0 = 1_800_000_000_000;
const SECOND = 1000;
const HOUR = 3600 * SECOND;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

const waitAt = (budget: GuessBudget, now: number, owner: BudgetOwner = 'account') => budgetAt(budget, now, owner).waitMs;

/** Makes wrong guesses, each as soon as it is allowed, and returns the wait before each. */
function guessOn(count: number, from = UNTOUCHED): { budget: GuessBudget; waits: number[]; now: number } {
  let budget = from;
  let now = T0;
  const waits: number[] = [];
  for (let tries = 0; tries < count; tries++) {
    const waitMs = waitAt(budget, now);
    waits.push(waitMs / SECOND);
    now += waitMs;
    budget = chargeGuess(budget, now);
  }
  return { budget, waits, now };
}

describe('the guess budget', () => {
  it('THR-2: allows five quick tries, then one after 30 seconds, doubling up to an hour', () => {
    expect(guessOn(15).waits).toEqual([0, 0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
  });

  it('THR-2: allows twenty guesses, then one every nine hours', () => {
    const { waits, now } = guessOn(20);
    expect(waits.slice(13)).toEqual(Array.from({ length: 7 }, () => 3600));
    // The bucket has drained since the first guess, so one try was back before the twentieth.
    const next = guessOn(24).waits.slice(20);
    expect(now - T0).toBeGreaterThan(9 * HOUR);
    expect(next.every((wait) => wait <= 9 * 3600)).toBe(true);
    expect(next.at(-1)).toBe(9 * 3600);
  });

  it('THR-2: forgets the quick tries after 24 hours without a wrong one, and not a millisecond earlier', () => {
    const { budget, now } = guessOn(12);
    expect(budgetAt(budget, now + DAY - 1, 'account').budget.quick).toBe(12);
    expect(budgetAt(budget, now + DAY, 'account').budget.quick).toBe(0);
  });

  it('gives a try back after nine hours, and not a millisecond earlier', () => {
    const level = (budget: GuessBudget, now: number) => budgetAt(budget, now, 'account').budget.level;
    const budget = chargeGuess(UNTOUCHED, T0);
    expect(level(budget, T0 + 9 * HOUR - 1)).toBe(1);
    expect(level(budget, T0 + 9 * HOUR)).toBe(0);
    const two = chargeGuess(budget, T0 + 5 * HOUR);
    expect(level(two, T0 + 9 * HOUR)).toBe(1);
    expect(level(two, T0 + 18 * HOUR)).toBe(0);
  });

  it('F25, THR-2: never holds more than 20, even if release 1 adds five for a try', () => {
    for (const units of [1, 2, 3, 5]) {
      let budget = UNTOUCHED;
      let now = T0;
      for (let tries = 0; tries < 60; tries++) {
        now += waitAt(budget, now);
        expect(waitAt(budget, now)).toBe(0);
        // Release 1 checks a guess only if there is room for all its units.
        const charged = chargeGuess(budget, now);
        const byRelease1 = tries % 2 === 1 && charged.level + units - 1 <= 20;
        budget = byRelease1 ? { ...charged, level: charged.level + units - 1 } : charged;
        expect(budget.level).toBeLessThanOrEqual(20);
      }
    }
  });

  it('THR-2, I3: never allows more than 100 tries in any 30 days, in any pattern', () => {
    const waits = fc.array(fc.oneof(fc.constant(0), fc.nat(40 * HOUR), fc.nat(5 * DAY)), { minLength: 50, maxLength: 400 });
    fc.assert(
      fc.property(waits, fc.boolean(), (pauses, succeeds) => {
        let budget = UNTOUCHED;
        let now = T0;
        const at: number[] = [];
        for (const pause of pauses) {
          now += pause;
          now += waitAt(budget, now);
          budget = chargeGuess(budget, now);
          if (succeeds) budget = afterSuccess(budget, now);
          at.push(now);
        }
        return at.every((start) => at.filter((instant) => instant >= start && instant < start + 30 * DAY).length <= 100);
      }),
      { numRuns: 150 },
    );
  });

  it('T7, THR-1: gets the quick tries back after a success, and nothing else', () => {
    const { budget, now } = guessOn(12);
    expect(afterSuccess(budget, now)).toEqual({ ...budget, quick: 0 });
  });

  it('is charged a quick try for a used code, but nothing of the bucket', () => {
    const { budget, now } = guessOn(4);
    expect(chargeReplay(budget, now + 7)).toEqual({ ...budget, quick: 5, lastWrongAt: now + 7, highWaterAt: now + 7 });
  });

  it('THR-5: gets five tries from support', () => {
    let { budget, now } = guessOn(24);
    expect(waitAt(budget, now)).toBeGreaterThan(0);
    budget = restoreTries(budget, now);
    for (let tries = 0; tries < 5; tries++) {
      expect(waitAt(budget, now)).toBe(0);
      budget = chargeGuess(budget, now);
    }
    expect(waitAt(budget, now)).toBeGreaterThan(0);
  });

  it('clearLockout takes nothing from a budget that has more than five tries', () => {
    const { budget, now } = guessOn(3);
    expect(restoreTries(budget, now)).toMatchObject({ quick: 0, level: 3 });
  });
});

describe('F31, FLT-5: the guess budget after the clock jumped', () => {
  it('gives no try back, ends no wait and forgets nothing if the clock was set back', () => {
    for (const count of [5, 20]) {
      const { budget, now } = guessOn(count);
      for (const back of [SECOND, HOUR, 9 * HOUR, DAY, 300 * DAY]) {
        const earlier = budgetAt(budget, now - back, 'account');
        expect(earlier.budget).toEqual(budget);
        // The wait lasts until the clock is back where it was, plus the remaining wait.
        expect(earlier.waitMs).toBe(waitAt(budget, now) + back);
      }
    }
  });

  it('drains and forgets only once for a clock that was ahead', () => {
    let { budget, now } = guessOn(20);
    budget = chargeGuess(budget, now + YEAR);
    expect(budget).toMatchObject({ quick: 1, level: 1, highWaterAt: now + YEAR });
    for (let tries = 0; tries < 4; tries++) budget = chargeGuess(budget, now + tries);
    expect(waitAt(budget, now)).toBe(YEAR + 30 * SECOND);
    expect(waitAt(budget, now + YEAR)).toBe(30 * SECOND);
  });

  it('keeps its mark after a success with a clock ahead if it drained something, and otherwise leaves none', () => {
    const { budget, now } = guessOn(1);
    expect(afterSuccess(budget, now + YEAR)).toMatchObject({ level: 0, highWaterAt: now + YEAR });
    expect(afterSuccess(UNTOUCHED, now + YEAR)).toEqual(UNTOUCHED);
  });

  it('counts a later date by release 1, although release 1 keeps the old mark', () => {
    const { budget, now } = guessOn(5);
    const ahead = { ...budget, highWaterAt: now + YEAR };
    expect(budgetAt(ahead, now, 'account').aheadMs).toBe(YEAR);
    for (const name of ['lastWrongAt', 'levelAt'] as const) {
      expect(budgetAt({ ...budget, [name]: now + DAY }, now, 'account').aheadMs).toBe(DAY);
    }
    const { highWaterAt: _, ...byRelease1 } = budget;
    expect(waitAt(byRelease1, now)).toBe(waitAt(budget, now));
  });

  it('does not drain or end a wait if release 1 dates it back', () => {
    const { budget, now } = guessOn(20);
    const before = now - YEAR;
    const dated = { ...budget, lastWrongAt: before, levelAt: before };
    for (const later of [0, HOUR, 9 * HOUR, 30 * DAY]) {
      const state = budgetAt(dated, before + later, 'account');
      expect(state.budget.level).toBe(budget.level);
      expect(before + later + state.waitMs).toBeGreaterThanOrEqual(now);
    }
    const quick = guessOn(6);
    const again = { ...quick.budget, lastWrongAt: quick.now - YEAR, levelAt: quick.now - YEAR };
    expect(waitAt(again, quick.now - YEAR + 2 * HOUR)).toBe(YEAR - 2 * HOUR);
  });

  it('tolerates clocks that differ by a minute', () => {
    const { budget, now } = guessOn(5);
    expect(budgetAt(budget, now - 60 * SECOND, 'account').aheadMs).toBe(0);
    expect(budgetAt(budget, now - 61 * SECOND, 'account').aheadMs).toBe(61 * SECOND);
  });

  it('does not let a known browser wait for quick tries while its budget is ahead of the clock, and freezes its bucket', () => {
    let { budget, now } = guessOn(6);
    const before = now - DAY;
    expect(waitAt(budget, before, 'device')).toBe(0);
    expect(waitAt(budget, now, 'device')).toBe(60 * SECOND);
    let tries = 0;
    for (; waitAt(budget, before + tries, 'device') === 0; tries++) budget = chargeGuess(budget, before + tries);
    expect(tries).toBe(14);
  });

  it('THR-5: is dated by the current clock after clearLockout', () => {
    const { budget, now } = guessOn(20);
    const before = now - 10 * YEAR;
    let cleared = restoreTries(budget, before);
    expect(budgetAt(cleared, before, 'account')).toMatchObject({ waitMs: 0, aheadMs: 0 });
    for (let tries = 0; tries < 5; tries++) cleared = chargeGuess(cleared, before);
    expect(waitAt(cleared, before)).toBeLessThanOrEqual(9 * HOUR);
  });

  const leap = fc.oneof(
    fc.constantFrom(SECOND, 30 * SECOND, 61 * SECOND, HOUR, 9 * HOUR, DAY, 30 * DAY, YEAR),
    fc.integer({ min: SECOND, max: YEAR }),
  );
  const owners: BudgetOwner[] = ['account', 'device', 'enrollment'];

  it.each(owners)('I3: allows at most one leap more than real time with two different clocks, in any order: %s', (owner) => {
    const steps = fc.array(fc.tuple(fc.boolean(), fc.oneof(fc.constant(0), fc.nat(HOUR), fc.nat(12 * HOUR))), {
      minLength: 20,
      maxLength: 200,
    });
    fc.assert(
      fc.property(leap, steps, fc.boolean(), (lead, asked, succeeds) => {
        let budget = UNTOUCHED;
        let real = T0;
        let evaluated = 0;
        for (const [ahead, pause] of asked) {
          real += pause;
          const now = real + (ahead ? lead : 0);
          // Each clock is tried repeatedly, as an attacker would.
          for (let tries = 0; tries < 30 && waitAt(budget, now, owner) === 0; tries++) {
            budget = chargeGuess(budget, now);
            if (succeeds) budget = afterSuccess(budget, now);
            evaluated++;
          }
        }
        const byTime = Math.floor((real - T0) / (9 * HOUR));
        return evaluated <= 20 + Math.min(20, Math.ceil(lead / (9 * HOUR))) + byTime + 1;
      }),
      { numRuns: 200 },
    );
  });

  it('I3: allows no more than the time between the first and the highest instant gives, for any history of jumps', () => {
    const jumps = fc.array(
      fc.oneof(
        leap,
        leap.map((by) => -by),
        fc.nat(HOUR),
      ),
      { minLength: 10, maxLength: 150 },
    );
    fc.assert(
      fc.property(jumps, fc.constantFrom(...owners), (history, owner) => {
        let budget = UNTOUCHED;
        let now = T0;
        let highest = T0;
        let evaluated = 0;
        for (const by of history) {
          now += by;
          if (waitAt(budget, now, owner) > 0) continue;
          highest = evaluated === 0 ? now : Math.max(highest, now);
          budget = chargeGuess(budget, now);
          evaluated++;
        }
        const span = Math.max(highest - T0, 0) + YEAR * Number(history[0] !== undefined && history[0] < 0);
        return evaluated <= 20 + span / (9 * HOUR) + 1;
      }),
      { numRuns: 200 },
    );
  });

  it('I9, THR-5: never waits longer than the highest instant plus nine hours, and support ends the wait', () => {
    const jump = fc.integer({ min: -3650 * DAY, max: 3650 * DAY });
    fc.assert(
      fc.property(fc.array(jump, { maxLength: 60 }), (jumps) => {
        let budget = UNTOUCHED;
        let highest = T0;
        for (const by of jumps) {
          const now = T0 + by;
          highest = Math.max(highest, now);
          const wait = waitAt(budget, now);
          if (now + wait > highest + 9 * HOUR) return false;
          if (wait === 0) budget = chargeGuess(budget, now);
        }
        const ends = T0 + waitAt(budget, T0);
        return waitAt(budget, ends) === 0 && waitAt(restoreTries(budget, T0), T0) === 0;
      }),
    );
  });
});

describe('wrong recovery codes', () => {
  it('THR-5, REC-6: are stored up to a hundred a minute', () => {
    let tries = { since: 0, count: 0 };
    for (let count = 0; count < 100; count++) {
      expect(isFlooded(tries, T0 + count)).toBe(false);
      tries = chargeRecovery(tries, T0 + count);
    }
    expect(isFlooded(tries, T0 + 100)).toBe(true);
    expect(isFlooded(tries, T0 + 59_999)).toBe(true);
    expect(isFlooded(tries, T0 + 60_000)).toBe(false);
    expect(chargeRecovery(tries, T0 + 60_000)).toEqual({ since: T0 + 60_000, count: 1 });
  });

  it('FLT-5: in a minute ahead of the clock do not count', () => {
    expect(isFlooded({ since: T0 + DAY, count: 100 }, T0)).toBe(false);
    expect(chargeRecovery({ since: T0 + DAY, count: 100 }, T0)).toEqual({ since: T0, count: 1 });
  });
});
