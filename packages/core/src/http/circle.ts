import type { MfaUser } from '../options.js';
import type { HttpKit } from './http-kit.js';
import { openPaths } from './open-paths.js';

/** Tells the operator of a guard that stands before the login or the kit's own pages: whoever is refused is led back to it. */
export function warnOfCircle<User extends MfaUser, Request>(kit: HttpKit<User, Request>, url: string): void {
  const path = url.split('?')[0] ?? '';
  if (!openPaths(kit, [])(path)) return;
  kit.warn(
    'MFA_KIT_GUARDED_DOOR',
    `The guard refused ${path}, which refused requests are sent to, so nobody gets in. Leave it open: by requireMfaExcept([...]) in ` +
      'place of requireMfa() for the whole application, in Nest by @SkipMfa() on the login.',
  );
}
