import { fileURLToPath } from 'node:url';

const folder = process.env.MFA_KIT_MUTANT_FOLDER;
if (!folder) throw new Error('Run "npm run mutants", which sets the folder.');

export default {
  mutate: [`packages/core/src/${folder}/**/*.ts`],
  plugins: [fileURLToPath(new URL('runner.mjs', import.meta.url))],
  testRunner: 'warm',
  vitest: { configFile: 'test/mutation/vitest.config.ts' },
  coverageAnalysis: 'perTest',
  concurrency: 2,
  incremental: true,
  incrementalFile: `.mutants/${folder}.incremental.json`,
  tempDirName: '.mutants/sandbox',
  ignorePatterns: ['.mutants', 'docs', 'examples', 'dist', 'test/mutation/node_modules'],
  // Stryker would rewrite it with TypeScript's JavaScript API, which TypeScript 7 does not have. Nothing in the sandbox needs it.
  tsconfigFile: 'none',
  // Vitest removes the types. Stryker would put @ts-nocheck into every file instead.
  disableTypeChecks: false,
  reporters: ['progress-append-only', 'clear-text', 'html', 'json'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  htmlReporter: { fileName: `.mutants/${folder}.html` },
  jsonReporter: { fileName: `.mutants/${folder}.json` },
  thresholds: { high: 95, low: 90, break: 90 },
  timeoutMS: 20_000,
  timeoutFactor: 2,
};
