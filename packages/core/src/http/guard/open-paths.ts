import type { MfaUser } from '../../options.js';
import type { HttpKit } from '../http-kit.js';
import { invalid } from '../http-options.js';
import { endpointPaths } from '../paths/endpoint-paths.js';
import { serverPathOf } from '../paths/public-path.js';
import { sameOriginPath } from '../paths/return-to.js';

/**
 * Returns a test for the paths that a guard of the whole application leaves open: the exceptions, the kit's own endpoints, the login.
 *
 * Compares byte for byte, never by prefix or pattern. A path that differs in case, slashes or encoding is guarded, so a router that treats
 * both as the same only serves a guarded page (ASVS 2.3.1).
 */
export function openPaths<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exceptions: readonly string[],
): (path: string) => boolean {
  const open = new Set(listOpenPaths(kit, exceptions));
  return (requested) => open.has(requested);
}

/** Returns the same paths as a list, for the coverage report. */
export function listOpenPaths<User extends MfaUser, Request>(
  { options }: HttpKit<User, Request>,
  exceptions: readonly string[],
): string[] {
  if (!Array.isArray(exceptions)) invalid('requireMfaExcept() takes a list of paths such as ["/", "/login"].');
  for (const path of exceptions) {
    if (typeof path !== 'string' || !path.startsWith('/') || /[?#*]/.test(path)) {
      invalid(`requireMfaExcept() takes whole paths that begin with a slash, not patterns; it got ${JSON.stringify(path)}.`);
    }
  }
  const logins = new Set([...loginPath(options, 'loginUrl', exceptions), ...loginPath(options, 'reauthUrl', exceptions)]);
  const named = new Set(exceptions);
  return [
    ...exceptions,
    ...[...logins].filter((login) => !named.has(login)),
    ...endpointPaths().map((endpoint) => options.path + endpoint),
  ];
}

/**
 * Returns the path of a login page as the server sees it. A login page with a query would open its whole path, so the list must name that
 * path.
 */
function loginPath<User extends MfaUser, Request>(
  options: HttpKit<User, Request>['options'],
  name: 'loginUrl' | 'reauthUrl',
  exceptions: readonly string[],
): string[] {
  const url = options[name];
  const [publicPath] = sameOriginPath(url)?.split('?') ?? [];
  const path = publicPath === undefined ? undefined : serverPathOf(options, publicPath);
  if (path === undefined) return [];
  if (!/[?#]/.test(url) || exceptions.includes(path)) return [path];
  return invalid(
    `${name} is ${JSON.stringify(url)}, so requireMfaExcept() would have to leave open everything that ${path} serves. Give the login page its ` +
      `own path, or add ${JSON.stringify(path)} to the list if nothing there needs MFA: requireMfaExcept([${JSON.stringify(path)}]).`,
  );
}
