import type { MfaExchange } from '../exchange.js';

/**
 * How a document navigation reached the server. `follow`: a page of this origin sent it, so it may be gone back to by itself.
 * `offer`: another site, a mail client or the address bar did, so the person is asked first.
 */
export type Navigation = 'follow' | 'offer';

/**
 * Reads what the browser says of the request (Fetch Metadata). Undefined for everything that is no navigation of a document: a
 * prefetch, a frame, a script's request, a picture.
 *
 * Browsers leave these headers out over plain http. A `Referer` of this origin, or none, then counts as a navigation within it.
 */
export function readNavigation(exchange: Pick<MfaExchange, 'header'>): Navigation | undefined {
  if (PREFETCH_HEADERS.some((name) => exchange.header(name) !== undefined)) return undefined;
  const [site, mode, dest] = ['site', 'mode', 'dest'].map((name) => exchange.header(`sec-fetch-${name}`));
  if (site === undefined && mode === undefined && dest === undefined) {
    return exchange.header('referer') === undefined || ownReferrer(exchange) !== undefined ? 'follow' : undefined;
  }
  if (mode !== 'navigate' || dest !== 'document') return undefined;
  return site === 'same-origin' ? 'follow' : 'offer';
}

/** The page of this origin that sent the request, or undefined. */
export function ownReferrer(exchange: Pick<MfaExchange, 'header'>): URL | undefined {
  const [referer, host] = [exchange.header('referer'), exchange.header('host')];
  if (referer === undefined || host === undefined || !URL.canParse(referer)) return undefined;
  const url = new URL(referer);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined;
  return url.host === hostAt(url.protocol, host) ? url : undefined;
}

const PREFETCH_HEADERS = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz'] as const;

/** The header `Host` as a URL writes it, which leaves the default port out. */
function hostAt(protocol: string, host: string): string | undefined {
  const url = `${protocol}//${host}`;
  return URL.canParse(url) ? new URL(url).host : undefined;
}
