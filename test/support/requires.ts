import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe } from 'vitest';

const reported = new Set<string>();

/**
 * Returns the path of a program, or null after printing what is missing. With MFA_KIT_REQUIRE_ALL=1 a missing program is an error,
 * so that a run on the build server cannot pass by skipping tests.
 */
export function requireProgram(name: string, installHint: string): string | null {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // The program is not in this folder.
    }
  }
  return reportMissing(`${name} is missing: ${installHint}`);
}

/** Prints once per file that something is missing, or throws with MFA_KIT_REQUIRE_ALL=1. */
export function reportMissing(what: string): null {
  if (process.env.MFA_KIT_REQUIRE_ALL === '1') throw new Error(`MFA_KIT_REQUIRE_ALL=1, and ${what}`);
  if (!reported.has(what)) process.stderr.write(`skipped: ${what}\n`);
  reported.add(what);
  return null;
}

/** Like `describe`, with what the suite needs. If that is null, the suite is listed as skipped. */
export function describeWith<T>(needed: T | null, name: string, suite: (it: T) => void): void {
  if (needed === null) describe.skip(name, () => undefined);
  else describe(name, () => suite(needed));
}
