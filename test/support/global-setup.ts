import { startServerDesk } from './server-desk.js';

/** Once a run, in the process that starts the test files: a desk where each file asks for a real server by need. */
export async function setup(): Promise<() => Promise<void>> {
  const desk = await startServerDesk();
  process.env.MFA_KIT_SERVER_DESK = desk.url;
  return desk.close;
}
