import type { MfaExchange } from '../exchange.js';
import type { HttpKit } from '../http-kit.js';
import { describeProblem, type Problem } from '../problem.js';

/**
 * Says whether a state change comes from a page that may request it.
 *
 * - `proven`: `Sec-Fetch-Site: same-origin`, which no page can forge, or an `Origin` that the host allows, or a bearer request without
 * cookies, which no browser sends by itself.
 * - `credential-in-body`: neither header, no cookie, no bearer token. Only a body with its own credential (a pending token) may pass,
 * because the browser added no credential.
 * - `refused`: anything else (ASVS 3.5.1, 3.5.3).
 */
export type OriginProof = 'proven' | 'credential-in-body' | 'refused';

export function proveSameOrigin(exchange: Pick<MfaExchange, 'header'>, allowedOrigins: readonly string[]): OriginProof {
  const site = exchange.header('sec-fetch-site');
  const origin = exchange.header('origin');
  if (site === 'same-origin') return 'proven';
  if (origin !== undefined && allowedOrigins.includes(origin)) return 'proven';
  if (site !== undefined || origin !== undefined || exchange.header('cookie') !== undefined) return 'refused';
  if (exchange.header('authorization') === undefined) return 'credential-in-body';
  return sendsAccessToken(exchange) ? 'proven' : 'refused';
}

/** Whether the request authenticates with an access token, which no browser sends by itself. */
export function sendsAccessToken(exchange: Pick<MfaExchange, 'header'>): boolean {
  return /^(Bearer|DPoP) +\S/i.test(exchange.header('authorization') ?? '');
}

/**
 * Whether the answer to a GET may hold a secret: no page of another origin can read it, even if the host adds CORS headers.
 *
 * Our own pages, the allowed origins, and top-level navigations may read it: no page of another origin can read what a window shows.
 * Without Sec-Fetch headers (plain http, old browsers), only a fetch from another origin has an `Origin`.
 */
export function mayReadSecret(exchange: Pick<MfaExchange, 'header'>, allowedOrigins: readonly string[]): boolean {
  const site = exchange.header('sec-fetch-site');
  const origin = exchange.header('origin');
  if (site === 'same-origin') return true;
  if (origin !== undefined) return allowedOrigins.includes(origin);
  if (site === undefined || site === 'none') return true;
  return exchange.header('sec-fetch-mode') === 'navigate' && exchange.header('sec-fetch-dest') === 'document';
}

/** The refusal of a GET whose answer holds a secret. */
export function refuseReader(kit: Pick<HttpKit, 'warn'>): Problem {
  kit.warn('MFA_KIT_CROSS_SITE', 'secret');
  return describeProblem('cross_site');
}

/** The refusal of a state change. Warns the operator, because pages at other origins need the option allowedOrigins. */
export function refuseOrigin(kit: Pick<HttpKit, 'warn'>): Problem {
  kit.warn('MFA_KIT_CROSS_SITE', 'change');
  return describeProblem('cross_site');
}
