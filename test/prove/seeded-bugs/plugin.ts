import path from 'node:path';
import type { Plugin } from 'vitest/config';
import { type SeededBug, seededBugs } from './bugs.js';

/** Puts the bug named by MFA_KIT_SEEDED_BUG into core while its sources are loaded; the files stay as they are. */
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

/** The source with the bug in it; throws where its place is not found. */
export function withBug(code: string, { name, file, find, put }: SeededBug): string {
  if (code.split(find).length !== 2) {
    throw new Error(`"${name}" does not fit any more: its text must stand once in packages/core/src/${file}. Change bugs.ts.`);
  }
  return code.replace(find, () => put);
}
