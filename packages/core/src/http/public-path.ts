import type { MfaUser } from '../options.js';
import type { ResolvedHttpOptions } from './http-options.js';

type Prefixes = Pick<ResolvedHttpOptions<MfaUser, unknown>, 'publicPrefix' | 'addedPrefix'>;

/**
 * What a proxy does to paths: it strips a prefix, adds one, or replaces one by another. Found by comparing the options `path` and
 * `publicPath` from their ends. Where the ends differ, the proxy moves the endpoints alone, and other paths stay as they are.
 */
export function proxyPrefixes({ path, publicPath }: { path: string; publicPath: string }): Prefixes {
  const [server, browser] = [path.split('/'), publicPath.split('/')];
  let same = 0;
  // The first part is the empty text before the leading slash.
  while (same < Math.min(server.length, browser.length) - 1 && server.at(-1 - same) === browser.at(-1 - same)) same++;
  if (same === 0) return { publicPrefix: '', addedPrefix: '' };
  return { publicPrefix: browser.slice(0, -same).join('/'), addedPrefix: server.slice(0, -same).join('/') };
}

/** A path (and query) of the server as the browser sees it. */
export function publicPathOf({ publicPrefix, addedPrefix }: Prefixes, path: string): string {
  if (addedPrefix === '') return publicPrefix + path;
  return isBelow(path, addedPrefix) ? publicPrefix + path.slice(addedPrefix.length) : path;
}

/** A path of the browser as the server sees it; undefined where the proxy leads it elsewhere. */
export function serverPathOf({ publicPrefix, addedPrefix }: Prefixes, path: string): string | undefined {
  if (publicPrefix === '') return addedPrefix + path;
  if (isBelow(path, publicPrefix)) return addedPrefix + path.slice(publicPrefix.length);
  // A proxy that replaces a prefix leaves other paths as they are; one that strips it leads them elsewhere.
  return addedPrefix === '' ? undefined : path;
}

function isBelow(path: string, prefix: string): boolean {
  return path.startsWith(`${prefix}/`);
}
