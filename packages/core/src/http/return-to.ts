import type { MfaExchange } from './exchange.js';

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
 * The path to go back to after a refused request: its own for a page, otherwise that of the page that sent it.
 *
 * Never read from a parameter. `prefix` is what a proxy strips from the public paths.
 */
export function returnTarget(
  exchange: Pick<MfaExchange, 'method' | 'url' | 'header'>,
  input: { html: boolean; prefix: string },
): string | undefined {
  if (exchange.method === 'GET' && input.html) return sameOriginPath(input.prefix + exchange.url);
  const referer = exchange.header('referer');
  const host = exchange.header('host');
  if (referer === undefined || host === undefined || !URL.canParse(referer)) return undefined;
  const url = new URL(referer);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined;
  return url.host === host.toLowerCase() ? sameOriginPath(url.pathname + url.search) : undefined;
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
