import { describe, expect, it } from 'vitest';
import { fc } from '../support/fast-check.js';
import { disorder, type Try } from './history.js';

function tried(step: number, accepted: boolean, invokedAt: number, returnedAt: number): Try {
  return { step, accepted, invokedAt, returnedAt };
}

describe('STO-2: the order of accepted codes', () => {
  it('exists if steps advance, and if concurrent ones can be ordered', () => {
    expect(disorder([tried(1, true, 0, 1), tried(1, false, 0, 2), tried(2, true, 3, 4), tried(1, false, 5, 6)])).toEqual([]);
    expect(disorder([tried(2, true, 0, 9), tried(1, true, 1, 8)])).toEqual([]);
  });

  it.each([
    ['accepted twice', [tried(1, true, 0, 1), tried(1, true, 0, 1)]],
    ['accepted out of order', [tried(2, true, 0, 1), tried(1, true, 2, 3)]],
    ['refused out of order', [tried(1, false, 0, 1), tried(1, true, 2, 3)]],
    ['refused although nothing had closed it', [tried(2, false, 0, 9), tried(1, true, 0, 1)]],
  ])('does not exist if a step was %s', (what, tries) => {
    expect(disorder(tries).join()).toContain(what);
  });

  it('exists exactly if a search through all orders finds one', () => {
    const one = fc.record({
      step: fc.integer({ min: 1, max: 3 }),
      accepted: fc.boolean(),
      invokedAt: fc.integer({ min: 0, max: 20 }),
      took: fc.integer({ min: 1, max: 10 }),
    });
    const history = fc.array(one, { maxLength: 6 }).map((list) =>
      // All instants differ, as on a real clock.
      list.map(({ took, ...rest }, index) => ({
        ...rest,
        invokedAt: rest.invokedAt + index / 100,
        returnedAt: rest.invokedAt + took + index / 100 + 0.005,
      })),
    );
    fc.assert(
      fc.property(history, (tries) => {
        expect(disorder(tries).length === 0).toBe(hasOrder(tries, 0));
      }),
      { numRuns: 2_000 },
    );
  });
});

/** The search of Wing and Gong for an order that respects real time and is valid for a register that only advances. */
function hasOrder(left: readonly Try[], register: number): boolean {
  if (left.length === 0) return true;
  const firstReturn = Math.min(...left.map(({ returnedAt }) => returnedAt));
  return left.some((one, index) => {
    if (one.invokedAt > firstReturn || one.accepted !== one.step > register) return false;
    const rest = left.filter((_, position) => position !== index);
    return hasOrder(rest, one.accepted ? one.step : register);
  });
}

it('includes codes that closed a step before the race', () => {
  const race = [tried(4, false, 1, 2), tried(5, true, 3, 4)];
  expect(disorder(race)).not.toEqual([]);
  expect(disorder([tried(4, true, 0, 0), ...race])).toEqual([]);
});
