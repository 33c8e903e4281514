import { describe, expect, it } from 'vitest';
import { readStorageTable, storageRows } from '../storage/storage-table.js';
import { manifestOf } from './sources.js';

const table = readStorageTable();

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
});
