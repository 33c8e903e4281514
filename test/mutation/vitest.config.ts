import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { shared as base } from '../../vitest.shared.js';

// In Stryker's sandbox `node_modules` links to the real packages, so map their names to the mutated sources.
const root = new URL('../../', import.meta.url);

interface Manifest {
  name: string;
  exports: Record<string, string | { 'mfa-kit-source': string }>;
}

const alias = ['core', 'express', 'nest'].flatMap((folder) => {
  const manifest = JSON.parse(readFileSync(new URL(`packages/${folder}/package.json`, root), 'utf8')) as Manifest;
  return Object.entries(manifest.exports).flatMap(([subpath, target]) => {
    if (typeof target === 'string') return [];
    const source = new URL(`packages/${folder}/${target['mfa-kit-source']}`, root).pathname;
    return { find: new RegExp(`^${manifest.name}${subpath.slice(1)}$`), replacement: source };
  });
});

const tests = process.env.MFA_KIT_MUTANT_TESTS;
if (!tests) throw new Error('Run "npm run mutants", which sets the tests for a folder.');

export default defineConfig({
  ...base,
  resolve: { ...base.resolve, alias },
  test: {
    ...base.test,
    root: root.pathname,
    include: tests.split(' '),
    exclude: ['test/unit/core/flows/journeys/attacker-year.test.ts'],
    globalSetup: [],
    testTimeout: 15_000,
  },
});
