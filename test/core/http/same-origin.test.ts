import { describe, expect, it } from 'vitest';
import { proveSameOrigin } from '../../../packages/core/src/http/same-origin.js';
import { exchangeOf } from './exchange.js';

const ALLOWED = ['https://app.example', 'capacitor://localhost', 'chrome-extension://abcdefghijklmnopabcdefghijklmnop'];

function proof(headers: Record<string, string>) {
  return proveSameOrigin(exchangeOf({ method: 'POST', headers }), ALLOWED);
}

describe('HTTP-1: the proof that a state change comes from our own page', () => {
  it.each([
    { 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'same-origin', origin: 'null', cookie: 'a=b' },
    { 'sec-fetch-site': 'cross-site', origin: 'https://app.example' },
    { origin: 'https://app.example', cookie: 'a=b' },
    { origin: 'capacitor://localhost', 'sec-fetch-site': 'cross-site', cookie: 'a=b' },
    { origin: 'chrome-extension://abcdefghijklmnopabcdefghijklmnop', 'sec-fetch-site': 'none', cookie: 'a=b' },
    { authorization: 'Bearer abc' },
    { authorization: 'DPoP abc' },
    { authorization: 'bearer   abc' },
  ] as Record<string, string>[])('takes %j', (headers) => {
    expect(proof(headers)).toBe('proven');
  });

  it.each([
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'none' },
    { 'sec-fetch-site': 'Same-Origin' },
    { 'sec-fetch-site': 'same-origin, cross-site' },
    { 'sec-fetch-site': '' },
    { origin: 'null' },
    { origin: 'capacitor://localhost/' },
    { origin: 'capacitor://evil' },
    { origin: 'CAPACITOR://localhost' },
    { origin: 'ionic://localhost' },
    { origin: 'http://localhost' },
    { origin: 'chrome-extension://ponmlkjihgfedcbaponmlkjihgfedcba' },
    { origin: '' },
    { origin: 'http://app.example' },
    { origin: 'https://app.example:444' },
    { origin: 'https://APP.example' },
    { origin: 'https://app.example/' },
    { origin: 'https://app.example.evil.example' },
    { origin: 'https://evil.example' },
    { origin: 'https://evil.example', authorization: 'Bearer abc' },
    { cookie: 'session=1' },
    { cookie: 'session=1', authorization: 'Bearer abc' },
    { authorization: 'Basic YTpi' },
    { authorization: 'Bearer' },
    { authorization: 'Negotiate abc' },
    { authorization: 'Basic Bearer abc' },
    { referer: 'https://app.example/mfa', cookie: 'a=b' },
  ] as Record<string, string>[])('refuses %j', (headers) => {
    expect(proof(headers)).toBe('refused');
  });

  it('leaves a request without any of it to the credential in its body', () => {
    expect(proof({})).toBe('credential-in-body');
  });
});
