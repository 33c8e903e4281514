import { describe, expect, it } from 'vitest';
import { allowedReturn, refusedReturn } from '../../../../../packages/core/src/http/flows/return-policy.js';
import { isWithin, returnTarget, sameOriginPath } from '../../../../../packages/core/src/http/paths/return-to.js';
import { fc } from '../../../../support/fast-check.js';
import { exchangeOf, httpOptions } from '../exchange.js';

const HOSTILE: unknown[] = [
  '//evil.example',
  '///evil.example',
  '////evil.example/a',
  '/\\evil.example',
  '/\\/evil.example',
  '/\\\\evil.example',
  '\\\\evil.example',
  '\\/evil.example',
  '//evil.example@app.example',
  '//app.example@evil.example',
  '/.//evil.example',
  '/..//evil.example',
  '/a/..//evil.example',
  '/a/../..//evil.example',
  '/././/evil.example',
  '/%2e//evil.example',
  '/%2e%2e//evil.example',
  '/\t/evil.example',
  '/\n/evil.example',
  '/\r/evil.example',
  '/\r\nLocation: https://evil.example',
  '/a\r\nSet-Cookie: a=b',
  '/\u0000/evil.example',
  '/\u000b/evil.example',
  '/\u007f',
  '/ /evil.example',
  ' //evil.example',
  '\t//evil.example',
  '\u00a0//evil.example',
  '/\u2028/evil.example',
  '/\u3000/evil.example',
  '/\uff0fevil.example',
  '\uff0f\uff0fevil.example',
  'http://evil.example',
  'https://evil.example/path',
  'HTTPS://evil.example',
  'https:evil.example',
  'https:/evil.example',
  'http:\\\\evil.example',
  'ftp://evil.example',
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'java\nscript:alert(1)',
  'data:text/html,<script>alert(1)</script>',
  'vbscript:msgbox(1)',
  'file:///etc/passwd',
  'blob:https://evil.example/1',
  'about:blank',
  'mailto:a@evil.example',
  'evil.example',
  'evil.example/path',
  '.',
  '..',
  './cases',
  '../cases',
  '?next=//evil.example',
  '#//evil.example',
  '',
  '*',
  '@evil.example',
  ':80',
  `/${'a'.repeat(2000)}`,
  null,
  undefined,
  7,
  true,
  ['/cases'],
  { toString: () => '/cases' },
];

describe('HTTP-2: sameOriginPath and isWithin', () => {
  it.each(HOSTILE.map((target) => [JSON.stringify(target) ?? 'refuse %s', target]))('refuses %s', (_name, target) => {
    expect(sameOriginPath(target)).toBeUndefined();
  });

  it('are tested with at least sixty hostile forms', () => {
    expect(HOSTILE.length).toBeGreaterThanOrEqual(60);
  });

  it.each([
    ['/', '/'],
    ['/cases', '/cases'],
    ['/cases?page=2&q=a%20b', '/cases?page=2&q=a%20b'],
    ['/cases#top', '/cases'],
    ['/a/../cases', '/cases'],
    ['/%2f%2fevil.example', '/%2f%2fevil.example'],
    ['/%5cevil.example', '/%5cevil.example'],
    ['/cases?next=https://evil.example', '/cases?next=https://evil.example'],
    ['/%E2%82%AC', '/%E2%82%AC'],
    [`/${'a'.repeat(1023)}`, `/${'a'.repeat(1023)}`],
  ])('takes %s as %s', (target, path) => {
    expect(sameOriginPath(target)).toBe(path);
  });

  it('never leave the origin, for any text (property)', () => {
    const part = fc.constantFrom('/', '\\', '.', '..', '%2f', '%5c', '@', ':', '?', '#', 'evil.example', '\t', '\n', ' ', 'a');
    const text = fc.oneof(
      fc.array(part).map((parts) => parts.join('')),
      fc.string({ unit: 'binary' }),
      fc.webUrl(),
    );
    fc.assert(
      fc.property(text, (target) => {
        const path = sameOriginPath(target);
        if (path === undefined) return;
        for (const base of ['https://app.example', 'https://app.example/mfa/verify']) {
          expect(new URL(path, base).origin).toBe('https://app.example');
        }
        expect(path).toMatch(/^\/(?!\/)[\x21-\x7e]*$/);
      }),
      { numRuns: 3000 },
    );
  });

  it('recognize their own paths in any case and encoding', () => {
    for (const path of ['/mfa', '/mfa/', '/MFA/enroll', '/%6dfa', '/mfa/verify?x=1', '/x/../mfa', '/mfa//x'])
      expect(isWithin(path, '/mfa')).toBe(true);
    for (const path of ['/', '/mfaq', '/cases/mfa', '/m']) expect(isWithin(path, '/mfa')).toBe(false);
    expect(isWithin('/%ff', '/mfa')).toBe(true);
    expect(isWithin('/mfa', '/%ff')).toBe(true);
  });

  it('ignore repeated slashes, and treat everything as below the root', () => {
    for (const path of ['/x/..//mfa', '/%2f/mfa/verify']) expect(isWithin(path, '/mfa')).toBe(true);
    for (const path of ['/login', '/login/', '/login/x']) expect(isWithin(path, '/login/')).toBe(true);
    expect(isWithin('/log', '/login/')).toBe(false);
    for (const path of ['/', '/cases']) expect(isWithin(path, '/')).toBe(true);
  });
});

