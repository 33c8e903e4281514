import type { MfaUser } from '../options.js';
import { endpointPaths } from './endpoint-paths.js';
import type { HttpKit } from './http-kit.js';
import { invalid } from './http-options.js';
import { sameOriginPath } from './return-to.js';

/**
 * Tells which paths a guard of the whole application leaves open: the exceptions, the kit's own endpoints, the login.
 *
 * Byte for byte, never by prefix or pattern: another case, a trailing or doubled slash, an encoded letter is another path,
 * and guarded. A router that takes them for the same then serves no more than a guarded page (ASVS 2.3.1).
 */
export function openPaths<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exceptions: readonly string[],
): (path: string) => boolean {
  const open = new Set(listOpenPaths(kit, exceptions));
  return (requested) => open.has(requested);
}

/** The same paths as a list, for a report on coverage. */
export function listOpenPaths<User extends MfaUser, Request>(
  { options }: HttpKit<User, Request>,
  exceptions: readonly string[],
): string[] {
  if (!Array.isArray(exceptions)) invalid('requireMfaExcept() takes a list of paths such as ["/", "/login"].');
  for (const path of exceptions) {
    if (typeof path !== 'string' || !path.startsWith('/') || /[?#*]/.test(path)) {
      invalid(
        `requireMfaExcept() takes whole paths that begin with a slash, without patterns; it was given ${JSON.stringify(path)}.`,
      );
    }
  }
  const { path, publicPrefix } = options;
  const login = sameOriginPath(options.loginUrl)?.split('?')[0] ?? '';
  const ownLogin = login.startsWith(`${publicPrefix}/`) ? [login.slice(publicPrefix.length)] : [];
  return [...exceptions, ...ownLogin, ...endpointPaths().map((endpoint) => path + endpoint)];
}
