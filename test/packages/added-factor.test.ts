import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
const sample = path.join(import.meta.dirname, 'added-factor');

/** All lines that ARCHITECTURE.md requires outside of the folder of a factor, each with the line before which it is added. */
const LINES = [
  {
    file: 'assurance.ts',
    line: "  counter: { kind: 'counter-code', amr: 'counter', acr: ACR.active, remembers: true },",
    before: "  'recovery-code': {",
  },
  {
    file: 'factors/registry.ts',
    line: "import { counterCodeFactor } from './counter-code/counter-code.js';",
    before: "import type { Factor } from './factor.js';",
  },
  { file: 'factors/registry.ts', line: "  'counter-code': counterCodeFactor,", before: "  'recovery-code': recoveryCodeFactor," },
];

let copy: string;

beforeAll(() => {
  copy = mkdtempSync(path.join(tmpdir(), 'mfa-kit-added-factor-'));
  cpSync(path.join(root, 'packages/core/src'), path.join(copy, 'src'), { recursive: true });
  symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'));
  writeFileSync(path.join(copy, 'package.json'), '{ "type": "module" }');
  const compilerOptions = { rootDir: 'src', outDir: 'built', composite: false, declaration: false, declarationMap: false };
  writeFileSync(
    path.join(copy, 'tsconfig.json'),
    JSON.stringify({ extends: path.join(root, 'tsconfig.base.json'), compilerOptions, include: ['src'] }),
  );
  cpSync(path.join(sample, 'counter-code'), path.join(copy, 'src/factors/counter-code'), { recursive: true });
  for (const { file, line, before } of LINES) {
    const source = read(file);
    expect(source.split(`\n${before}`)).toHaveLength(2);
    writeFileSync(
      path.join(copy, 'src', file),
      source.replace(`\n${before}`, () => `\n${line}\n${before}`),
    );
  }
});

afterAll(() => rmSync(copy, { recursive: true, force: true }));

it('a factor that is added with a folder and three lines can be enrolled, proven, listed, shown and removed', {
  timeout: 120_000,
}, () => {
  expect(compile()).toEqual([]);
  const used = execFileSync(process.execPath, [path.join(sample, 'use-it.mjs'), path.join(copy, 'built')], { encoding: 'utf8' });
  expect(used.split('\n')).toEqual(['enrolled', 'proven', 'listed', 'drawn', 'awaited', 'removed', '']);
});

it('without its folder the compiler reports errors only in these lines', { timeout: 240_000 }, () => {
  rmSync(path.join(copy, 'src/factors/counter-code'), { recursive: true });
  const [row, imported, registered] = LINES.map(({ line }) => line);
  expect(compile()).toEqual([expect.stringContaining("Cannot find module './counter-code/counter-code.js'")]);
  expect(linesNamed(compile())).toEqual([imported]);
  removeLine(imported);
  expect(linesNamed(compile())).toEqual([registered]);
  removeLine(registered);
  // The row of the table is still there, and the registry requires its factor.
  expect(compile()[0]).toMatch(/^src\/factors\/registry\.ts.*Property '"counter-code"' is missing/);
  removeLine(row);
  expect(compile()).toEqual([]);
});

function read(file: string): string {
  return readFileSync(path.join(copy, 'src', file), 'utf8');
}

function removeLine(line: string | undefined): void {
  for (const { file } of LINES) {
    const lines = read(file).split('\n');
    writeFileSync(path.join(copy, 'src', file), lines.filter((one) => one !== line).join('\n'));
  }
}

/** The compiler's errors, as `file(line): text`. */
function compile(): string[] {
  const { stdout } = spawnSync(process.execPath, [path.join(root, 'node_modules/typescript/bin/tsc'), '--pretty', 'false'], {
    cwd: copy,
    encoding: 'utf8',
  });
  return stdout.split('\n').filter((line) => line.includes('error TS'));
}

/** The lines of the sources that the compiler complains about. */
function linesNamed(errors: string[]): (string | undefined)[] {
  const named = errors.map((error) => {
    const [, file = '', line = ''] = /^src\/(.+?)\((\d+),/.exec(error) ?? [];
    return read(file).split('\n')[Number(line) - 1];
  });
  return [...new Set(named)];
}
