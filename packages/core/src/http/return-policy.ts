import { MfaError } from '../errors.js';
import { describe } from '../host-input.js';
import type { MfaUser } from '../options.js';
import type { MfaExchange } from './exchange.js';
import type { ResolvedHttpOptions } from './http-options.js';
import { isWithin, returnTarget, sameOriginPath } from './return-to.js';

type Paths = Pick<ResolvedHttpOptions<MfaUser, unknown>, 'publicPath' | 'loginUrl'>;

/** The path if it may be gone back to: of this origin, and of the kit's own pages only those that ask for a proof. */
export function allowedReturn(options: Paths, path: string): string | undefined {
  const target = sameOriginPath(path);
  if (target === undefined) return undefined;
  if (target === options.publicPath || target === `${options.publicPath}/enroll`) return target;
  return isReserved(options, target) ? undefined : target;
}

/** The path of a refused request to go back to, through the host's filter; undefined when there is none. */
export function refusedReturn<User extends MfaUser, Request>(
  options: ResolvedHttpOptions<User, Request>,
  exchange: MfaExchange<User, Request>,
  html: boolean,
): string | undefined {
  const target = returnTarget(exchange, { html, prefix: options.publicPrefix });
  if (target === undefined || isReserved(options, target)) return undefined;
  if (!options.returnTo) return target;
  const answer: unknown = options.returnTo(target, exchange.request);
  if (answer === true) return target;
  if (answer === false) return undefined;
  throw new MfaError(
    'host_callback_failed',
    `The option "returnTo" must return true or false at once; it returned ${describe(answer)}.`,
  );
}

function isReserved({ publicPath, loginUrl }: Paths, target: string): boolean {
  return (
    isWithin(target, publicPath) || (loginUrl !== '/' && sameOriginPath(loginUrl) !== undefined && isWithin(target, loginUrl))
  );
}
