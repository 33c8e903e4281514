import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  afterSuccess,
  budgetAt,
  chargeGuess,
  chargeReplay,
  type GuessBudget,
  giveTriesBack,
  guessCost,
  UNTOUCHED,
} from '../../../packages/core/src/policy/lockout.js';
import { chargeRecovery, recoveryWait } from '../../../packages/core/src/policy/recovery-limit.js';

const T0 = 1_800_000_000_000;
const SECOND = 1000;
const HOUR = 3600 * SECOND;
const DAY = 24 * HOUR;

/** Wrong guesses, each as soon as it is allowed; gives the waits before each. */
function guessOn(count: number, cost = 1, from = UNTOUCHED): { budget: GuessBudget; waits: number[]; now: number } {
  let budget = from;
  let now = T0;
  const waits: number[] = [];
  for (let tries = 0; tries < count; tries++) {
    const { waitMs, budget: settled } = budgetAt(budget, cost, now);
    waits.push(waitMs / SECOND);
    now += waitMs;
    budget = chargeGuess(waitMs === 0 ? settled : budgetAt(budget, cost, now).budget, cost, now).budget;
  }
  return { budget, waits, now };
}

describe('the guess budget', () => {
  it('THR-2: five quick tries, then 30 seconds doubling up to an hour', () => {
    expect(guessOn(15).waits).toEqual([0, 0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
  });

  it('THR-2: twenty guesses, then one each nine hours', () => {
    const { waits, now } = guessOn(20);
    expect(waits.slice(13)).toEqual(Array.from({ length: 7 }, () => 3600));
    // The drain began with the first guess; a unit was back before the twentieth.
    const next = guessOn(24).waits.slice(20);
    expect(now - T0).toBeGreaterThan(9 * HOUR);
    expect(next.every((wait) => wait <= 9 * 3600)).toBe(true);
    expect(next.at(-1)).toBe(9 * 3600);
  });

  it('THR-2: the quick tries are forgotten after 24 hours without a wrong one, not a millisecond before', () => {
    const { budget, now } = guessOn(12);
    expect(budgetAt(budget, 1, now + DAY - 1).budget.quick).toBe(12);
    expect(budgetAt(budget, 1, now + DAY).budget.quick).toBe(0);
  });

  it('a unit drains after nine hours, not a millisecond before', () => {
    const { budget } = chargeGuess(UNTOUCHED, 1, T0);
    expect(budgetAt(budget, 1, T0 + 9 * HOUR - 1).budget.level).toBe(1);
    expect(budgetAt(budget, 1, T0 + 9 * HOUR).budget.level).toBe(0);
    const two = chargeGuess(budget, 1, T0 + 5 * HOUR).budget;
    expect(budgetAt(two, 1, T0 + 9 * HOUR).budget.level).toBe(1);
    expect(budgetAt(two, 1, T0 + 18 * HOUR).budget.level).toBe(0);
  });

  it.each([
    [0, 1],
    [1, 1],
    [3, 3],
    [5, 5],
    [10, 5],
  ])('THR-2: with %i authenticators a guess costs %i', (authenticators, cost) => {
    expect(guessCost(authenticators)).toBe(cost);
  });

  it.each([1, 2, 3, 5])('THR-2: at cost %i the bucket never holds more than 20', (cost) => {
    let { budget, now } = guessOn(Math.floor(20 / cost), cost);
    expect(budget.level).toBeLessThanOrEqual(20);
    for (let more = 0; more < 20; more++) {
      now += budgetAt(budget, cost, now).waitMs;
      const state = budgetAt(budget, cost, now);
      expect(state.waitMs).toBe(0);
      budget = chargeGuess(state.budget, cost, now).budget;
      expect(budget.level).toBeLessThanOrEqual(20);
    }
  });

  it('THR-2, I3: never over 100 units in any 30 days, however the tries are spread', () => {
    const waits = fc.array(fc.oneof(fc.constant(0), fc.nat(40 * HOUR), fc.nat(5 * DAY)), { minLength: 50, maxLength: 400 });
    fc.assert(
      fc.property(waits, fc.integer({ min: 1, max: 5 }), fc.boolean(), (pauses, cost, succeeds) => {
        let budget = UNTOUCHED;
        let now = T0;
        const at: number[] = [];
        for (const pause of pauses) {
          now += pause;
          const before = budgetAt(budget, cost, now);
          now += before.waitMs;
          budget = chargeGuess(budgetAt(budget, cost, now).budget, cost, now).budget;
          if (succeeds) budget = afterSuccess(budget);
          at.push(now);
        }
        return at.every((start) => at.filter((instant) => instant >= start && instant < start + 30 * DAY).length * cost <= 100);
      }),
      { numRuns: 150 },
    );
  });

  it('T7, THR-1: a success gives the quick tries back and nothing else', () => {
    const { budget } = guessOn(12);
    expect(afterSuccess(budget)).toEqual({ ...budget, quick: 0 });
  });

  it('a used code costs a quick try and no unit', () => {
    const { budget } = guessOn(4);
    expect(chargeReplay(budget, T0 + 7)).toEqual({ ...budget, quick: 5, lastWrongAt: T0 + 7 });
  });

  it.each([1, 2, 3])('THR-5: support gives five tries back, at cost %i', (cost) => {
    let { budget, now } = guessOn(Math.floor(20 / cost), cost);
    expect(budgetAt(budget, cost, now).waitMs).toBeGreaterThan(0);
    budget = giveTriesBack(budget, cost, now);
    for (let tries = 0; tries < 5; tries++) {
      expect(budgetAt(budget, cost, now).waitMs).toBe(0);
      budget = chargeGuess(budgetAt(budget, cost, now).budget, cost, now).budget;
    }
    expect(budgetAt(budget, cost, now).waitMs).toBeGreaterThan(0);
  });

  it('support’s five tries take nothing from a budget that has more', () => {
    const { budget, now } = guessOn(3);
    expect(giveTriesBack(budget, 1, now)).toMatchObject({ quick: 0, level: 3 });
  });
});

describe('suspicion', () => {
  it('THR-2: is told at half and at full, once a day each', () => {
    let budget = UNTOUCHED;
    let now = T0;
    const told: [string, number][] = [];
    for (let tries = 0; tries < 40; tries++) {
      now += budgetAt(budget, 1, now).waitMs;
      const charged = chargeGuess(budgetAt(budget, 1, now).budget, 1, now);
      budget = charged.budget;
      if (charged.suspicion) told.push([charged.suspicion, now]);
    }
    expect(told.slice(0, 2).map(([level]) => level)).toEqual(['half', 'full']);
    for (const level of ['half', 'full']) {
      const times = told.filter(([name]) => name === level).map(([, at]) => at);
      for (let index = 1; index < times.length; index++)
        expect((times[index] ?? 0) - (times[index - 1] ?? 0)).toBeGreaterThanOrEqual(DAY);
    }
  });

  it('comes with the tenth unit and with the last', () => {
    const suspicions: (string | undefined)[] = [];
    let budget = UNTOUCHED;
    for (let tries = 0; tries < 20; tries++) {
      const charged = chargeGuess({ ...budget, quick: 0 }, 1, T0);
      budget = charged.budget;
      suspicions.push(charged.suspicion);
    }
    expect(suspicions.map((level, index) => (level ? `${index + 1} ${level}` : '')).filter(Boolean)).toEqual([
      '10 half',
      '20 full',
    ]);
  });

  it('comes again after a day, not a millisecond before, and whichever way the clock was wrong', () => {
    const half = { quick: 0, lastWrongAt: T0, level: 12, levelAt: T0, halfReportedAt: T0 };
    const full = { ...half, level: 19, fullReportedAt: T0 };
    for (const away of [DAY - 1, 1 - DAY]) {
      expect(chargeGuess(half, 1, T0 + away).suspicion).toBeUndefined();
      expect(chargeGuess(full, 1, T0 + away).suspicion).toBeUndefined();
    }
    for (const away of [DAY, -DAY]) {
      expect(chargeGuess(half, 1, T0 + away).suspicion).toBe('half');
      expect(chargeGuess(full, 1, T0 + away).suspicion).toBe('full');
    }
  });
});

describe('FLT-5: a clock that jumped', () => {
  it.each([1, 5, 20])('THR-5: locks nobody for ever: %i guesses by a clock ten years ahead', (count) => {
    let { budget } = guessOn(count, 1, UNTOUCHED);
    budget = { ...budget, lastWrongAt: T0 + 3650 * DAY, levelAt: T0 + 3650 * DAY };
    const first = budgetAt(budget, 1, T0);
    expect(first.mustStore).toBe(true);
    // What is stored then counts from now, and ends.
    const after = budgetAt(first.budget, 1, T0);
    expect(after.waitMs).toBeLessThanOrEqual(count < 20 ? HOUR : 9 * HOUR);
    expect(budgetAt(first.budget, 1, T0 + after.waitMs).waitMs).toBe(0);
  });

  it.each(['lastWrongAt', 'levelAt'] as const)('a lead of %s alone is stored anew too', (name) => {
    const { budget, now } = guessOn(5);
    const past = { ...budget, lastWrongAt: now - DAY, levelAt: now - HOUR };
    expect(budgetAt(past, 1, now).mustStore).toBe(false);
    const state = budgetAt({ ...past, [name]: now + DAY }, 1, now);
    expect(state.mustStore).toBe(true);
    expect(state.budget[name]).toBeLessThanOrEqual(now);
  });

  it('a lead of a minute is no reason to write', () => {
    const { budget, now } = guessOn(5);
    expect(budgetAt({ ...budget, levelAt: now }, 1, now - 60 * SECOND).mustStore).toBe(false);
    expect(budgetAt({ ...budget, levelAt: now }, 1, now - 61 * SECOND).mustStore).toBe(true);
  });

  it('a clock set back gives no try back', () => {
    const { budget, now } = guessOn(20);
    const back = budgetAt(budget, 1, now - 300 * DAY);
    expect(back.budget).toMatchObject({ quick: budget.quick, level: budget.level });
    expect(back.waitMs).toBeGreaterThan(0);
  });

  it('no sequence of jumps makes a wait longer than nine hours a unit', () => {
    const jump = fc.integer({ min: -3650 * DAY, max: 3650 * DAY });
    fc.assert(
      fc.property(fc.array(jump, { maxLength: 60 }), fc.integer({ min: 1, max: 5 }), (jumps, cost) => {
        let budget = UNTOUCHED;
        for (const by of jumps) {
          const now = T0 + by;
          const state = budgetAt(budget, cost, now);
          if (state.waitMs > cost * 9 * HOUR) return false;
          if (state.waitMs === 0) budget = chargeGuess(state.budget, cost, now).budget;
          else if (state.mustStore) budget = state.budget;
        }
        const state = budgetAt(budget, cost, T0);
        const stored = state.mustStore ? state.budget : budget;
        // What was stored less than a minute ahead of the clock stays so: the wait may end that much later.
        return budgetAt(stored, cost, T0 + state.waitMs + 60 * SECOND).waitMs === 0;
      }),
      { examples: [[[0, 0, 9 * HOUR, 1], 5]] },
    );
  });
});

describe('wrong recovery codes', () => {
  it('THR-5, REC-6: a hundred a minute, and no lock', () => {
    let tries = { since: 0, count: 0 };
    for (let count = 0; count < 100; count++) {
      expect(recoveryWait(tries, T0 + count)).toBe(0);
      tries = chargeRecovery(tries, T0 + count);
    }
    expect(recoveryWait(tries, T0 + 100)).toBe(60_000 - 100);
    expect(recoveryWait(tries, T0 + 59_999)).toBe(1);
    expect(recoveryWait(tries, T0 + 60_000)).toBe(0);
    expect(chargeRecovery(tries, T0 + 60_000)).toEqual({ since: T0 + 60_000, count: 1 });
  });

  it('FLT-5: a minute that lies ahead of the clock stops nobody', () => {
    expect(recoveryWait({ since: T0 + DAY, count: 100 }, T0)).toBe(0);
    expect(chargeRecovery({ since: T0 + DAY, count: 100 }, T0)).toEqual({ since: T0, count: 1 });
  });
});
