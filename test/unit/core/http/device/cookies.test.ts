import { describe, expect, it } from 'vitest';
import { parseCookies, serializeCookie } from '../../../../../packages/core/src/http/device/cookies.js';

describe('DEV-7: parseCookies', () => {
  it.each([
    [undefined, []],
    ['', []],
    ['no cookie; ; another', []],
    ['a=b', [['a', 'b']]],
    ['a=1; a=2;b=3', ['a', 'a', 'b'].map((name, index) => [name, `${index + 1}`])],
    ['  \ta \t=  b c\t  ', [['a', 'b c']]],
    ['a=', [['a', '']]],
    ['=b', [['', 'b']]],
    ['a=b=c', [['a', 'b=c']]],
    ['%61="%20"', [['%61', '"%20"']]],
    ['\u00a0a=b\u00a0', [['\u00a0a', 'b\u00a0']]],
  ])('reads the cookies of %j in order, raw, without surrounding spaces', (header, cookies) => {
    expect(parseCookies(header)).toEqual(cookies.map(([name, value]) => ({ name, value })));
  });
});

it.each([
  ['lax', true, 'n=v; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Lax'],
  ['strict', true, 'n=v; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Strict'],
  ['none', true, 'n=v; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=None'],
  ['lax', false, 'n=v; Path=/; Max-Age=60; HttpOnly; SameSite=Lax'],
] as const)('DEV-7: serializeCookie writes a cookie with SameSite=%s for this host only', (sameSite, secure, line) => {
  expect(serializeCookie('n', 'v', { maxAgeSeconds: 60, secure, sameSite })).toBe(line);
});
