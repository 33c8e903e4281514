import { mergeConfig } from 'vitest/config';
import { shared as base } from '../../../vitest.shared.js';

// Runs the model against a core with a bug. These runs must fail.
const config = mergeConfig(base, {
  test: {
    root: new URL('../../..', import.meta.url).pathname,
    setupFiles: ['test/prove/seeded-bugs/inject.ts'],
    maxWorkers: 1,
  },
});

export default { ...config, test: { ...config.test, reporters: ['json'], globalSetup: [] } };
