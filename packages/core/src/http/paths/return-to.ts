import type { MfaExchange } from '../exchange.js';
import { ownReferrer } from './navigation.js';

const LENGTH_AT_MOST = 1024;
const BASE = 'http://mfa-kit.invalid';

/**
 * Path and query of a target within this origin, or undefined when it is anything else.
 *
 * Checked before and after WHATWG parsing: the parser drops tabs and newlines, takes a backslash for a slash, and makes
 * `//evil` out of `/.//evil` (ASVS 3.7.2).
 */
export function sameOriginPath(target: unknown): string | undefined {
  if (typeof target !== 'string' || target.length > LENGTH_AT_MOST) return undefined;
  // Printable ASCII without blank and backslash: what a browser sends in a request line.
  if (!/^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(target)) return undefined;
  const url = URL.canParse(target, BASE) ? new URL(target, BASE) : undefined;
  if (url === undefined || url.origin !== BASE || url.pathname.startsWith('//')) return undefined;
  return url.pathname + url.search;
}

/** Whether a path lies at or below `base`, however it is cased or encoded. */
export function isWithin(path: string, base: string): boolean {
  const pathname = comparable(path);
  const parent = comparable(base);
  if (pathname === undefined || parent === undefined) return true;
  return pathname === parent || pathname.startsWith(parent === '/' ? '/' : `${parent}/`);
}

/**
 * The path to go back to after a refused navigation, as the browser sees it: its own, or for a form that of the page that sent it.
 *
 * Never read from a parameter. `toPublicPath` undoes what a proxy does to paths.
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
