import type { MfaStorage } from '@mfa-kit/core';
import { expect } from 'vitest';
import { fc } from '../support/fast-check.js';
import { countFaults } from '../support/proof.js';
import { anyCommand, compare, createModel, enroll, type Model, type ModelCommand } from './commands.js';
import { createWorld, type World } from './world.js';

export interface Histories {
  runs: number;
  /** Jumps of the clock in milliseconds. With them the clock of each history is sometimes wrong. */
  jumps?: readonly number[];
  /** Checks at the end of a history. */
  end?: (model: Model, world: World) => Promise<void>;
}

/**
 * Runs random histories of one user in core and in the model, and compares the answer and all that is observable after each step.
 * A history that fails is shortened and printed. Add it to regressions.test.ts.
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

/** Runs exactly one history. */
export async function checkHistory(storage: MfaStorage, mfa: Model['mfa'], commands: readonly ModelCommand[]): Promise<Model> {
  const world = createWorld([storage], mfa);
  const model = createModel(mfa);
  await fc.asyncModelRun(() => ({ model, real: world }), commands);
  checkEvents(model, world);
  await compare(model, world, 'at the end');
  return model;
}

/** I4, I11: there are as many success events as marked sessions, and events of a user who has a record. Without one there may be none. */
function checkEvents({ proofs, state }: Model, { events }: World): void {
  const named = (name: string) => events.filter((event) => event.name === name).length;
  expect(named('verified') + named('authenticator_enrolled'), 'events of success').toBe(proofs);
  expect(events.length, 'events').toBeGreaterThanOrEqual(state.exists ? 1 : 0);
}
