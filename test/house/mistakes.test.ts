import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { WARNING_SENTENCES } from '../../packages/core/src/warnings/process-warnings.js';
import { allDocs } from './docs.js';
import { filesUnder, root, sourcesOf } from './sources.js';

const page = allDocs().find(({ file }) => file === 'docs/reference/set-up-problems.md')?.text ?? '';
const rows = page
  .slice(page.indexOf('## What people mount wrongly'))
  .split('\n')
  .filter((line) => /^\| (?!mistake |---)/.test(line))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, mistake = '', on = '', seen = '']) => ({ mistake, on, seen }));

/** The names of the tests for mistakes with one framework, without ids and placeholders. */
function titlesOf(framework: 'express' | 'nest'): Set<string> {
  const folder = path.join(root, 'test', framework);
  const files = filesUnder(folder).filter((file) => file.endsWith('-mistakes.test.ts'));
  const titles = files.flatMap((file) =>
    [...readFileSync(path.join(folder, file), 'utf8').matchAll(/(?:\bit|\]\))\('([^']+)', (?:async )?\(/g)].map(
      ([, title = '']) => title.replace(/^(?:[A-Z]+-?\d+(?:, |: ))+/, '').replace(/: %s$/, ''),
    ),
  );
  return new Set(titles);
}

describe('docs/reference/set-up-problems.md', () => {
  it.each(['express', 'nest'] as const)(
    'names at least twenty mistakes with %s, each with a test of the same name',
    (framework) => {
      const named = rows.filter(({ on }) => on === 'both' || on.toLowerCase() === framework).map(({ mistake }) => mistake);
      expect(new Set(named).size).toBeGreaterThanOrEqual(20);
      expect(named).toHaveLength(new Set(named).size);
      const titles = titlesOf(framework);
      expect(named.filter((mistake) => !titles.has(mistake))).toEqual([]);
    },
  );

  it('says where each mistake is made', () => {
    expect(rows.filter(({ on }) => !['both', 'Express', 'Nest'].includes(on))).toEqual([]);
  });

  it('quotes what the sources say', () => {
    const text = (['core', 'express', 'nest'] as const)
      .flatMap((name) => sourcesOf(name).map((source) => source.text))
      .join('\n')
      // A sentence may be written in several pieces.
      .replace(/['`] \+\n\s*['`]/g, '');
    const quotes = rows.flatMap(({ seen }) => [...seen.matchAll(/`([^`]+)`/g)].map(([, quote = '']) => quote));
    expect(quotes.length).toBeGreaterThan(40);
    expect(quotes.filter((quote) => !text.includes(quote))).toEqual([]);
  });

  it('names every warning', () => {
    const codes = Object.keys(WARNING_SENTENCES);
    expect(codes.length).toBeGreaterThan(15);
    expect(codes.filter((code) => !page.includes(code))).toEqual([]);
  });
});
