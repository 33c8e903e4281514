import type { Mfa } from '@mfa-kit/core';
import type { DemoHost } from './host.js';
import type { DemoUser } from './users.js';

/** `npm run reset -- ada`: what support does for a user who has lost the phone and the recovery codes. */
export async function resetUser(host: DemoHost, mfa: Mfa<DemoUser>, username = ''): Promise<boolean> {
  const user = await host.users.findByUsername(username);
  if (!user) {
    console.error(`Usage: reset ada | grace | alan   (${username ? `nobody is called "${username}"` : 'no name given'})`);
    return false;
  }
  // Throws if it failed. When it returns, its events were handled, so the database can be closed.
  await mfa.resetMfa({ userId: user.id, actor: 'demo-operator', reason: 'asked for at the terminal' });
  await host.users.restoreDemoPassword(user.id);
  console.log(`${username} sets up MFA again at the next login, with the demo password.`);
  return true;
}
