import { reportMissing } from './requires.js';
import type { ServerName } from './server-registry.js';

/** Where the server of this run listens, started at the first call in any test file; null, with one line that says why, where it cannot start. */
export async function serverUrl(name: ServerName): Promise<string | null> {
  const registry = process.env.MFA_KIT_SERVER_REGISTRY;
  if (!registry)
    throw new Error('MFA_KIT_SERVER_REGISTRY is not set: run the tests through vitest, which runs test/support/global-setup.ts');
  const answer = (await (await fetch(`${registry}/${name}`)).json()) as { url?: string; missing?: string };
  return answer.url ?? reportMissing(String(answer.missing));
}
