import type { MfaUser } from '../options.js';
import type { MfaExchange, SessionPort } from './exchange.js';
import type { HttpKit } from './http-kit.js';
import { endpointPaths } from './paths/endpoint-paths.js';
import { publicPathOf } from './paths/public-path.js';
import { sendsAccessToken } from './request/same-origin.js';
import type { StoredState } from './session/session-schema.js';

/** Completes a path to a URL. */
const BASE = 'http://mfa-kit.invalid';

/** Warns of a guard that runs before the login or the kit's own pages, because it refuses people who were sent there. */
export function warnOfGuardedLogin<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: Pick<MfaExchange, 'url' | 'header'>,
): void {
  const path = exchange.url.split('?')[0] ?? '';
  if (!isOwn(kit, path) && !isLogin(kit, exchange)) return;
  kit.warn(
    'MFA_KIT_GUARDED_LOGIN',
    `The guard refused ${path}, which refused requests are sent to, so nobody gets in. Leave it open: by requireMfaExcept([...]) in ` +
      'place of requireMfa() for the whole application, in Nest by @SkipMfa() on the login.',
  );
}

/** Warns of a guard that runs before the user is set: the session knows of a login, and nobody is logged in. */
export function warnOfLostUser(kit: Pick<HttpKit, 'warn'>, { session }: Pick<MfaExchange, 'session'>): void {
  if (!hasState(session)) return;
  kit.warn(
    'MFA_KIT_LOST_USER',
    'The guard found a session with MFA state, and the option user gave nobody. Mount the guard after what sets the user: after ' +
      'passport.session(), say; in Nest provide MfaGuard after the guard that logs in. A logout should end the session.',
  );
}

/** Warns of a login that the host did not begin. */
export function warnOfNoState(kit: Pick<HttpKit, 'warn'>, stored: StoredState): void {
  kit.warn('MFA_KIT_NO_BEGIN_LOGIN', NO_STATE[stored]);
}

/** Warns when the first pending token is handed out or comes back, because it will be refused. */
export function warnOfMissingUserById({ options, warn }: Pick<HttpKit, 'warn'> & { options: { userById?: unknown } }): void {
  if (options.userById) return;
  warn(
    'MFA_KIT_NO_USER_BY_ID',
    'A client without a session acts by a pending token, and the option userById is missing, so every such token is refused with 401. ' +
      'Give userById: (id) => the user of this id, or null. A client with a session needs no pending token.',
  );
}

/** Warns if a request to an endpoint has a bearer token, but what reads such tokens did not run. */
export function warnOfUnreadToken(kit: Pick<HttpKit, 'warn'>, exchange: Pick<MfaExchange, 'header'>): void {
  if (!sendsAccessToken(exchange)) return;
  kit.warn(
    'MFA_KIT_UNREAD_TOKEN',
    'A request with a bearer token came to an endpoint of the kit, and the option user gave nobody. Let what reads the token run for ' +
      'the path of the kit as well. In Nest, a guard that returns early where @Public() stands must still set the user when a token is ' +
      'there. If only expired tokens are sent, ignore this.',
  );
}

const CALL_BEGIN_LOGIN =
  "Begin the login right after the password was right and req.logIn() has renewed the session, for the person that the option user gives: in Express by app.post('/login', passport.authenticate('local'), beginLogin, ...), in Nest by \"await (await mfaHttp.for(request, reply)).beginLogin()\".";

/** By what the session held in place of the state. */
const NO_STATE: Record<StoredState, string> = {
  nothing: `A session had no MFA state of its user at its first guarded request. Either your login does not begin it, or the session is older than this deployment, the storage was away at its login, or the session store lost what was saved (docs/guides/deploy-day.md). In the first case, change your login. ${CALL_BEGIN_LOGIN}`,
  other_user: `A session had the MFA state of another user than the one that the option user gives, so it had no MFA state of its user. Let the option user give the person who logged in, also while somebody is impersonated. ${CALL_BEGIN_LOGIN}`,
  foreign: `A session held something else where its MFA state belongs, so it had no MFA state of its user. If your application uses req.session.mfa itself, rename that field, or keep the state elsewhere by the option session: { read, write }. ${CALL_BEGIN_LOGIN}`,
};

function isOwn<User extends MfaUser, Request>({ options }: HttpKit<User, Request>, path: string): boolean {
  const { path: mount } = options;
  return path.startsWith(mount) && endpointPaths().includes(path.slice(mount.length));
}

/** Compares the paths that the browser sees, because a proxy may add or remove a prefix. */
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

/** If the host's own function cannot read the session without a user, it counts as empty. */
function hasState(session: SessionPort | null): boolean {
  try {
    const state: unknown = session?.read();
    return state !== undefined && state !== null;
  } catch {
    return false;
  }
}
