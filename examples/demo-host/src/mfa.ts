import { createMfa, type Mfa } from '@mfa-kit/core';
import type { DemoHost } from './host.js';
import type { DemoUser } from './users.js';

/** Creates the kit with the options of the demo. `clock` is for tests. */
export function createDemoMfa(host: DemoHost, clock?: () => number): Mfa<DemoUser> {
  return createMfa<DemoUser>({ issuer: 'Larkfield Legal', ...host.mfa, ...(clock ? { clock } : {}) });
}
