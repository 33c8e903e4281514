import { describe, expect, it } from 'vitest';
import {
  claimedDeviceIds,
  deviceCookieLines,
  readDeviceTokens,
} from '../../../../../packages/core/src/http/device/device-cookies.js';

const style = { secure: true, sameSite: 'lax' } as const;
const own = { ...style, suffixes: ['aaaaaaaaaaaa', 'bbbbbbbbbbbb'] };
const NOW = 1_800_000_000_000;
const DAY = 86_400_000;
const NAME = '__Host-mfa_device_aaaaaaaaaaaa';

function token(name: string, iat = 1): string {
  return `h.${Buffer.from(JSON.stringify({ iat, jti: name, device: name })).toString('base64url')}.s`;
}

function lines(cookie: string | undefined, secure = true) {
  const grant = { token: token('new'), expiresAt: NOW + 90 * DAY, deviceId: 'd' };
  return deviceCookieLines(cookie, { ...own, secure, grant, now: NOW });
}

describe('DEV-7: readDeviceTokens', () => {
  it('finds the cookie under the name of every key, the writing key first', () => {
    const header = `a=b; __Host-mfa_device_bbbbbbbbbbbb=${token('old')}; ${NAME}=${token('now')}`;
    expect(readDeviceTokens(header, own)).toEqual([token('now'), token('old')]);
  });

  it('returns exactly what the browser sent', () => {
    expect(readDeviceTokens(`${NAME}=head-er.pay_load.Sign4ture`, own)).toEqual(['head-er.pay_load.Sign4ture']);
  });

  it('reads every duplicate, at most four', () => {
    const header = Array.from({ length: 9 }, (_, index) => `${NAME}=${token(`t${index}`)}`).join(';');
    expect(readDeviceTokens(header, own)).toEqual(['t0', 't1', 't2', 't3'].map((name) => token(name)));
  });

  it.each([
    `__HOST-mfa_device_aaaaaaaaaaaa=${token('x')}`,
    `__host-mfa_device_aaaaaaaaaaaa=${token('x')}`,
    `__%48ost-mfa_device_aaaaaaaaaaaa=${token('x')}`,
    `mfa_device_aaaaaaaaaaaa=${token('x')}`,
    `__Secure-mfa_device_aaaaaaaaaaaa=${token('x')}`,
    `__Host-mfa_device_aaaaaaaaaaaaa=${token('x')}`,
    `__Host-mfa_device_AAAAAAAAAAAA=${token('x')}`,
    `__Host-mfa_device_cccccccccccc=${token('x')}`,
    `x${NAME}=${token('x')}`,
    `\u00a0${NAME}=${token('x')}`,
    `${NAME}="${token('x')}"`,
    `${NAME}=${encodeURIComponent(`${token('x')}==`)}`,
    `${NAME}=`,
    NAME,
    `${NAME}=a.b`,
    `${NAME}=!a.b.c`,
    `${NAME}=a.b.c!`,
    '=;;==;',
  ])('is not %s', (header) => {
    expect(readDeviceTokens(header, own)).toEqual([]);
  });

  it('reads a cookie without the prefix in development only', () => {
    const header = `mfa_device_aaaaaaaaaaaa=${token('x')}; ${NAME}=${token('y')}`;
    expect(readDeviceTokens(header, { ...own, secure: false })).toEqual([token('x')]);
    expect(readDeviceTokens(undefined, own)).toEqual([]);
  });
});

