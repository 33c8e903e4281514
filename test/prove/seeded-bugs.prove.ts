import { describe, expect, it } from 'vitest';
import { countFaults } from '../support/proof.js';
import { seededBugs } from './seeded-bugs/bugs.js';
import { runWithBug } from './seeded-bugs/run.js';

describe('the model, compared with a core that has a bug', () => {
  it('finds nothing without a bug', async () => {
    const { passed, failures } = await runWithBug('none');
    expect(failures).toEqual([]);
    expect(passed).toBeGreaterThan(3);
  });

  it.each(seededBugs.map(({ name }) => [name]))('d-0b: finds: %s', async (name) => {
    countFaults();
    const { failures } = await runWithBug(name);
    expect(failures.length, 'tests that failed').toBeGreaterThan(0);
    expect(failures.join(), 'what they say').toMatch(/Property failed|AssertionError|core has one id/);
  });
});
