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
  kit.warn(
    'MFA_KIT_GUARDED_LOGIN',
    `The guard refused ${path}, where it redirects refused requests, so nobody can log in. Leave it open: use requireMfaExcept([...]) ` +
      'instead of requireMfa() for the whole application, or in Nest @SkipMfa() on the login.',
  );
}

/** Warns of a guard that runs before the user is set: the session has MFA state, but nobody is logged in. */
export function warnOfLostUser(kit: Pick<HttpKit, 'warn'>, { session }: Pick<MfaExchange, 'session'>): void {
  if (!hasState(session)) return;
  kit.warn(
    'MFA_KIT_LOST_USER',
    'The guard found a session with MFA state, but the option user returned nobody. Mount the guard after the middleware that sets the ' +
      'user, for example passport.session(). In Nest provide MfaGuard after the guard that logs in. A logout should end the session.',
  );
}

/** Warns of a login that the host did not begin. */
export function warnOfNoState(kit: Pick<HttpKit, 'warn'>, stored: StoredState): void {
  kit.warn('MFA_KIT_NO_BEGIN_LOGIN', NO_STATE[stored]);
}

/** Warns when the first pending token is issued or used, because it will be refused. */
export function warnOfMissingUserById({ options, warn }: Pick<HttpKit, 'warn'> & { options: { userById?: unknown } }): void {
  if (options.userById) return;
  warn(
    'MFA_KIT_NO_USER_BY_ID',
    'A client without a session uses a pending token, but the option userById is missing, so every such token is refused with 401. ' +
      'Set userById: (id) => the user with this id, or null. A client with a session needs no pending token.',
  );
}

/** Warns if a request to an endpoint has a bearer token, but nothing read it. */
export function warnOfUnreadToken(kit: Pick<HttpKit, 'warn'>, exchange: Pick<MfaExchange, 'header'>): void {
  if (!sendsAccessToken(exchange)) return;
  kit.warn(
    'MFA_KIT_UNREAD_TOKEN',
    'A request with a bearer token came to an endpoint of the kit, but the option user returned nobody. Run the code that reads the ' +
      'token for the path of the kit as well. In Nest, a guard that returns early for @Public() must still set the user if there is a ' +
      'token. If clients only send expired tokens there, ignore this.',
  );
}

const CALL_BEGIN_LOGIN =
  "Begin the login right after the password check, when req.logIn() has renewed the session, for the user that the option user returns: in Express app.post('/login', passport.authenticate('local'), beginLogin, ...), in Nest \"await (await mfaHttp.for(request, reply)).beginLogin()\".";

/** The text for each thing that the session held instead of the state. */
const NO_STATE: Record<StoredState, string> = {
  nothing: `A session had no MFA state of its user at its first guarded request. Either your login does not call beginLogin, or the session is older than this deployment, the storage was down at its login, or the session store lost what was saved (docs/guides/deploy-day.md). In the first case, change your login. ${CALL_BEGIN_LOGIN}`,
  other_user: `A session had the MFA state of another user than the one that the option user returns, so it had no MFA state of its user. The option user must return the user who logged in, even during impersonation. ${CALL_BEGIN_LOGIN}`,
  foreign: `A session held something else where its MFA state belongs, so it had no MFA state of its user. If your application uses req.session.mfa itself, rename that field, or keep the state elsewhere with the option session: { read, write }. ${CALL_BEGIN_LOGIN}`,
};

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
