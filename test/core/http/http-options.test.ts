import { MfaError, type MfaUser } from '@mfa-kit/core';
import { checkRequirement, createHttpKit, type HttpOptions } from '@mfa-kit/core/http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createBench } from '../../support/core-fixture.js';
import { httpOptions } from './exchange.js';

type Options = Partial<HttpOptions<MfaUser, string>>;

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('options that are good', () => {
  it('are filled up', () => {
    expect(httpOptions()).toMatchObject({
      path: '/mfa',
      publicPath: '/mfa',
      publicPrefix: '',
      homeUrl: '/',
      allowedOrigins: [],
      deviceCookie: { sameSite: 'lax', insecureHttpForDevelopment: false },
    });
    expect(httpOptions({ path: '/security', publicPath: '/app/security' }).publicPrefix).toBe('/app');
    expect(httpOptions({ publicPath: '/second-factor' }).publicPrefix).toBe('');
  });

  it('may name other origins for login, home, support', () => {
    httpOptions({
      loginUrl: 'https://sso.example/login?app=1',
      homeUrl: 'https://www.example/',
      allowedOrigins: ['https://app.example', 'http://localhost:3000'],
      pages: { supportUrl: 'mailto:help@app.example', logoUrl: '/logo.svg', brand: 'Acme' },
    });
  });
});

describe('SUP-6: an option that is bad throws and names the mend', () => {
  it.each<[string, Options]>([
    ['path', { path: 'mfa' }],
    ['path', { path: '/mfa/' }],
    ['path', { path: '/' }],
    ['path', { path: '/../mfa' }],
    ['path', { path: '/m*' }],
    ['publicPath', { publicPath: 'https://app.example/mfa' }],
    ['loginUrl', { loginUrl: '//evil.example' }],
    ['loginUrl', { loginUrl: 'javascript:alert(1)' }],
    ['loginUrl', { loginUrl: undefined as unknown as string }],
    ['loginUrl', { loginUrl: '/mfa/login' }],
    ['homeUrl', { homeUrl: 'home' }],
    ['allowedOrigins', { allowedOrigins: ['https://app.example/'] }],
    ['allowedOrigins', { allowedOrigins: ['*'] }],
    ['allowedOrigins', { allowedOrigins: ['null'] }],
    ['allowedOrigins', { allowedOrigins: ['app.example'] }],
    ['allowedOrigins', { allowedOrigins: 'https://app.example' as unknown as string[] }],
    ['userById', { userById: 'x' as unknown as () => null }],
    ['returnTo', { returnTo: '/cases' as unknown as () => boolean }],
    ['sameSite', { deviceCookie: { sameSite: 'None' as 'none' } }],
    ['insecureHttpForDevelopment', { deviceCookie: { insecureHttpForDevelopment: 'yes' as unknown as boolean } }],
    ['insecureHttpForDevelopment', { deviceCookie: { sameSite: 'none', insecureHttpForDevelopment: true } }],
    ['pages.brand', { pages: { brand: ' ' } }],
    ['pages.logoUrl', { pages: { logoUrl: 'data:image/png;base64,AAAA' } }],
    ['pages.supportUrl', { pages: { supportUrl: 'javascript:alert(1)' } }],
    ['messages', { pages: { messages: {} as () => object } }],
  ])('%s: %j', (name, options) => {
    const error = thrownBy(() => httpOptions(options));
    expect(error).toMatchObject({ code: 'invalid_option' });
    expect(error.message).toContain(name.split('.').at(-1));
  });

  it('DEV-7: insecure cookies are refused in production', () => {
    vi.stubEnv('NODE_ENV', 'production');
    expect(thrownBy(() => httpOptions({ deviceCookie: { insecureHttpForDevelopment: true } })).message).toContain('production');
  });

  it('flows that are none', () => {
    expect(thrownBy(() => createHttpKit({} as never, { loginUrl: '/login' })).code).toBe('invalid_option');
    createHttpKit(createBench().mfa, { loginUrl: '/login' });
  });
});

describe('a requirement', () => {
  it('is checked when the route is made', () => {
    expect(checkRequirement({ maxAgeSeconds: 0, acceptRememberedDevice: false })).toEqual({
      maxAgeSeconds: 0,
      acceptRememberedDevice: false,
    });
    for (const wrong of [
      { maxAge: 300 },
      { maxAgeSeconds: '300' },
      { maxAgeSeconds: -1 },
      { maxAgeSeconds: 0.5 },
      300,
      null,
      'x',
    ]) {
      expect(thrownBy(() => checkRequirement(wrong as never)).code).toBe('invalid_option');
    }
    expect(thrownBy(() => checkRequirement({ acceptRememberedDevice: 'no' } as never)).code).toBe('invalid_option');
  });
});

function thrownBy(call: () => unknown): MfaError {
  try {
    call();
  } catch (error) {
    if (error instanceof MfaError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