describe('the return path of a refused request', () => {
  const options = httpOptions();

  it('is its own path for a page', () => {
    const exchange = exchangeOf({ url: '/cases?page=2', headers: { host: 'app.example' } });
    expect(refusedReturn(options, exchange)).toBe('/cases?page=2');
  });

  it('is the path of the page that sent it for a form', () => {
    const headers = { host: 'app.example', referer: 'https://app.example/cases/7?tab=pay' };
    expect(refusedReturn(options, exchangeOf({ method: 'POST', url: '/payouts', headers }))).toBe('/cases/7?tab=pay');
  });

  it('is the path of the page that sent it over http too, regardless of the case of the host', () => {
    const headers = { host: 'App.Example:8080', referer: 'http://app.example:8080/cases' };
    expect(refusedReturn(options, exchangeOf({ method: 'POST', url: '/payouts', headers }))).toBe('/cases');
  });

  it('is undefined if the host is unknown, or the sender is not a web page', () => {
    const ask = (headers: Record<string, string>) => refusedReturn(options, exchangeOf({ method: 'POST', headers }));
    expect(ask({ referer: 'https://app.example/cases' })).toBeUndefined();
    expect(ask({ host: 'app.example' })).toBeUndefined();
    expect(ask({ host: 'app.example', referer: 'ftp://app.example/cases' })).toBeUndefined();
  });

  it('is undefined for a page of another origin, or without a referrer', () => {
    for (const referer of ['https://evil.example/cases', 'https://app.example.evil.example/', 'garbage', 'data:text/html,x']) {
      const headers = { host: 'app.example', referer };
      expect(returnTarget(exchangeOf({ method: 'POST', url: '/payouts', headers }), (path) => path)).toBeUndefined();
    }
    expect(refusedReturn(options, exchangeOf({ method: 'POST', url: '/payouts' }))).toBeUndefined();
  });

  it('is never a page of the kit or the login', () => {
    for (const url of ['/mfa', '/mfa/challenge', '/MFA/verify', '/%6dfa/enroll', '/login', '/login?next=/', '/login/']) {
      expect(refusedReturn(options, exchangeOf({ url }))).toBeUndefined();
    }
  });

  it('passes the host’s filter, which must return true', () => {
    const filtered = httpOptions({ returnTo: (path) => path === '/cases' });
    expect(refusedReturn(filtered, exchangeOf({ url: '/cases' }))).toBe('/cases');
    expect(refusedReturn(filtered, exchangeOf({ url: '/other' }))).toBeUndefined();
  });

  it('is not passed to the filter if it is undefined', () => {
    const asked: string[] = [];
    const filtered = httpOptions({ returnTo: (path) => asked.push(path) > 0 });
    expect(refusedReturn(filtered, exchangeOf({ url: '//evil.example' }))).toBeUndefined();
    expect(refusedReturn(filtered, exchangeOf({ url: '/mfa' }))).toBeUndefined();
    expect(asked).toEqual([]);
  });

  it('is its own path even if the login is the home page, or is below the same path of another origin', () => {
    for (const loginUrl of ['/', 'https://sso.example/cases']) {
      expect(refusedReturn(httpOptions({ loginUrl }), exchangeOf({ url: '/cases/7' }))).toBe('/cases/7');
    }
  });

  it('includes the prefix that a proxy strips', () => {
    const proxied = httpOptions({ publicPath: '/app/mfa' });
    expect(refusedReturn(proxied, exchangeOf({ url: '/cases' }))).toBe('/app/cases');
  });

  it('may be the overview or the enrollment only if the kit itself redirects', () => {
    expect(allowedReturn(options, '/mfa')).toBe('/mfa');
    expect(allowedReturn(options, '/mfa/enroll')).toBe('/mfa/enroll');
    expect(allowedReturn(options, '/mfa/verify')).toBeUndefined();
    expect(allowedReturn(options, '//evil.example')).toBeUndefined();
  });
});
