import { describe, expect, it } from 'vitest';
import { storageConformance } from '../../packages/core/src/storage/conformance.js';
import { readStorageTable, storageRows } from '../storage/storage-table.js';
import { manifestOf } from './sources.js';

const table = readStorageTable();

/** How many cases the kit lists, of all and by the hook that they need. */
function listedCases(): { all: number; byHook: Map<string, number> } {
  const byHook = new Map<string, number>();
  const cases = storageConformance({ open: () => Promise.reject(new Error('not opened')) });
  for (const { skip } of cases) {
    const hook = skip?.replace('needs the hook ', '');
    if (hook) byHook.set(hook, (byHook.get(hook) ?? 0) + 1);
  }
  return { all: cases.length, byHook };
}

describe('docs/evidence/storage-table.md', () => {
  it('has a row for every adapter with an entry in core', () => {
    const entries = Object.keys(manifestOf('core').exports).filter((entry) => entry.startsWith('./storage/'));
    const adapters = entries.map((entry) => entry.slice('./storage/'.length)).filter((entry) => entry !== 'conformance');
    expect([...new Set([...table.values()].map(([entry]) => entry))].sort()).toEqual(
      adapters.map((entry) => `\`${entry}\``).sort(),
    );
  });

  it('has the rows of all suites, each with its durability', () => {
    const shown = [...table.values()].map((cells) => [cells[0], cells[1], cells.at(-1)]);
    expect(shown).toEqual(Object.entries(storageRows).map(([name, { entry, durability }]) => [`\`${entry}\``, name, durability]));
  });

  it('has the current numbers of the kit (npm run storage-table)', () => {
    const { all, byHook } = listedCases();
    for (const [name, cells] of table) {
      const cell = cells[4] ?? '';
      if (cell.startsWith('not run: ')) {
        expect(storageRows[name as keyof typeof storageRows], name).toHaveProperty('notRun', cell.slice('not run: '.length));
        continue;
      }
      const lacking = [...cell.matchAll(/(\d+) need `(\w+)`/g)].map(([, count, hook = '']) => [hook, Number(count)] as const);
      const skipped = lacking.reduce((sum, [, count]) => sum + count, 0);
      expect(/^(\d+) of (\d+)/.exec(cell)?.slice(1).map(Number), name).toEqual([all - skipped, all]);
      expect(lacking, name).toEqual(lacking.map(([hook]) => [hook, byHook.get(hook)]));
    }
  });
});
