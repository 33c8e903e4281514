import { defineConfig } from 'vitest/config';
import { shared } from './vitest.shared.js';

const { include = [], globalSetup, reporters, maxWorkers, sequence, ...settings } = shared.test ?? {};

/**
 * Files that change nothing global and close what they open. A worker loads the sources and the frameworks once for all of them, which
 * takes longer than many of the files themselves.
 */
const TOGETHER = ['test/{contract,core,express,faults,fuzz,journeys,model,nest,races,upgrade,vectors}/**/*.test.ts'];
/** Files of those folders that replace timers, count the warnings of the whole process, or register with a package's global instance. */
const APART = ['test/core/{host-input,timers}.test.ts', 'test/nest/passport.test.ts'];

export default defineConfig({
  ...shared,
  test: {
    globalSetup,
    reporters,
    maxWorkers,
    sequence,
    projects: [
      { ...shared, test: { ...settings, name: 'together', include: TOGETHER, exclude: APART, isolate: false } },
      { ...shared, test: { ...settings, name: 'apart', include: APART } },
      { ...shared, test: { ...settings, name: 'alone', include, exclude: [...TOGETHER, '**/node_modules/**'] } },
    ],
  },
});
