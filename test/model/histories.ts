import type { MfaStorage } from '@mfa-kit/core';
import { expect } from 'vitest';
import { fc } from '../support/fast-check.js';
import { countFaults } from '../support/proof.js';
import { anyCommand, compare, createModel, enroll, type Model, type ModelCommand } from './commands.js';
import { createWorld, type World } from './world.js';

export interface Histories {
  runs: number;
  /** Jumps of the clock in milliseconds; with them each history is one of a clock that is wrong now and then. */
  jumps?: readonly number[];
  /** What must hold when a history has ended. */
  end?: (model: Model, world: World) => Promise<void>;
}

/**
 * Random histories of one user, each step of which core and the model do alike: the answer, and afterwards all that can be seen.
 * A history that fails is shortened and printed; what was to be learned from it goes to regressions.test.ts.
 */
export async function checkHistories(open: () => readonly MfaStorage[], { runs, jumps = [], end }: Histories): Promise<void> {
  const history = fc.record({
    mfa: fc.constantFrom('required' as const, 'optional' as const),
    begun: fc.nat(4).map((one) => one > 0),
    commands: fc.commands([anyCommand(jumps)], { maxCommands: 50, size: 'max' }),
  });
  await fc.assert(
    fc.asyncProperty(history, async ({ mfa, begun, commands }) => {
      const world = createWorld(open(), mfa);
      const model = createModel(mfa);
      if (begun) await enroll(0, 0).run(model, world);
      await fc.asyncModelRun(() => ({ model, real: world }), commands);
      if (jumps.length > 0) countFaults([...commands].length);
      checkEvents(model, world);
      await end?.(model, world);
    }),
    { numRuns: runs, endOnFailure: process.env.MFA_KIT_SEEDED_BUG !== undefined },
  );
}

/** One history, to the letter. */
export async function checkHistory(storage: MfaStorage, mfa: Model['mfa'], commands: readonly ModelCommand[]): Promise<Model> {
  const world = createWorld([storage], mfa);
  const model = createModel(mfa);
  await fc.asyncModelRun(() => ({ model, real: world }), commands);
  checkEvents(model, world);
  await compare(model, world, 'at the end');
  return model;
}

/** I4, I11: as many events of success as sessions that were marked, and one of each operation at least. */
function checkEvents({ proofs, count }: Model, { events }: World): void {
  const named = (name: string) => events.filter((event) => event.name === name).length;
  expect(named('verified') + named('authenticator_enrolled'), 'events of success').toBe(proofs);
  expect(events.length, 'events').toBeGreaterThanOrEqual(Math.min(count, 1));
}
