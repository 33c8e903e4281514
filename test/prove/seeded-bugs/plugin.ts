import path from 'node:path';
import type { Plugin } from 'vitest/config';
import { type SeededBug, seededBugs } from './bugs.js';

/** Injects the bug named by MFA_KIT_SEEDED_BUG into core while its sources are loaded. The files do not change. */
export function seedBug(name: string | undefined): Plugin {
  const bug = seededBugs.find((one) => one.name === name);
  return {
    name: 'seeded-bug',
    enforce: 'pre',
    transform(code, id) {
      return bug && id.split('?')[0]?.endsWith(path.posix.join('packages/core/src', bug.file)) ? withBug(code, bug) : null;
    },
  };
}

/** Returns the source with the bug; throws if its place is not found. */
export function withBug(code: string, { name, file, find, put }: SeededBug): string {
  if (code.split(find).length !== 2) {
    throw new Error(
      `"${name}" no longer matches: its text must occur exactly once in packages/core/src/${file}. Change bugs.ts.`,
    );
  }
  return code.replace(find, () => put);
}
