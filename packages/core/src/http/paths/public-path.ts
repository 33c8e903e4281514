import type { MfaUser } from '../../options.js';
import type { ResolvedHttpOptions } from '../http-options.js';

type Prefixes = Pick<ResolvedHttpOptions<MfaUser, unknown>, 'publicPrefix' | 'addedPrefix'>;

/** What a proxy does to paths: it strips one prefix, or it adds one. Found by comparing the options `path` and `publicPath`. */
export function proxyPrefixes({ path, publicPath }: { path: string; publicPath: string }): Prefixes {
  return {
    publicPrefix: publicPath.endsWith(path) ? publicPath.slice(0, -path.length) : '',
    addedPrefix: path.endsWith(publicPath) ? path.slice(0, -publicPath.length) : '',
  };
}

/** A path (and query) of the server as the browser sees it. */
export function publicPathOf({ publicPrefix, addedPrefix }: Prefixes, path: string): string {
  return publicPrefix + (addedPrefix !== '' && isBelow(path, addedPrefix) ? path.slice(addedPrefix.length) : path);
}

/** A path of the browser as the server sees it; undefined where the proxy leads it elsewhere. */
export function serverPathOf({ publicPrefix, addedPrefix }: Prefixes, path: string): string | undefined {
  if (publicPrefix !== '') return isBelow(path, publicPrefix) ? path.slice(publicPrefix.length) : undefined;
  return addedPrefix + path;
}

function isBelow(path: string, prefix: string): boolean {
  return path.startsWith(`${prefix}/`);
}
