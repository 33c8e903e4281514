import type { MfaExchange } from '../exchange.js';

/**
 * How a document navigation reached the server. `follow`: a page of this origin sent it, so the browser may return to it without asking.
 * `offer`: another site, a mail client or the address bar sent it, so the person is asked first.
 */
export type Navigation = 'follow' | 'offer';

/**
 * Reads the Fetch Metadata of a request. Returns undefined if the request is not a document navigation, for example a prefetch, a frame, a
 * script's request or an image.
 *
 * Browsers omit these headers over plain http. Then a `Referer` of this origin, or none, counts as a navigation within it.
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

/** Returns the page of this origin that sent the request, or undefined. */
export function ownReferrer(exchange: Pick<MfaExchange, 'header'>): URL | undefined {
  const [referer, host] = [exchange.header('referer'), exchange.header('host')];
  if (referer === undefined || host === undefined || !URL.canParse(referer)) return undefined;
  const url = new URL(referer);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined;
  return url.host === hostAt(url.protocol, host) ? url : undefined;
}

const PREFETCH_HEADERS = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz'] as const;

/** Returns the header `Host` as a URL writes it, without the default port. */
function hostAt(protocol: string, host: string): string | undefined {
  const url = `${protocol}//${host}`;
  return URL.canParse(url) ? new URL(url).host : undefined;
}
