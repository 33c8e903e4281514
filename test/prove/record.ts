import { afterEach, beforeEach, expect } from 'vitest';
import { takeCounts } from '../support/proof.js';

// Runs in every test file of `npm run prove` and records what each test has done for the table.
beforeEach(() => void takeCounts());
afterEach(({ task }) => {
  task.meta.proof = { ...takeCounts(), checks: expect.getState().assertionCalls };
});
