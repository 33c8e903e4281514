import type { MfaUser } from '../options.js';
import type { MfaExchange, SessionPort } from './exchange.js';
import type { HttpKit } from './http-kit.js';
import { endpointPaths } from './paths/endpoint-paths.js';
import { publicPathOf } from './paths/public-path.js';
import { sendsAccessToken } from './request/same-origin.js';
import type { StoredState } from './session/session-schema.js';

/** Completes a path to a URL. */
const BASE = 'http://mfa-kit.invalid';

/** Warns of a guard in front of the login or the kit's own pages, because it refuses users who were sent there. */
export function warnOfGuardedLogin<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: Pick<MfaExchange, 'url' | 'header'>,
): void {
  const path = exchange.url.split('?')[0] ?? '';
  if (!isOwn(kit, path) && !isLogin(kit, exchange)) return;
  kit.warn('MFA_KIT_GUARDED_LOGIN', path);
}

/** Warns of a guard that runs before the user is set: the session has MFA state, but nobody is logged in. */
export function warnOfLostUser(kit: Pick<HttpKit, 'warn'>, { session }: Pick<MfaExchange, 'session'>): void {
  if (!hasState(session)) return;
  kit.warn('MFA_KIT_LOST_USER');
}

/** Warns of a login that the host did not begin. */
export function warnOfNoState(kit: Pick<HttpKit, 'warn'>, stored: StoredState): void {
  kit.warn('MFA_KIT_NO_BEGIN_LOGIN', stored);
}

/** Warns when the first pending token is issued or used, because it will be refused. */
export function warnOfMissingUserById({ options, warn }: Pick<HttpKit, 'warn'> & { options: { userById?: unknown } }): void {
  if (options.userById) return;
  warn('MFA_KIT_NO_USER_BY_ID');
}

/** Warns if a request to an endpoint has a bearer token, but nothing read it. */
export function warnOfUnreadToken(kit: Pick<HttpKit, 'warn'>, exchange: Pick<MfaExchange, 'header'>): void {
  if (!sendsAccessToken(exchange)) return;
  kit.warn('MFA_KIT_UNREAD_TOKEN');
}

function isOwn<User extends MfaUser, Request>({ options }: HttpKit<User, Request>, path: string): boolean {
  const { path: mount } = options;
  return path.startsWith(mount) && endpointPaths().includes(path.slice(mount.length));
}

/** Compares paths as the browser sees them, because a proxy may add or remove a prefix. */
function isLogin<User extends MfaUser, Request>(
  { options }: HttpKit<User, Request>,
  exchange: Pick<MfaExchange, 'url' | 'header'>,
): boolean {
  const [path = '', query] = publicPathOf(options, exchange.url).split('?');
  const asked = new URLSearchParams(query);
  return [options.loginUrl, options.reauthUrl].some((login) => {
    const { host, pathname, searchParams } = new URL(login, BASE);
    if (path !== pathname || (login.startsWith('http') && host !== exchange.header('host'))) return false;
    return [...searchParams].every(([name, value]) => asked.get(name) === value);
  });
}

/** If the host's own function cannot read the session without a user, the session counts as empty. */
function hasState(session: SessionPort | null): boolean {
  try {
    const state: unknown = session?.read();
    return state !== undefined && state !== null;
  } catch {
    return false;
  }
}
