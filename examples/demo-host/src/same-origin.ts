/** What the check looks at; names of headers are lower case, as Node has them. */
export interface OriginFacts {
  method: string;
  headers: Record<string, string | string[] | undefined>;
}

/**
 * Whether a request may change something here: it comes from a page of this origin, or from no browser at all.
 *
 * The session cookie is SameSite=Lax besides; this also covers the login, where there is no session yet.
 */
export function isSameOrigin({ method, headers }: OriginFacts): boolean {
  if (method === 'GET' || method === 'HEAD') return true;
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  const origin = headers.origin;
  if (origin === undefined) return true;
  return typeof origin === 'string' && URL.canParse(origin) && new URL(origin).host === headers.host;
}
