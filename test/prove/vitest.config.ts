import { mergeConfig } from 'vitest/config';
import { shared as base } from '../../vitest.shared.js';

// The long rounds: the same tests, repeated more often, with a table of what each has done.
export default mergeConfig(base, {
  test: {
    root: new URL('../..', import.meta.url).pathname,
    include: ['test/**/*.test.ts', 'test/prove/*.prove.ts'],
    setupFiles: ['test/prove/record.ts'],
    reporters: ['./test/prove/table-reporter.ts'],
    // Fewer in parallel, because recovery times are measured here.
    maxWorkers: 2,
    testTimeout: 600_000,
  },
});
