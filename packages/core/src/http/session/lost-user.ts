import type { MfaExchange, SessionPort } from '../exchange.js';
import type { HttpKit } from '../http-kit.js';

/** Tells the operator of a guard that runs before what sets the user: the session knows of a login, and nobody is logged in. */
export function warnOfLostUser(kit: Pick<HttpKit, 'warn'>, { session }: Pick<MfaExchange, 'session'>): void {
  if (!hasState(session)) return;
  kit.warn(
    'MFA_KIT_LOST_USER',
    'The guard found a session with MFA state, and the option user gave nobody. Mount the guard after what sets the user: after ' +
      'passport.session(), say; in Nest provide MfaGuard after the guard that logs in. A logout should end the session.',
  );
}

/** What a host's own function cannot read for nobody is no state: the request is refused as it would be without this question. */
function hasState(session: SessionPort | null): boolean {
  try {
    const state: unknown = session?.read();
    return state !== undefined && state !== null;
  } catch {
    return false;
  }
}
