import type { MfaExchange } from '../exchange.js';
import type { HttpKit } from '../http-kit.js';
import { describeProblem, type Problem } from '../problem.js';

/**
 * Returns the refusal of a socket that a page of another origin opened; otherwise undefined. Pages of any site can open a socket with the
 * user's cookies, and they need no CORS permission to read from it.
 *
 * Every browser sends `Origin` when it opens a WebSocket, so a request without it comes from a program. The guard treats such requests the
 * same way over HTTP. The polling of socket.io begins with an ordinary GET, which has no `Origin` if a page of this origin sends it.
 */
export function refuseSocketOrigin(
  kit: Pick<HttpKit, 'warn'> & { options: Pick<HttpKit['options'], 'allowedOrigins'> },
  exchange: Pick<MfaExchange, 'header' | 'request'>,
): Problem | undefined {
  if (isAllowed(exchange, kit.options.allowedOrigins)) return undefined;
  kit.warn('MFA_KIT_CROSS_SITE', 'socket');
  return describeProblem('cross_site');
}

function isAllowed(exchange: Pick<MfaExchange, 'header' | 'request'>, allowedOrigins: readonly string[]): boolean {
  const origin = exchange.header('origin');
  if (origin !== undefined && allowedOrigins.includes(origin)) return true;
  const site = exchange.header('sec-fetch-site');
  if (site !== undefined) return site === 'same-origin' || (site === 'none' && origin === undefined);
  return origin === undefined || isOwnOrigin(origin, exchange);
}

/** The request's own origin has the host that `Host` names. On an encrypted connection an http: page is never of this origin. */
function isOwnOrigin(origin: string, { header, request }: Pick<MfaExchange, 'header' | 'request'>): boolean {
  const host = header('host');
  if (host === undefined || !/^https?:\/\//.test(origin) || !URL.canParse(origin)) return false;
  const { protocol, host: own } = new URL(origin);
  if (protocol !== 'https:' && isEncrypted(request)) return false;
  // Clients may write the default port in the header or leave it out.
  return URL.canParse(`${protocol}//${host}`) && new URL(`${protocol}//${host}`).host === own;
}

function isEncrypted(request: unknown): boolean {
  const { socket } = Object(request) as { socket?: { encrypted?: unknown } };
  return Object(socket).encrypted === true;
}
