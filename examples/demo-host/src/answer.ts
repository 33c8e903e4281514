import { messagePage } from './pages.js';
import type { DemoUser } from './users.js';

/** What a route has to say: to a script always `json`, to a person a page or the way on. */
export interface Reply {
  status: number;
  json: object;
  page?: string;
  /** A person is sent on to this path. */
  to?: string;
}

/** An answer as plain data, for any framework. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** Picks what the client understands. Only browsers name `text/html`; everybody else gets JSON. */
export function answer(accept: string | undefined, { status, json, page, to }: Reply): Answer {
  if (!accept?.includes('text/html')) {
    const type = status < 400 ? 'application/json' : 'application/problem+json';
    return { status, headers: { ...HEADERS, 'Content-Type': type }, body: JSON.stringify(json) };
  }
  if (to !== undefined) return { status: 303, headers: { ...HEADERS, Location: to }, body: '' };
  return { status, headers: { ...HEADERS, 'Content-Type': 'text/html; charset=utf-8' }, body: page ?? '' };
}

/** A refusal: a problem document (RFC 9457), or a page that says the same. */
export function refusal(status: number, title: string, detail: string, user?: DemoUser): Reply {
  return { status, json: { status, title, detail }, page: messagePage({ heading: title, text: detail, user }) };
}

/** What is said when a route or a parser threw; the operator reads the rest in the log. */
export function failure(error: unknown): Reply {
  const { status = 500 } = Object(error) as { status?: number };
  if (status >= 400 && status < 500) return refusal(status, 'Not understood', 'The request is malformed.');
  console.error(error);
  return refusal(500, 'That did not work', 'Please try again.');
}

/** One field of a parsed form or JSON body; the empty string when it is absent or no string. */
export function textField(body: unknown, name: string): string {
  const value: unknown = Object.getOwnPropertyDescriptor(Object(body), name)?.value;
  return typeof value === 'string' ? value : '';
}

// The Referer stays within the origin: it leads back from a refused POST.
const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
};
