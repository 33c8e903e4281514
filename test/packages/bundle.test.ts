import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
let packages: string;

beforeEach(() => {
  // A place where it finds the same dependencies.
  packages = mkdtempSync(`${root}node_modules/.mfa-kit-bundle-`);
  copyFileSync(`${root}packages/bundle.mjs`, `${packages}/bundle.mjs`);
});
afterEach(() => rmSync(packages, { recursive: true }));

const bundle = () => spawnSync(process.execPath, [`${packages}/bundle.mjs`], { encoding: 'utf8' });

it('skips packages that were not compiled', () => {
  const { status, stderr } = bundle();
  expect(stderr).toBe('');
  expect(status).toBe(0);
});

it('says how to fix a folder that is empty although the compiler considers it built', () => {
  mkdirSync(`${packages}/express`);
  writeFileSync(`${packages}/express/tsconfig.tsbuildinfo`, '{}');
  const { status, stderr } = bundle();
  expect(stderr).toContain('express/build is empty. Run: npx tsc -b --force && npm run build');
  expect(status).toBe(1);
});

it('F16: names a chunk by its content, keeps its map, and removes chunks of another build', () => {
  const chunks = `${packages}/core/dist/chunks`;
  mkdirSync(`${packages}/core/build`, { recursive: true });
  writeFileSync(`${packages}/core/package.json`, '{ "exports": { ".": { "default": "./dist/index.js" } } }');
  const compile = (text: string, instant: number) => {
    const files = {
      'index.js': `export const load = () => import('./late.js');\n`,
      'late.js': `export const late = '${text}';\n`,
    };
    for (const [file, code] of Object.entries(files)) {
      writeFileSync(`${packages}/core/build/${file}`, code);
      utimesSync(`${packages}/core/build/${file}`, instant, instant);
    }
  };
  const names = [];
  for (const [index, text] of ['first', 'second'].entries()) {
    compile(text, Date.now() / 1000 + index * 60);
    expect(bundle().stderr).toBe('');
    const [name = '', ...more] = readdirSync(chunks).sort();
    expect(more).toEqual([`${name}.map`]);
    expect(name).toMatch(/^late-[\w-]{8}\.js$/);
    expect(readFileSync(`${chunks}/${name}`, 'utf8')).toContain(`late = "${text}"`);
    expect(existsSync(`${packages}/core/dist/index.js.map`)).toBe(true);
    names.push(name);
  }
  expect(names[0]).not.toBe(names[1]);
});
