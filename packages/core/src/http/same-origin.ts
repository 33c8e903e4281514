import type { MfaExchange } from './exchange.js';

/**
 * Whether a state change comes from a page that may ask for it.
 *
 * - `proven`: `Sec-Fetch-Site: same-origin`, which no page can forge, or an `Origin` that the host allows, or a bearer
 *   request without cookies, which no browser sends by itself.
 * - `credential-in-body`: neither header, no cookie, no bearer token. Only a body that carries its own credential (a
 *   pending token) may pass: there is nothing that a browser would have added.
 * - `refused`: anything else (ASVS 3.5.1, 3.5.3).
 */
export type OriginProof = 'proven' | 'credential-in-body' | 'refused';

export function proveSameOrigin(exchange: Pick<MfaExchange, 'header'>, allowedOrigins: readonly string[]): OriginProof {
  const site = exchange.header('sec-fetch-site');
  const origin = exchange.header('origin');
  if (site === 'same-origin') return 'proven';
  if (origin !== undefined && allowedOrigins.includes(origin)) return 'proven';
  if (site !== undefined || origin !== undefined || exchange.header('cookie') !== undefined) return 'refused';
  const authorization = exchange.header('authorization');
  if (authorization === undefined) return 'credential-in-body';
  return /^(Bearer|DPoP) +\S/i.test(authorization) ? 'proven' : 'refused';
}
