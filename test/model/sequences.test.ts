import { memoryStorage } from '@mfa-kit/core/storage/memory';
import { describe, expect, it } from 'vitest';
import { DAY, HOUR, SECOND } from '../support/core-fixture.js';
import { ROUNDS } from '../support/proof.js';
import { enroll, logInWithCode, type Model, moveClock, support } from './commands.js';
import { checkHistories } from './histories.js';
import type { World } from './world.js';

const YEAR = 365 * DAY;
const jumps = [30 * SECOND, 90 * SECOND, HOUR, DAY, 10 * YEAR].flatMap((by) => [by, -by]);

describe('core behaves as the model', () => {
  it('I1, I2, I3, I4, I5, I6: for any sequence of operations of one user, an attacker and support', async () => {
    await checkHistories(() => [memoryStorage()], { runs: 4 * ROUNDS });
  }, 600_000);

  it('d-4, I1, I6, I9, FLT-5: while the clock jumps forward and back, and without a permanent lockout', async () => {
    await checkHistories(() => [memoryStorage()], { runs: 4 * ROUNDS, jumps, end: comesInAfterEightDays });
  }, 600_000);
});

/**
 * The longest wait is that of a full bucket, which is less than eight days. A budget that lies ahead of the clock drains only once that
 * instant has passed again, so then support clears the lockout.
 */
async function comesInAfterEightDays(model: Model, world: World): Promise<void> {
  if (model.state.apps.length === 0) return enroll(0, 0).run(model, world);
  await logInWithCode(0, 0, 0).run(model, world);
  await moveClock(8 * DAY).run(model, world);
  const before = model.proofs;
  await logInWithCode(0, 0, 0).run(model, world);
  if (model.proofs === before) {
    await support('clear the lockout', 0).run(model, world);
    await logInWithCode(0, 0, 0).run(model, world);
  }
  expect(model.proofs - before, 'a right code eight days later is accepted').toBe(1);
}
