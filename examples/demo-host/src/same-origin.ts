/** The input of the check. Header names are lower case, as in Node. */
export interface OriginFacts {
  method: string;
  headers: Record<string, string | string[] | undefined>;
}

/**
 * Whether a request may change something here, because it comes from a page of this origin, or not from a browser.
 *
 * The session cookie is also SameSite=Lax, but this check covers the login too, which has no session yet.
 */
export function isSameOrigin({ method, headers }: OriginFacts): boolean {
  if (method === 'GET' || method === 'HEAD') return true;
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  const origin = headers.origin;
  if (origin === undefined) return true;
  return typeof origin === 'string' && URL.canParse(origin) && new URL(origin).host === headers.host;
}
