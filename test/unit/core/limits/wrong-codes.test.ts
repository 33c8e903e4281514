import { describe, expect, it } from 'vitest';
import { type BudgetOwner, chargeGuess, type GuessBudget, UNTOUCHED } from '../../../../packages/core/src/limits/guess-budget.js';
import { noteWrongCode, type WrongCodes } from '../../../../packages/core/src/limits/wrong-codes.js';

const T0 = 1_800_000_000_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Makes wrong codes at these instants; returns what was reported with which one. */
function noticesOf(instants: readonly number[], owner: BudgetOwner = 'account', level?: number): string[] {
  let wrongCodes: WrongCodes | undefined;
  let budget: GuessBudget = UNTOUCHED;
  const said: string[] = [];
  instants.forEach((now, index) => {
    const charged = level === undefined ? chargeGuess({ ...budget, quick: 0 }, now) : { ...budget, level };
    const noted = noteWrongCode({ wrongCodes, budget: charged, owner }, now);
    wrongCodes = noted.wrongCodes;
    budget = noted.budget ?? charged;
    if (noted.level) said.push(`${index + 1} ${noted.level}`);
    expect(wrongCodes.at.length).toBeLessThanOrEqual(5);
    expect(wrongCodes.known?.length ?? 0).toBeLessThanOrEqual(10);
  });
  return said;
}

const every = (count: number, pause: number) => Array.from({ length: count }, (_, index) => T0 + index * pause);

describe('notices about wrong codes', () => {
  it('F83, LOG-5: report the third within 30 days, in any rhythm', () => {
    expect(noticesOf(every(3, 0), 'account', 1)).toEqual(['3 repeated']);
    expect(noticesOf(every(3, 14 * DAY), 'account', 1)).toEqual(['3 repeated']);
    expect(noticesOf(every(30, 15 * DAY + 1), 'account', 1)).toEqual([]);
  });

  it('F83: report three more after each notice, once a day', () => {
    expect(noticesOf(every(9, DAY), 'account', 1)).toEqual(['3 repeated', '6 repeated', '9 repeated']);
    // A wrong code every 6 hours: the third, then those that come a day after a notice.
    expect(noticesOf(every(20, 6 * HOUR), 'account', 1)).toEqual([
      '3 repeated',
      '7 repeated',
      '11 repeated',
      '15 repeated',
      '19 repeated',
    ]);
  });

  it('THR-2: report half of the bucket and a full bucket in a burst, because it got worse quickly', () => {
    expect(noticesOf(every(20, 0))).toEqual(['3 repeated', '10 half', '20 full']);
  });

  it('are not repeated on the same day for a level that is reached slowly', () => {
    const instants = Array.from({ length: 45 }, (_, day) => [0, 1, 2, 3].map((hour) => T0 + day * DAY + hour * HOUR)).flat();
    const days = noticesOf(instants).map((entry) => Math.floor((Number.parseInt(entry, 10) - 1) / 4));
    expect(new Set(days).size).toBe(days.length);
    expect(days.length).toBeGreaterThan(30);
  });

  it('do not repeat what release 1 reported a moment ago', () => {
    const budget = { quick: 0, lastWrongAt: T0, level: 12, levelAt: T0, halfReportedAt: T0 };
    const wrongCodes = { at: [T0 - 2, T0 - 1] };
    expect(noteWrongCode({ wrongCodes, budget, owner: 'account' }, T0 + DAY - 1).level).toBeUndefined();
    expect(noteWrongCode({ wrongCodes, budget, owner: 'account' }, T0 + DAY).level).toBe('half');
    const full = { ...budget, level: 20, fullReportedAt: T0 };
    expect(noteWrongCode({ wrongCodes, budget: full, owner: 'account' }, T0 + DAY - 1).level).toBeUndefined();
    expect(noteWrongCode({ wrongCodes, budget: full, owner: 'account' }, T0 + DAY)).toMatchObject({
      level: 'full',
      budget: { fullReportedAt: T0 + DAY },
    });
  });

  it('ignore typing errors on a known browser, unless there are ten', () => {
    expect(noticesOf(every(9, HOUR), 'device', 1)).toEqual([]);
    expect(noticesOf(every(10, HOUR), 'device', 1)).toEqual(['10 repeated']);
    expect(noticesOf(every(12, 4 * DAY), 'device', 1)).toEqual([]);
  });

  it('F31: are not forgotten if two clocks differ', () => {
    const lead = 365 * DAY;
    expect(noticesOf([T0, T0 + lead, T0 + 1, T0 + lead + 1, T0 + 2, T0 + lead + 2], 'account', 1).length).toBeGreaterThan(0);
  });
});
