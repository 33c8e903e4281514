import type { MfaExchange } from './exchange.js';
import type { HttpKit } from './http-kit.js';
import { describeProblem, type Problem } from './problem.js';

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

/** The refusal; it tells the operator, who may have pages at another origin. */
export function refuseOrigin(kit: Pick<HttpKit, 'warn'>): Problem {
  kit.warn(
    'MFA_KIT_CROSS_SITE',
    'A state change was refused, because neither Sec-Fetch-Site nor Origin says that it came from a page of this origin. Name the ' +
      'origins of your other pages in the option allowedOrigins; if you have none, somebody else tried.',
  );
  return describeProblem('cross_site');
}
