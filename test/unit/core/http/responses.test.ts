import { describe, expect, it } from 'vitest';
import { describeProblem } from '../../../../packages/core/src/http/problem.js';
import {
  assetAnswer,
  emptyAnswer,
  jsonAnswer,
  pageAnswer,
  problemAnswer,
  redirectAnswer,
} from '../../../../packages/core/src/http/responses.js';
import { httpOptions } from './exchange.js';

const kit = { options: httpOptions() };

const SAFETY = [
  ['Cache-Control', 'no-store'],
  [
    'Content-Security-Policy',
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; form-action 'self'; " +
      "frame-ancestors 'none'; base-uri 'none'",
  ],
  ['Referrer-Policy', 'same-origin'],
  ['Cross-Origin-Opener-Policy', 'same-origin'],
  ['Cross-Origin-Resource-Policy', 'same-origin'],
  ['X-Content-Type-Options', 'nosniff'],
  ['X-Frame-Options', 'DENY'],
  ['Vary', 'Accept'],
];

describe('HTTP-3, F43, F57: the exact headers of', () => {
  it('a page', () => {
    const headers = [['Content-Type', 'text/html; charset=utf-8'], ...SAFETY];
    expect(pageAnswer(kit, { status: 200, html: '<p>' })).toEqual({ status: 200, headers, body: '<p>' });
    const wait: [string, string][] = [['Retry-After', '1']];
    expect(pageAnswer(kit, { status: 503, html: '', headers: wait }).headers).toEqual([...headers, ...wait]);
  });

  it('JSON', () => {
    const headers = [['Content-Type', 'application/json; charset=utf-8'], ...SAFETY];
    expect(jsonAnswer(kit, 201, { a: 1 })).toEqual({ status: 201, headers, body: '{"a":1}' });
  });

  it('an empty answer and a redirect', () => {
    expect(emptyAnswer(kit)).toEqual({ status: 204, headers: SAFETY, body: '' });
    const headers = [['Location', '/cases'], ...SAFETY];
    expect(redirectAnswer(kit, '/cases')).toEqual({ status: 303, headers, body: '' });
  });

  it('a problem', () => {
    const type = ['Content-Type', 'application/problem+json; charset=utf-8'];
    expect(problemAnswer(kit, describeProblem('not_found')).headers).toEqual([type, ...SAFETY]);
    const busy = problemAnswer(kit, describeProblem('busy'), [['Allow', 'POST']]);
    expect(busy.headers).toEqual([type, ...SAFETY, ['Retry-After', '1'], ['Allow', 'POST']]);
    const lost = problemAnswer(kit, describeProblem('login_again'));
    expect(lost.headers).toEqual([type, ...SAFETY, ['WWW-Authenticate', 'Bearer error="invalid_token"']]);
  });

  it('F52: a style sheet, which no shared cache may store with a session cookie that the host adds', () => {
    const asset = { type: 'text/css', body: 'p{}', fresh: true };
    const [, ...safety] = SAFETY;
    expect(assetAnswer(kit, asset)).toEqual({
      status: 200,
      headers: [['Content-Type', 'text/css'], ['Cache-Control', 'private, max-age=31536000, immutable'], ...safety],
      body: 'p{}',
    });
    expect(assetAnswer(kit, { ...asset, fresh: false }).headers).toContainEqual(['Cache-Control', 'private, no-cache']);
  });
});

it('HTTP-3: forms may lead to each other origin that the host named, listed once', () => {
  const policy = (loginUrl: string, homeUrl: string) =>
    new Map(emptyAnswer({ options: httpOptions({ loginUrl, homeUrl }) }).headers).get('Content-Security-Policy');
  expect(policy('https://sso.example/login', 'https://app.example:8443/')).toContain(
    "; form-action 'self' https://sso.example https://app.example:8443; ",
  );
  expect(policy('https://sso.example/login', 'https://sso.example/')).toContain("; form-action 'self' https://sso.example; ");
});

it('F57: a host whose login runs in a pop-up chooses the opener policy of every answer', () => {
  for (const crossOriginOpenerPolicy of ['same-origin', 'same-origin-allow-popups', 'unsafe-none'] as const) {
    const { headers } = redirectAnswer({ options: httpOptions({ crossOriginOpenerPolicy }) }, '/cases');
    expect(headers).toContainEqual(['Cross-Origin-Opener-Policy', crossOriginOpenerPolicy]);
  }
  for (const crossOriginOpenerPolicy of ['same-site', 'noopener', '', null, true, ['same-origin']]) {
    expect(() => httpOptions({ crossOriginOpenerPolicy: crossOriginOpenerPolicy as 'same-origin' })).toThrow(
      /crossOriginOpenerPolicy must be 'same-origin'/,
    );
  }
});
