import { defineConfig } from 'vitest/config';
import { shared } from './vitest.shared.js';

const { include = [], globalSetup, reporters, maxWorkers, sequence, ...settings } = shared.test ?? {};

/** Files that start no server, change no global and warn of nothing: a worker loads the sources once for all of them. */
const PLAIN = ['test/core/{crypto,factors,policy,profile,tokens,http,pages}/**/*.test.ts', 'test/vectors/**/*.test.ts'];

export default defineConfig({
  ...shared,
  test: {
    globalSetup,
    reporters,
    maxWorkers,
    sequence,
    projects: [
      { ...shared, test: { ...settings, name: 'plain', include: PLAIN, isolate: false } },
      { ...shared, test: { ...settings, name: 'rest', include, exclude: [...PLAIN, '**/node_modules/**'] } },
    ],
  },
});
