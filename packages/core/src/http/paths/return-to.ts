import type { MfaExchange } from '../exchange.js';
import { ownReferrer } from './navigation.js';

const MAX_LENGTH = 1024;
const BASE = 'http://mfa-kit.invalid';

/**
 * Returns path and query of a target within this origin; undefined for anything else.
 *
 * Checks before and after WHATWG parsing, because the parser drops tabs and newlines, treats a backslash as a slash, and turns `/.//evil`
 * into `//evil` (ASVS 3.7.2).
 */
export function sameOriginPath(target: unknown): string | undefined {
  if (typeof target !== 'string' || target.length > MAX_LENGTH) return undefined;
  // Printable ASCII without space and backslash: what a browser sends in a request line.
  if (!/^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(target)) return undefined;
  const url = URL.canParse(target, BASE) ? new URL(target, BASE) : undefined;
  if (url === undefined || url.origin !== BASE || url.pathname.startsWith('//')) return undefined;
  return url.pathname + url.search;
}

/** Whether a path lies at or below `base`, in any case and encoding. */
export function isWithin(path: string, base: string): boolean {
  const pathname = comparable(path);
  const parent = comparable(base);
  if (pathname === undefined || parent === undefined) return true;
  return pathname === parent || pathname.startsWith(parent === '/' ? '/' : `${parent}/`);
}

/**
 * Returns the path to return to after a refused navigation, as the browser sees it: for a page its own path, for a form the path of the
 * page that sent it.
 *
 * Never reads it from a parameter. `toPublicPath` undoes what a proxy does to paths.
 */
export function returnTarget(
  exchange: Pick<MfaExchange, 'method' | 'url' | 'header'>,
  toPublicPath: (path: string) => string,
): string | undefined {
  if (exchange.method === 'GET') return sameOriginPath(toPublicPath(exchange.url));
  const url = ownReferrer(exchange);
  return url && sameOriginPath(url.pathname + url.search);
}

function comparable(path: string): string | undefined {
  try {
    const pathname = decodeURIComponent(new URL(path, BASE).pathname)
      .toLowerCase()
      .replace(/\/{2,}/g, '/');
    return pathname === '/' ? pathname : pathname.replace(/\/$/, '');
  } catch {
    return undefined;
  }
}
