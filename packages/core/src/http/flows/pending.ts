import type { MfaUser } from '../../options.js';
import type { MfaExchange } from '../exchange.js';
import type { HttpKit } from '../http-kit.js';
import { callHost, checkUser, LATE, readRequestState } from '../session/request-identity.js';
import { warnOfMissingUserById } from '../set-up-warnings.js';
import { bindFlows, bindState, type KitFlows } from './request-flows.js';

/**
 * Returns the flows of a client that acts by a pending token, or null if the token is not valid.
 *
 * Refused next to a session user: a token of one account in the session of another is login CSRF or a mix-up.
 */
export async function openPending<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
  token: string,
): Promise<KitFlows<User> | null> {
  const { mfa, options } = kit;
  const state = await readRequestState(kit, exchange);
  // While the session's user is unknown, no token is accepted next to it.
  if (state.late) return bindState(kit, state, exchange);
  warnOfMissingUserById(kit);
  if (state.user || !options.userById) return null;
  const opened = await mfa.openPendingToken(token);
  if (!opened.ok) return null;
  const answer = await callHost(kit, 'userById', () => options.userById?.(opened.userId), { user: opened });
  if (answer === LATE) {
    state.late = true;
    return bindState(kit, state, exchange);
  }
  const user = checkUser('userById', answer, kit);
  if (user?.id !== opened.userId) return null;
  return bindFlows(kit, exchange, { user, session: opened.session });
}
