import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Reporter, TestCase, TestModule } from 'vitest/node';
import { type CaseCounts, STORAGE_TABLE, type StorageRun, storageTablePage } from './storage-table.js';

/** Makes docs/evidence/storage-table.md of what the kit passed on. A suite with a case that did not pass leaves its row as it was. */
export default class StorageTableReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const runs = new Map<string, StorageRun & CaseCounts>();
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    for (const test of tests) {
      const run = test.meta().storageRun;
      const counts = run && countCases(test, run);
      if (counts) runs.set(run.row, { ...run, ...counts });
    }
    writeFileSync(path.resolve(import.meta.dirname, '../..', STORAGE_TABLE), storageTablePage(runs));
    process.stdout.write(`${STORAGE_TABLE}: ${runs.size} rows made\n`);
  }
}

/** The cases beside the test that measured; undefined unless each passed, or lacks its hook. */
function countCases(measured: TestCase, { cases }: StorageRun): CaseCounts | undefined {
  const counts: CaseCounts = { passed: 0, skipped: {} };
  for (const test of measured.parent.children.tests()) {
    if (!cases.includes(test.name)) continue;
    const hook = / \(needs the hook (\w+)\)$/.exec(test.name)?.[1];
    if (hook) counts.skipped[hook] = (counts.skipped[hook] ?? 0) + 1;
    else if (test.result().state === 'passed') counts.passed++;
    else return undefined;
  }
  return measured.result().state === 'passed' ? counts : undefined;
}
