import { describe, expect, it } from 'vitest';
import { mayReadSecret, proveSameOrigin } from '../../../../../packages/core/src/http/request/same-origin.js';
import { exchangeOf } from '../exchange.js';

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

  it('leaves a request without any of these headers to the credential in its body', () => {
    expect(proof({})).toBe('credential-in-body');
  });
});

describe('F57: the proof that no page of another origin reads a secret', () => {
  const NAVIGATION = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
  const FETCH = { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' };
  const read = (headers: Record<string, string>) => mayReadSecret(exchangeOf({ headers }), ALLOWED);

  it.each([
    {},
    { cookie: 'a=b' },
    { authorization: 'Bearer abc' },
    { 'sec-fetch-site': 'same-origin', ...FETCH },
    { 'sec-fetch-site': 'same-origin', ...NAVIGATION, origin: 'null' },
    { 'sec-fetch-site': 'none', ...NAVIGATION },
    // A login at another site led here: the page opens in its own window, and no other page can read it.
    { 'sec-fetch-site': 'cross-site', ...NAVIGATION },
    { 'sec-fetch-site': 'same-site', ...NAVIGATION },
    { 'sec-fetch-site': 'cross-site', ...FETCH, origin: 'https://app.example' },
    { origin: 'https://app.example', cookie: 'a=b' },
    { origin: 'capacitor://localhost' },
  ] as Record<string, string>[])('takes %j', (headers) => {
    expect(read(headers)).toBe(true);
  });

  it.each([
    { 'sec-fetch-site': 'cross-site', ...FETCH, origin: 'https://evil.example' },
    { 'sec-fetch-site': 'same-site', ...FETCH, origin: 'https://other.app.example' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'script' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'document' },
    { 'sec-fetch-site': 'none', ...FETCH, origin: 'https://evil.example' },
    { 'sec-fetch-site': 'Same-Origin', ...FETCH },
    { 'sec-fetch-site': '', origin: 'https://evil.example' },
    // No Sec-Fetch header: plain http, or an old browser.
    { origin: 'https://evil.example', cookie: 'a=b' },
    { origin: 'null', cookie: 'a=b' },
    { origin: '' },
    { origin: 'https://evil.example', authorization: 'Bearer abc' },
  ] as Record<string, string>[])('refuses %j', (headers) => {
    expect(read(headers)).toBe(false);
  });
});
