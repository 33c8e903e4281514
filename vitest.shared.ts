import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { SlowFilesFirst } from './test/support/slow-files-first.js';

// Sources are tested without a build: each package's `exports` has this condition first. Not 'module', which bundlers know and Node
// does not: the AWS SDK has sources there that Node cannot load.
const conditions = ['mfa-kit-source', 'node', 'development|production'];

/** What all runs of the tests share. */
export const shared = defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    reporters: ['default', './test/support/count-reporter.ts'],
    // Much of the time is spent waiting for browsers and servers, so a machine of two cores runs three files at once.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    sequence: { sequencer: SlowFilesFirst },
    testTimeout: 30_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 10_000 } },
  },
});
