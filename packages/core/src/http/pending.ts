import type { MfaUser } from '../options.js';
import type { MfaExchange } from './exchange.js';
import type { HttpKit } from './http-kit.js';
import { bindFlows, type RequestFlows } from './request-flows.js';
import { callHost, checkUser } from './request-state.js';

/**
 * The flows of a client that acts by a pending token, or null when the token is not good.
 *
 * Refused beside a session user: a token of one account in the session of another is login CSRF or a mix-up.
 */
export async function openPending<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
  token: string,
): Promise<RequestFlows<User> | null> {
  const { mfa, options } = kit;
  const { user: sessionUser } = await bindFlows(kit, exchange);
  if (sessionUser || !options.userById) return null;
  const opened = await mfa.openPendingToken(token);
  if (!opened.ok) return null;
  const user = checkUser('userById', await callHost('userById', () => options.userById?.(opened.userId)), kit);
  if (user?.id !== opened.userId) return null;
  return bindFlows(kit, exchange, { user, session: opened.session });
}
