import { mergeConfig } from 'vitest/config';
import { shared as base } from '../../vitest.shared.js';

// The long rounds: the same tests, more often, with what each has done in a table.
export default mergeConfig(base, {
  test: {
    root: new URL('../..', import.meta.url).pathname,
    include: ['test/**/*.test.ts', 'test/prove/*.prove.ts'],
    setupFiles: ['test/prove/record.ts'],
    reporters: ['./test/prove/table-reporter.ts'],
    // Less beside each other: here it is counted how soon things heal.
    maxWorkers: 2,
    testTimeout: 600_000,
  },
});
