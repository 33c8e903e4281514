import { reportMissing } from './requires.js';
import type { ServerName } from './server-registry.js';

/** Returns the URL of a server of this run, which the first call starts; prints why and returns null if it cannot start. */
export async function serverUrl(name: ServerName): Promise<string | null> {
  const registry = process.env.MFA_KIT_SERVER_REGISTRY;
  if (!registry)
    throw new Error('MFA_KIT_SERVER_REGISTRY is not set. Run the tests with vitest, which runs test/support/global-setup.ts.');
  const answer = (await (await fetch(`${registry}/${name}`)).json()) as { url?: string; missing?: string };
  return answer.url ?? reportMissing(String(answer.missing));
}
