import { messagePage } from './pages.js';
import type { DemoUser } from './users.js';

/** What a route answers: `json` for scripts, a page or a redirect for people. */
export interface Reply {
  status: number;
  json: object;
  page?: string;
  /** Redirects a person to this path. */
  to?: string;
}

/** An answer as plain data, for any framework. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** Picks the format. Only browsers accept `text/html`, so other clients get JSON. */
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

/** The answer if a route or a parser threw. The details are in the log. */
export function failure(error: unknown): Reply {
  const { status = 500 } = Object(error) as { status?: number };
  if (status >= 400 && status < 500) return refusal(status, 'Not understood', 'The request is malformed.');
  console.error(error);
  return refusal(500, 'That did not work', 'Please try again.');
}

/** One field of a parsed form or JSON body; an empty string if it is absent or not a string. */
export function textField(body: unknown, name: string): string {
  const value: unknown = Object.getOwnPropertyDescriptor(Object(body), name)?.value;
  return typeof value === 'string' ? value : '';
}

// Sends the Referer within the origin only, where it leads back from a refused POST.
const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
};
