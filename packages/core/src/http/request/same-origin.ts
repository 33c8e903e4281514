import type { MfaExchange } from '../exchange.js';
import type { HttpKit } from '../http-kit.js';
import { describeProblem, type Problem } from '../problem.js';

/**
 * Whether a state change was requested by a page that may request it.
 *
 * - `proven`: `Sec-Fetch-Site: same-origin`, which no page can forge, or an `Origin` that the host allows, or a bearer
 *   request without cookies, which no browser sends by itself.
 * - `credential-in-body`: neither header, no cookie, no bearer token. Only a body with its own credential (a pending token)
 *   may pass, because a browser added nothing.
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
 * Whether the answer to a GET may hold a secret: no page of another origin can read it, whatever CORS headers the host adds.
 *
 * Our own pages, the origins that the host allows, and navigations of a whole window may read it: what a window shows, no page of
 * another origin reads. Where no Sec-Fetch header comes (plain http, old browsers), only a fetch by another origin has an `Origin`.
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
  kit.warn(
    'MFA_KIT_CROSS_SITE',
    'A page of another origin asked for an answer that holds a secret, such as the key of an enrollment, and was refused. If that is ' +
      'a page of yours, name its origin in the option allowedOrigins.',
  );
  return describeProblem('cross_site');
}

/** The refusal. Warns the operator, whose pages at other origins may need the option allowedOrigins. */
export function refuseOrigin(kit: Pick<HttpKit, 'warn'>): Problem {
  kit.warn(
    'MFA_KIT_CROSS_SITE',
    'A state change was refused, because neither Sec-Fetch-Site nor Origin says that it came from a page of this origin. Name the ' +
      'origins of your other pages in the option allowedOrigins; if you have none, somebody else tried.',
  );
  return describeProblem('cross_site');
}