describe('DEV-7: deviceCookieLines', () => {
  it('sets a cookie for this host only, without script access, for 90 days', () => {
    expect(lines(undefined)).toEqual([`${NAME}=${token('new')}; Path=/; Max-Age=7776000; HttpOnly; Secure; SameSite=Lax`]);
    expect(lines(undefined)[0]).not.toMatch(/domain/i);
  });

  it('sets neither prefix nor Secure in development over plain http', () => {
    expect(lines(undefined, false)).toEqual([
      `mfa_device_aaaaaaaaaaaa=${token('new')}; Path=/; Max-Age=7776000; HttpOnly; SameSite=Lax`,
    ]);
  });

  it.each([
    ['as long as its token', 60_999, 60],
    ['ninety days at most', 91 * DAY, 7_776_000],
    ['not at all when its token has expired', -1000, 0],
  ])('lives %s', (_name, life, seconds) => {
    const grant = { token: token('new'), expiresAt: NOW + life, deviceId: 'd' };
    expect(deviceCookieLines(undefined, { ...own, grant, now: NOW })[0]).toContain(`; Max-Age=${seconds};`);
  });

  it('returns no lines if no key is left to name the cookie', () => {
    const grant = { token: token('new'), expiresAt: NOW + DAY, deviceId: 'd' };
    expect(deviceCookieLines(`${NAME}=${token('old')}`, { ...own, suffixes: [], grant, now: NOW })).toEqual([]);
  });

  it('deletes the cookie of an older key', () => {
    expect(lines(`__Host-mfa_device_bbbbbbbbbbbb=${token('old')}`)[1]).toBe(
      '__Host-mfa_device_bbbbbbbbbbbb=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax',
    );
  });

  it('keeps five cookies per browser, and deletes the oldest', () => {
    const others = [5, 1, 4, 2, 3, 6].map((iat) => `__Host-mfa_device_${String(iat).repeat(12)}=${token('o', iat)}`);
    const ended = lines(others.join('; ')).slice(1);
    expect(ended.map((line) => line.split('=')[0])).toEqual(['__Host-mfa_device_222222222222', '__Host-mfa_device_111111111111']);
  });

  it('replaces the user’s previous cookie without counting it among the five', () => {
    const others = ['1', '2', '3', '4'].map((n) => `__Host-mfa_device_${n.repeat(12)}=${token('o', 1)}`);
    expect(lines([`${NAME}=${token('before', 0)}`, ...others].join('; '))).toHaveLength(1);
  });

  it.each([
    ['secure', '__Host-', true],
    ['in development', '', false],
  ])('deletes no cookie of the host, even if its name is similar (%s)', (_name, prefix, secure) => {
    const ours = ['1', '2', '3', '4', '5'].map((n) => `${prefix}mfa_device_${n.repeat(12)}=${token('o', Number(n))}`);
    const close = ['0', '00000000000', '0000000000000', 'gggggggggggg', 'AAAAAAAAAAAA'].map((n) => `${prefix}mfa_device_${n}=x`);
    const longer = [`my${prefix}mfa_device_000000000000=x`, `${prefix}mfa_device_000000000000_mine=x`];
    const ended = lines([...close, ...ours, ...longer].join('; '), secure).slice(1);
    expect(ended.map((line) => line.split('=')[0])).toEqual([`${prefix}mfa_device_111111111111`]);
  });

  it('treats a token dated in the endless future as the oldest', () => {
    const endless = `h.${Buffer.from('{"iat":1e999}').toString('base64url')}.s`;
    const others = ['1', '2', '3', '4', '5'].map(
      (n) => `__Host-mfa_device_${n.repeat(12)}=${n === '2' ? endless : token('o', 9)}`,
    );
    expect(lines(others.join('; ')).slice(1)[0]).toContain('__Host-mfa_device_222222222222=;');
  });

  it('treats a token without a date as the oldest, and leaves other cookies alone', () => {
    const others = ['1', '2', '3', '4', '5'].map(
      (n) => `__Host-mfa_device_${n.repeat(12)}=${n === '3' ? 'garbage' : token('o', 9)}`,
    );
    const ended = lines(`session=1; ${others.join('; ')}; __Host-mfa_device_x=1`).slice(1);
    expect(ended.map((line) => line.split('=')[0])).toEqual(['__Host-mfa_device_333333333333']);
  });
});

it('claimedDeviceIds returns unverified device ids', () => {
  expect(claimedDeviceIds([token('d-1'), 'x', 'a.b.c', 'a.bnVsbA.c'])).toEqual(['d-1']);
});
