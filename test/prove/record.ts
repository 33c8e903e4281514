import { afterEach, beforeEach, expect } from 'vitest';
import { takeCounts } from '../support/proof.js';

// In every test file of `npm run prove`: what each test has done goes to the table.
beforeEach(() => void takeCounts());
afterEach(({ task }) => {
  task.meta.proof = { ...takeCounts(), checks: expect.getState().assertionCalls };
});
