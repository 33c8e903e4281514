import type { Mfa } from '@mfa-kit/core';
import type { DemoUser } from './users.js';

/** Prints at start what would lock users out, for example a missing table, a changed key or an unreachable database. */
export async function printFindings(mfa: Mfa<DemoUser>): Promise<void> {
  const findings = await mfa.check();
  for (const { level, code, text } of findings) console.warn(`MFA ${level}: ${text} (${code})`);
}
