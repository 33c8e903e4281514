import { startServerRegistry } from './server-registry.js';

/** Once a run, in the process that starts the test files: a registry where each file asks for a real server by need. */
export async function setup(): Promise<() => Promise<void>> {
  const registry = await startServerRegistry();
  process.env.MFA_KIT_SERVER_REGISTRY = registry.url;
  return registry.close;
}
