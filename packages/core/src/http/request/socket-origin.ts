import type { MfaExchange } from '../exchange.js';
import type { HttpKit } from '../http-kit.js';
import { describeProblem, type Problem } from '../problem.js';

/**
 * The refusal of a socket that a page of another origin opened; undefined for any other. Browsers let pages of every site open sockets,
 * with the cookies of the user, and no page needs to read an answer first.
 *
 * Every browser sends `Origin` when it opens a WebSocket, so a request without it is a program's, as it is for the guard over HTTP.
 * The polling of socket.io begins with an ordinary GET, which has no `Origin` from a page of the own origin.
 */
export function refuseSocketOrigin(
  kit: Pick<HttpKit, 'warn'> & { options: Pick<HttpKit['options'], 'allowedOrigins'> },
  exchange: Pick<MfaExchange, 'header' | 'request'>,
): Problem | undefined {
  if (isAllowed(exchange, kit.options.allowedOrigins)) return undefined;
  kit.warn(
    'MFA_KIT_CROSS_SITE',
    'A socket was refused, because its Origin is not the origin that the header Host names. If a page of yours opened it, name the origin ' +
      'of that page in the option allowedOrigins; behind a proxy that changes Host, name your own origin there as well. If you have no ' +
      'such page, somebody else tried.',
  );
  return describeProblem('cross_site');
}

function isAllowed(exchange: Pick<MfaExchange, 'header' | 'request'>, allowedOrigins: readonly string[]): boolean {
  const origin = exchange.header('origin');
  if (origin !== undefined && allowedOrigins.includes(origin)) return true;
  const site = exchange.header('sec-fetch-site');
  if (site !== undefined) return site === 'same-origin' || (site === 'none' && origin === undefined);
  return origin === undefined || isOwnOrigin(origin, exchange);
}

/** The own origin is the one whose host the request names; a page of http has none on a connection that is encrypted. */
function isOwnOrigin(origin: string, { header, request }: Pick<MfaExchange, 'header' | 'request'>): boolean {
  const host = header('host');
  if (host === undefined || !/^https?:\/\//.test(origin) || !URL.canParse(origin)) return false;
  const { protocol, host: own } = new URL(origin);
  if (protocol !== 'https:' && isEncrypted(request)) return false;
  // The header names a default port only where a client writes it.
  return URL.canParse(`${protocol}//${host}`) && new URL(`${protocol}//${host}`).host === own;
}

function isEncrypted(request: unknown): boolean {
  const { socket } = Object(request) as { socket?: { encrypted?: unknown } };
  return Object(socket).encrypted === true;
}
