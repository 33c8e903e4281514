import type { Mfa } from '@mfa-kit/core';
import type { DemoUser } from './users.js';

/** Says at start what would keep users out: a missing table, another key, a database that is away. */
export async function printFindings(mfa: Mfa<DemoUser>): Promise<void> {
  const findings = await mfa.check();
  for (const { level, code, text } of findings) console.warn(`MFA ${level}: ${text} (${code})`);
}
