import type { MfaUser } from '../../options.js';
import type { MfaExchange } from '../exchange.js';
import type { HttpKit } from '../http-kit.js';
import { endpointPaths } from '../paths/endpoint-paths.js';
import { publicPathOf } from '../paths/public-path.js';

/** Only makes a path complete. */
const BASE = 'http://mfa-kit.invalid';

/** Tells the operator of a guard that stands before the login or the kit's own pages: whoever is refused is led back to it. */
export function warnOfCircle<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: Pick<MfaExchange, 'url' | 'header'>,
): void {
  const path = exchange.url.split('?')[0] ?? '';
  if (!isOwn(kit, path) && !isLogin(kit, exchange)) return;
  kit.warn(
    'MFA_KIT_GUARDED_DOOR',
    `The guard refused ${path}, which refused requests are sent to, so nobody gets in. Leave it open: by requireMfaExcept([...]) in ` +
      'place of requireMfa() for the whole application, in Nest by @SkipMfa() on the login.',
  );
}

function isOwn<User extends MfaUser, Request>({ options }: HttpKit<User, Request>, path: string): boolean {
  const { path: mount } = options;
  return path.startsWith(mount) && endpointPaths().includes(path.slice(mount.length));
}

/** Compared byte for byte, and as the browser sees it, because a proxy may add a prefix or strip one. */
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
