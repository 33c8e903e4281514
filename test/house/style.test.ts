import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { storageConformance } from '../../packages/core/src/storage/conformance.js';
import { root } from './sources.js';
import { staleRows, styleFindings } from './style.mjs';

describe('the report of style', () => {
  it.each([
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
  ])('finds the word in: %s', (text) => {
    expect(styleFindings('test/unit/one.test.ts', `first line\n${text}\n`)).toEqual([
      expect.stringMatching(/^test\/unit\/one\.test\.ts:2: /),
    ]);
  });

  it.each(['Nobody is logged in', 'for one method', 'null if there is none.', 'the support desk', 'indoors', 'amend'])(
    'finds nothing in: %s',
    (text) => expect(styleFindings('test/unit/one.test.ts', text)).toEqual([]),
  );

  it('finds words and spellings that only docs must not have', () => {
    expect(styleFindings('docs/guides/one.md', 'the behaviour of backup codes')).toHaveLength(1);
    expect(styleFindings('packages/core/src/one.ts', 'the behaviour of backup codes')).toEqual([]);
  });

  it('finds long sources and names that name no concept', () => {
    expect(styleFindings('packages/core/src/flows/verify.ts', 'a\n'.repeat(401))).toEqual([expect.stringContaining('401 lines')]);
    expect(styleFindings('packages/core/src/flows/utils.ts', '')).toEqual([expect.stringContaining('names no concept')]);
    expect(styleFindings('packages/core/src/flows/verify.ts', 'a\n'.repeat(400))).toEqual([]);
  });

  it('finds rows of the storage table with an old number of cases', () => {
    const page = readFileSync(path.join(root, 'docs/evidence/storage-table.md'), 'utf8');
    const cases = storageConformance({ open: () => Promise.reject(new Error('not opened')) }).length;
    const rows = staleRows(page, cases + 1);
    expect(rows.length).toBeGreaterThan(10);
    expect(rows[0]).toContain(`the kit has ${cases + 1}`);
  });
});
