import { ACR } from '../assurance.js';
import type { HttpAnswer } from './exchange.js';
import type { ResolvedHttpOptions } from './http-options.js';
import type { Problem } from './problem.js';

type Headers = HttpAnswer['headers'];
// Without type parameters, so that every kit fits.
type AnyKit = {
  options: Pick<ResolvedHttpOptions<never, never>, 'loginUrl' | 'homeUrl' | 'crossOriginOpenerPolicy'> & {
    pages: { logoUrl?: string; themeUrl?: string };
  };
};

/** A complete HTML document. */
export function pageAnswer(kit: AnyKit, input: { status: number; html: string; headers?: Headers }): HttpAnswer {
  const headers: Headers = [['Content-Type', 'text/html; charset=utf-8'], ...safetyHeaders(kit), ...(input.headers ?? [])];
  return { status: input.status, headers, body: input.html };
}

/** A JSON answer for a success. */
export function jsonAnswer(kit: AnyKit, status: number, data: object): HttpAnswer {
  return {
    status,
    headers: [['Content-Type', 'application/json; charset=utf-8'], ...safetyHeaders(kit)],
    body: JSON.stringify(data),
  };
}

/** A success without content. */
export function emptyAnswer(kit: AnyKit): HttpAnswer {
  return { status: 204, headers: safetyHeaders(kit), body: '' };
}

/** A redirect to another page, by GET. `location` is never taken from the request unchecked. */
export function redirectAnswer(kit: AnyKit, location: string): HttpAnswer {
  return { status: 303, headers: [['Location', location], ...safetyHeaders(kit)], body: '' };
}

/** A problem document with the headers that its reason asks for. */
export function problemAnswer(kit: AnyKit, problem: Problem, headers: Headers = []): HttpAnswer {
  return {
    status: problem.status,
    headers: [
      ['Content-Type', 'application/problem+json; charset=utf-8'],
      ...safetyHeaders(kit),
      ...problemHeaders(problem),
      ...headers,
    ],
    body: JSON.stringify(problem),
  };
}

/** `Retry-After`, and for 401 the challenge that RFC 9110 requires and RFC 9470 section 3 describes. */
export function problemHeaders(problem: Problem): Headers {
  const headers: Headers = [];
  if (problem.retryAfterSeconds !== undefined) headers.push(['Retry-After', String(problem.retryAfterSeconds)]);
  if (problem.status !== 401) return headers;
  if (problem.reason !== 'challenge') return [...headers, ['WWW-Authenticate', 'Bearer error="invalid_token"']];
  const parts = ['error="insufficient_user_authentication"', `error_description="${problem.title}"`];
  if (problem.maxAgeSeconds !== undefined) parts.push(`max_age="${problem.maxAgeSeconds}"`);
  parts.push(`acr_values="${ACR.active}"`);
  return [...headers, ['WWW-Authenticate', `Bearer ${parts.join(', ')}`]];
}

/**
 * A style sheet or script of the pages: it holds nothing personal, and its URL changes with its content. It is `private` anyway, because
 * the host's session middleware may add a cookie to the answer (`rolling: true`), which a shared cache would keep.
 */
export function assetAnswer(kit: AnyKit, asset: { type: string; body: string; fresh: boolean }): HttpAnswer {
  const headers = safetyHeaders(kit).map(([name, value]): [string, string] =>
    name === 'Cache-Control' ? [name, `private, ${asset.fresh ? 'max-age=31536000, immutable' : 'no-cache'}`] : [name, value],
  );
  return { status: 200, headers: [['Content-Type', asset.type], ...headers], body: asset.body };
}

function safetyHeaders({ options }: AnyKit): Headers {
  return [
    ['Cache-Control', 'no-store'],
    ['Content-Security-Policy', contentSecurityPolicy(options)],
    // Not `no-referrer`: with that, browsers send `Origin: null` with the forms of the page.
    ['Referrer-Policy', 'same-origin'],
    ['Cross-Origin-Opener-Policy', options.crossOriginOpenerPolicy],
    ['Cross-Origin-Resource-Policy', 'same-origin'],
    ['X-Content-Type-Options', 'nosniff'],
    ['X-Frame-Options', 'DENY'],
    ['Vary', 'Accept'],
  ];
}

/** No inline script, no inline style. The only other origins are those that the host named: logo, theme, login, home. */
function contentSecurityPolicy({ loginUrl, homeUrl, pages }: AnyKit['options']): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self'${originsOf(pages.themeUrl)}`,
    `img-src 'self' data:${originsOf(pages.logoUrl)}`,
    // Chromium also applies this to the redirects after a form.
    `form-action 'self'${originsOf(loginUrl, homeUrl)}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ');
}

function originsOf(...urls: (string | undefined)[]): string {
  const origins = urls.flatMap((url) => (url !== undefined && URL.canParse(url) ? [new URL(url).origin] : []));
  return [...new Set(origins)].map((origin) => ` ${origin}`).join('');
}
