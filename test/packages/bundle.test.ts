import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
let packages: string;

beforeEach(() => {
  // Where it finds the same dependencies.
  packages = mkdtempSync(`${root}node_modules/.mfa-kit-bundle-`);
  copyFileSync(`${root}packages/bundle.mjs`, `${packages}/bundle.mjs`);
});
afterEach(() => rmSync(packages, { recursive: true }));

const bundle = () => spawnSync(process.execPath, [`${packages}/bundle.mjs`], { encoding: 'utf8' });

it('passes over packages that were not compiled', () => {
  const { status, stderr } = bundle();
  expect(stderr).toBe('');
  expect(status).toBe(0);
});

it('says how to mend a folder that only the compiler takes for full', () => {
  mkdirSync(`${packages}/express`);
  writeFileSync(`${packages}/express/tsconfig.tsbuildinfo`, '{}');
  const { status, stderr } = bundle();
  expect(stderr).toContain('express/build is empty. Run: npx tsc -b --force && npm run build');
  expect(status).toBe(1);
});
