import type { Mfa } from '@mfa-kit/core';
import type { DemoHost } from './host.js';
import type { DemoUser } from './users.js';

/** `npm run reset -- ada`: what support does for somebody who lost phone and recovery codes. */
export async function resetUser(host: DemoHost, mfa: Mfa<DemoUser>, username = ''): Promise<boolean> {
  const user = await host.users.findByUsername(username);
  if (!user) {
    console.error(`Usage: reset ada | grace | alan   (${username ? `nobody is called "${username}"` : 'no name given'})`);
    return false;
  }
  // Throws when it was not done; when it returns, the audit trail has it too, so that the database may be closed.
  await mfa.resetMfa({ userId: user.id, actor: 'demo-operator', reason: 'asked for at the terminal' });
  await host.users.restoreDemoPassword(user.id);
  console.log(`${username} sets up MFA again at the next login, with the demo password.`);
  return true;
}
