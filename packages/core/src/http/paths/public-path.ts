import type { MfaUser } from '../../options.js';
import type { ResolvedHttpOptions } from '../http-options.js';

type Prefixes = Pick<ResolvedHttpOptions<MfaUser, unknown>, 'publicPrefix' | 'addedPrefix'>;

/** Finds what a proxy does to paths (it strips one prefix or adds one) by comparing the options `path` and `publicPath`. */
export function proxyPrefixes({ path, publicPath }: { path: string; publicPath: string }): Prefixes {
  return {
    publicPrefix: publicPath.endsWith(path) ? publicPath.slice(0, -path.length) : '',
    addedPrefix: path.endsWith(publicPath) ? path.slice(0, -publicPath.length) : '',
  };
}

/** Converts a path (and query) of the server to the one that the browser sees. */
export function publicPathOf({ publicPrefix, addedPrefix }: Prefixes, path: string): string {
  return publicPrefix + (addedPrefix !== '' && isBelow(path, addedPrefix) ? path.slice(addedPrefix.length) : path);
}

/** Converts a path of the browser to the one that the server sees; undefined if the proxy leads it elsewhere. */
export function serverPathOf({ publicPrefix, addedPrefix }: Prefixes, path: string): string | undefined {
  if (publicPrefix !== '') return isBelow(path, publicPrefix) ? path.slice(publicPrefix.length) : undefined;
  return addedPrefix + path;
}

function isBelow(path: string, prefix: string): boolean {
  return path.startsWith(`${prefix}/`);
}
