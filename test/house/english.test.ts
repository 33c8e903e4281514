import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './sources.js';

/** Words and phrases for which there is a plainer one: entry or endpoint, fix, again, for example, regardless of, returns. */
const WORDS: Record<string, RegExp> = {
  door: /\b[Dd]oors?\b|[a-z]Doors?(?![a-z])/g,
  mend: /\bmend(?:s|ed|ing)?\b/gi,
  anew: /\banew\b/gi,
  'for one': /\bfor one[,;:.)]/gi,
  "nobody's": /\bnobody['’]s\b/gi,
  'whatever the': /\bwhatever the\b/gi,
  'is none': /(?<!there )\b(?:is|are) none[.,;:)]/gi,
  'told of': /\btold of\b/gi,
  hear: /\bhears?\b/gi,
  'desk, weather, furniture': /\b(?:openDesk|weather|furniture)\b/gi,
};

/** Files that need one of the words: this list, and the names that release 1 stored and sent. */
const EXEMPT = ['test/house/english.test.ts', 'test/upgrade/names.ts', 'docs/guides/deploy-day.md'];

/** The tracked documents and sources, without generated files and data. */
function files(): string[] {
  const tracked = execFileSync('git', ['ls-files', '--', 'packages', 'test', 'examples', 'docs', '*.md', '*.mjs', '.ci'], {
    cwd: root,
    encoding: 'utf8',
  });
  return tracked
    .split('\n')
    .filter(
      (file) => /\.(?:ts|mts|cts|mjs|cjs|js|md)$|^\.ci\//.test(file) && !/CHANGELOG\.md$|\.generated\.|^\.changeset\//.test(file),
    )
    .filter((file) => !EXEMPT.includes(file));
}

/** Two parts of a path, or three within a package: `test/nest`, `packages/express/src`. */
function folderOf(file: string): string {
  return path
    .dirname(file)
    .split('/')
    .slice(0, file.startsWith('packages/') ? 3 : 2)
    .join('/');
}

/** How often each word occurs, by folder; folders without any are left out. */
function countWords(): Record<string, Record<string, number>> {
  const counts: Record<string, Record<string, number>> = {};
  for (const file of files()) {
    const text = readFileSync(path.join(root, file), 'utf8');
    for (const [word, pattern] of Object.entries(WORDS)) {
      const found = text.match(pattern)?.length ?? 0;
      if (found === 0) continue;
      const folder = counts[folderOf(file)] ?? {};
      folder[word] = (folder[word] ?? 0) + found;
      counts[folderOf(file)] = folder;
    }
  }
  return counts;
}

describe('plain English', () => {
  it('uses none of the words of the list in comments, strings and names', () => {
    expect(countWords()).toEqual({});
  });

  it('finds each of the words', () => {
    const examples = [
      'a closed door',
      'closedDoor()',
      'how to mend it',
      'begins anew',
      'an instant, for one.',
      "nobody's state",
      'whatever the store does',
      'a device that is none.',
      'is told of an error',
      'never hears',
      'openDesk()',
    ];
    const missed = examples.filter((text) => !Object.values(WORDS).some((pattern) => text.search(pattern) >= 0));
    expect(missed).toEqual([]);
    const fine = ['Nobody is logged in', 'for one method', 'null if there is none.', 'the support desk', 'indoors', 'amend'];
    expect(fine.filter((text) => Object.values(WORDS).some((pattern) => text.search(pattern) >= 0))).toEqual([]);
  });
});
