import { expect } from 'vitest';
import { type StorageConformanceOptions, storageConformance } from '../../packages/core/src/storage/conformance.js';
import { countFaults } from '../support/proof.js';

/** The names of the cases that fail, each with its message; of all cases, or (where they are slow) of those that begin so. */
export async function failuresOf(options: StorageConformanceOptions, only: string[] = ['']): Promise<Map<string, string>> {
  const failures = new Map<string, string>();
  for (const { name, run, skip } of storageConformance({ rounds: 2, listed: 120, ...options })) {
    if (skip || !only.some((begin) => name.startsWith(begin))) continue;
    await run().catch((error: Error) => failures.set(name, error.message));
  }
  return failures;
}

/** Fails unless each of these cases failed, for its own reason: a wrong adapter is a fault that was put in. */
export function expectCaught(failures: Map<string, string>, caughtBy: { case: string; saying: RegExp }[]): void {
  countFaults();
  for (const { case: begin, saying } of caughtBy) {
    const found = [...failures].filter(([name]) => name.startsWith(begin));
    expect(
      found.map(([, message]) => message),
      `the case "${begin}..." must fail`,
    ).toContainEqual(expect.stringMatching(saying));
  }
}
