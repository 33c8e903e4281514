export type SameSite = 'lax' | 'strict' | 'none';

export interface CookieAttributes {
  maxAgeSeconds: number;
  secure: boolean;
  sameSite: SameSite;
}

/** One name and value of a `Cookie` header, raw: nothing is decoded or unquoted. */
export interface SentCookie {
  name: string;
  value: string;
}

/**
 * Parses a raw `Cookie` header: the cookies in order, duplicates included.
 *
 * The caller compares names byte for byte. A parser that folds case or decodes names would accept `__%48ost-` or `__HOST-` as a prefix that
 * the browser protects.
 */
export function parseCookies(header: string | undefined): SentCookie[] {
  if (header === undefined) return [];
  const cookies: SentCookie[] = [];
  for (const part of header.split(';')) {
    const at = part.indexOf('=');
    if (at < 0) continue;
    cookies.push({ name: trimBlanks(part.slice(0, at)), value: trimBlanks(part.slice(at + 1)) });
  }
  return cookies;
}

/** A `Set-Cookie` line for this host alone: `HttpOnly`, `Path=/`, no `Domain`. */
export function serializeCookie(name: string, value: string, attributes: CookieAttributes): string {
  const line = [`${name}=${value}`, 'Path=/', `Max-Age=${attributes.maxAgeSeconds}`, 'HttpOnly'];
  if (attributes.secure) line.push('Secure');
  line.push(`SameSite=${{ lax: 'Lax', strict: 'Strict', none: 'None' }[attributes.sameSite]}`);
  return line.join('; ');
}

function trimBlanks(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, '');
}
