import { it } from 'vitest';
import { type StorageConformanceOptions, storageConformance } from '../../../packages/core/src/storage/conformance.js';

/** Every case of the kit as a test; those whose hook is missing are listed as skipped, with the hook's name. */
export function runConformance(options: StorageConformanceOptions): void {
  for (const { name, run, skip } of storageConformance(options)) {
    if (skip) it.skip(`${name} (${skip})`, () => undefined);
    else it(name, run);
  }
}
