import { startServerRegistry } from './server-registry.js';

/** Starts one registry for each run, in the process that starts the test files. A file asks it for a real server when it needs one. */
export async function setup(): Promise<() => Promise<void>> {
  const registry = await startServerRegistry();
  process.env.MFA_KIT_SERVER_REGISTRY = registry.url;
  return registry.close;
}
