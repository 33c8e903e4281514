import { memoryStorage } from '@mfa-kit/core/storage/memory';
import { describe, expect, it } from 'vitest';
import { DAY, HOUR, SECOND } from '../support/core-fixture.js';
import { ROUNDS } from '../support/proof.js';
import { comeIn, enroll, type Model, moveClock } from './commands.js';
import { checkHistories } from './histories.js';
import type { World } from './world.js';

const YEAR = 365 * DAY;
const jumps = [30 * SECOND, 90 * SECOND, HOUR, DAY, 10 * YEAR].flatMap((by) => [by, -by]);

describe('what core does is what the model says', () => {
  it('I1, I2, I3, I4, I5, I6: whatever one user, an attacker and support do, one after another', async () => {
    await checkHistories(() => [memoryStorage()], { runs: 4 * ROUNDS });
  }, 600_000);

  it('d-4, I1, I6, I9, FLT-5: the same while the clock jumps both ways, and nobody is locked out for ever', async () => {
    await checkHistories(() => [memoryStorage()], { runs: 4 * ROUNDS, jumps, end: comesInAfterEightDays });
  }, 600_000);
});

/**
 * Instants that lie ahead of the clock count as now for the first who comes; from then on the longest wait is that of a full
 * bucket, which is less than eight days.
 */
async function comesInAfterEightDays(model: Model, world: World): Promise<void> {
  if (model.state.apps.length === 0) return enroll(0, 0).run(model, world);
  await comeIn(0, 0, 0).run(model, world);
  await moveClock(8 * DAY).run(model, world);
  const before = model.proofs;
  await comeIn(0, 0, 0).run(model, world);
  expect(model.proofs - before, 'a right code eight days later is accepted').toBe(1);
}
