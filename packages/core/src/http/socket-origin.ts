import type { MfaExchange } from './exchange.js';

/**
 * Whether a request that opens a socket may come from where it says. Browsers let pages of every site open sockets, with the cookies
 * of the user, and no page of another origin needs to read an answer first.
 *
 * Every browser sends `Origin` when it opens a WebSocket, so a request without it is a program's, as it is for the guard over HTTP.
 * The own origin is the one whose host the request names; a page of http has none on a connection that is encrypted.
 */
export function isSocketOriginAllowed(
  exchange: Pick<MfaExchange, 'header'>,
  { allowedOrigins, encrypted }: { allowedOrigins: readonly string[]; encrypted: boolean },
): boolean {
  const origin = exchange.header('origin');
  if (origin !== undefined && allowedOrigins.includes(origin)) return true;
  const site = exchange.header('sec-fetch-site');
  if (site !== undefined) return site === 'same-origin' || (site === 'none' && origin === undefined);
  return origin === undefined || isOwnOrigin(origin, exchange.header('host'), encrypted);
}

function isOwnOrigin(origin: string, host: string | undefined, encrypted: boolean): boolean {
  if (host === undefined || !/^https?:\/\//.test(origin) || !URL.canParse(origin)) return false;
  const { protocol, host: own } = new URL(origin);
  if (encrypted && protocol !== 'https:') return false;
  // The header names a default port only where a client writes it.
  return URL.canParse(`${protocol}//${host}`) && new URL(`${protocol}//${host}`).host === own;
}
