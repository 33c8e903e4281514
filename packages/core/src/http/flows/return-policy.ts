import { MfaError } from '../../errors.js';
import { describe } from '../../host-input.js';
import type { MfaUser } from '../../options.js';
import type { MfaExchange } from '../exchange.js';
import type { ResolvedHttpOptions } from '../http-options.js';
import { publicPathOf } from '../paths/public-path.js';
import { isWithin, returnTarget, sameOriginPath } from '../paths/return-to.js';

type Paths = Pick<ResolvedHttpOptions<MfaUser, unknown>, 'publicPath' | 'loginUrl' | 'reauthUrl'>;

/** Returns the path if the browser may return to it: a path of this origin, and of the kit's own pages only those that ask for a proof. */
export function allowedReturn(options: Paths, path: string): string | undefined {
  const target = sameOriginPath(path);
  if (target === undefined) return undefined;
  if (target === options.publicPath || target === `${options.publicPath}/enroll`) return target;
  return isReserved(options, target) ? undefined : target;
}

/** Returns the path of a refused navigation to return to, if the host's filter allows it; otherwise undefined. */
export function refusedReturn<User extends MfaUser, Request>(
  options: ResolvedHttpOptions<User, Request>,
  exchange: MfaExchange<User, Request>,
): string | undefined {
  const target = returnTarget(exchange, (path) => publicPathOf(options, path));
  if (target === undefined || isReserved(options, target)) return undefined;
  if (!options.returnTo) return target;
  const answer: unknown = options.returnTo(target, exchange.request);
  if (answer === true) return target;
  if (answer === false) return undefined;
  throw new MfaError(
    'host_callback_failed',
    `The option "returnTo" must return true or false, not a promise; it returned ${describe(answer)}.`,
  );
}

function isReserved({ publicPath, loginUrl, reauthUrl }: Paths, target: string): boolean {
  return isWithin(target, publicPath) || isLogin(loginUrl, target) || isLogin(reauthUrl, target);
}

/** Whether a path leads to a login page. If the login is a query of another page, only that query counts, not the page. */
function isLogin(loginUrl: string, target: string): boolean {
  const login = sameOriginPath(loginUrl);
  if (login === undefined || login === '/') return false;
  const [path = '', query] = login.split('?');
  if (query === undefined) return isWithin(target, path);
  const asked = new URLSearchParams(target.split('?')[1]);
  return target.split('?')[0] === path && [...new URLSearchParams(query)].every(([name, value]) => asked.get(name) === value);
}
