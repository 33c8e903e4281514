import { MfaError, type MfaUser } from '@mfa-kit/core';
import { checkNames, checkRequirement, createHttpKit, type HttpOptions } from '@mfa-kit/core/http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { resolveHttpOptions } from '../../../../packages/core/src/http/http-options.js';
import { createFixture } from '../../../support/core-fixture.js';
import { httpOptions } from './exchange.js';

type Options = Partial<HttpOptions<MfaUser, string>>;

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('valid HTTP options', () => {
  it('get their defaults', () => {
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

  it('may name other origins for login, home and support', () => {
    httpOptions({
      loginUrl: 'https://sso.example/login?app=1',
      homeUrl: 'https://www.example/',
      allowedOrigins: ['https://app.example', 'http://localhost:3000'],
      pages: { supportUrl: 'mailto:help@app.example', logoUrl: '/logo.svg', brand: 'Acme' },
    });
    expect(httpOptions({ loginUrl: 'https://sso.example/mfa' }).loginUrl).toBe('https://sso.example/mfa');
  });

  it.each([
    'capacitor://localhost',
    'ionic://localhost',
    'tauri://localhost',
    'app://-',
    'app://localhost:3000',
    'chrome-extension://abcdefghijklmnopabcdefghijklmnop',
    'moz-extension://0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0',
    'safari-web-extension://0F1E2D3C-4B5A-6978-8796-A5B4C3D2E1F0',
  ])('F11: may allow the origin %s', (origin) => {
    expect(httpOptions({ allowedOrigins: [origin] }).allowedOrigins).toEqual([origin]);
  });

  it.each([
    'null',
    '*',
    'capacitor://',
    'capacitor:localhost',
    'capacitor://localhost/',
    'capacitor://localhost/index.html',
    'capacitor://*',
    'Capacitor://localhost',
    'capacitor://LOCALHOST',
    'chrome-extension://*',
    'chrome-extension://ABCDEFGHIJKLMNOPABCDEFGHIJKLMNOP',
    'app://user:pass@localhost',
    'app://user@localhost',
    'app://local host',
    'app://localhost?x',
    'app://localhost#x',
    'app://lokäl',
    'app://localhost\n',
    'file://',
    'file://localhost',
    'data://x',
    'blob://x',
    'ws://app.example',
    'https://app.example/',
    'https://*.app.example',
    'https://APP.example',
    'https://app.example:443',
    '://localhost',
    '',
    null,
    7,
    ['https://app.example'],
  ])('F11: may not name %j as an origin', (origin) => {
    const error = thrownBy(() => httpOptions({ allowedOrigins: [origin as string] }));
    expect(error.code).toBe('invalid_option');
    expect(error.message).toMatch(/allowedOrigins holds .*an origin is scheme, host and port only.*as the browser sends it/);
  });

  it('keep callbacks that are methods of an object of the host', async () => {
    const host = {
      loginUrl: '/login',
      people: [{ id: 'ada', name: 'Ada' }],
      userById(id: string) {
        return this.people.find((person) => person.id === id);
      },
      onVerified() {
        return { people: this.people.length };
      },
      returnTo(path: string) {
        return path !== this.loginUrl;
      },
    };
    const { userById, onVerified, returnTo } = resolveHttpOptions<MfaUser, string>(host);
    expect(await userById?.('ada')).toEqual({ id: 'ada', name: 'Ada' });
    expect(await onVerified?.('request', {} as never)).toEqual({ people: 1 });
    expect([returnTo?.('/login', 'request'), returnTo?.('/cases', 'request')]).toEqual([false, true]);
  });

  it('DEV-7: allow device cookies without Secure in development, and every SameSite with Secure', () => {
    const insecure = { insecureHttpForDevelopment: true };
    expect(httpOptions({ deviceCookie: insecure }).deviceCookie).toEqual({ sameSite: 'lax', ...insecure });
    vi.stubEnv('NODE_ENV', 'production');
    for (const sameSite of ['lax', 'strict', 'none'] as const) {
      expect(httpOptions({ deviceCookie: { sameSite } }).deviceCookie).toEqual({ sameSite, insecureHttpForDevelopment: false });
    }
  });
});

describe('SUP-6: an invalid HTTP option throws an error that says how to fix it', () => {
  it.each<[string, Options]>([
    ['path', { path: 'mfa' }],
    ['path', { path: '/mfa/' }],
    ['path', { path: '/' }],
    ['path', { path: '/../mfa' }],
    ['path', { path: '/m*' }],
    ['path', { path: '/mfa/..' }],
    ['path', { path: '/mfa/.' }],
    ['path', { path: ['/mfa'] as unknown as string }],
    ['publicPath', { publicPath: 'https://app.example/mfa' }],
    ['loginUrl', { loginUrl: '//evil.example' }],
    ['loginUrl', { loginUrl: 'javascript:alert(1)' }],
    ['loginUrl', { loginUrl: undefined as unknown as string }],
    ['loginUrl', { loginUrl: '/mfa/login' }],
    ['loginUrl', { loginUrl: ['https://sso.example/login'] as unknown as string }],
    ['loginUrl', { loginUrl: 'https://sso.example/login page' }],
    ['loginUrl', { loginUrl: 'xhttps://sso.example/login' }],
    ['loginUrl', { loginUrl: 'https://name@sso.example/login' }],
    ['loginUrl', { loginUrl: 'https://:password@sso.example/login' }],
    ['homeUrl', { homeUrl: 'home' }],
    ['allowedOrigins', { allowedOrigins: ['https://app.example/'] }],
    ['allowedOrigins', { allowedOrigins: ['*'] }],
    ['allowedOrigins', { allowedOrigins: ['null'] }],
    ['allowedOrigins', { allowedOrigins: ['app.example'] }],
    ['allowedOrigins', { allowedOrigins: 'https://app.example' as unknown as string[] }],
    ['allowedOrigins', { allowedOrigins: null as unknown as string[] }],
    ['onVerified', { onVerified: true as unknown as () => void }],
    ['userById', { userById: 'x' as unknown as () => null }],
    ['returnTo', { returnTo: '/cases' as unknown as () => boolean }],
    ['sameSite', { deviceCookie: { sameSite: 'None' as 'none' } }],
    ['insecureHttpForDevelopment', { deviceCookie: { insecureHttpForDevelopment: 'yes' as unknown as boolean } }],
    ['insecureHttpForDevelopment', { deviceCookie: { sameSite: 'none', insecureHttpForDevelopment: true } }],
    // F2: a misspelled or null option would be ignored, which is the lax setting.
    ['deviceCookie has the unknown field "samesite"', { deviceCookie: { samesite: 'strict' } as object }],
    ['deviceCookie must be an object', { deviceCookie: null as unknown as object }],
    ['deviceCookie must be an object', { deviceCookie: 'strict' as unknown as object }],
    ['deviceCookie must be an object', { deviceCookie: [] as object }],
    ['pages has the unknown field "suportUrl"', { pages: { suportUrl: '/help' } as object }],
    ['pages', { pages: [] as object }],
    ['path', { path: null as unknown as string }],
    ['publicPath', { publicPath: null as unknown as string }],
    ['pages.brand', { pages: { brand: ' ' } }],
    ['pages.brand', { pages: { brand: 7 as unknown as string } }],
    ['pages', { pages: null as unknown as object }],
    ['pages', { pages: 'dark' as unknown as object }],
    ['pages.themeUrl', { pages: { themeUrl: 'theme.css' } }],
    ['pages.logoUrl', { pages: { logoUrl: 'data:image/png;base64,AAAA' } }],
    ['pages.supportUrl', { pages: { supportUrl: 'javascript:alert(1)' } }],
    ['pages.supportUrl', { pages: { supportUrl: 'javascript:mailto:x' } }],
    ['pages.supportUrl', { pages: { supportUrl: 'mailto:help me@app.example' } }],
    ['pages.supportUrl', { pages: { supportUrl: ['mailto:help@app.example'] as unknown as string } }],
    ['render', { pages: { render: 'page' as unknown as () => string } }],
    ['hiddenFields', { pages: { hiddenFields: {} as () => Record<string, string> } }],
    ['messages', { pages: { messages: {} as () => object } }],
  ])('%s: %j', (name, options) => {
    const error = thrownBy(() => httpOptions(options));
    expect(error).toMatchObject({ code: 'invalid_option' });
    expect(error.message).toContain(name.split('.').at(-1));
  });

  it('DEV-7: insecure cookies in production', () => {
    vi.stubEnv('NODE_ENV', 'production');
    expect(thrownBy(() => httpOptions({ deviceCookie: { insecureHttpForDevelopment: true } })).message).toContain('production');
  });

  it('a path, by the name of its own option', () => {
    expect(thrownBy(() => httpOptions({ path: 'mfa' })).message).toMatch(/^path must/);
    expect(thrownBy(() => httpOptions({ publicPath: 'mfa' })).message).toMatch(/^publicPath must/);
  });

  it('an unknown option', () => {
    const all = {
      loginUrl: 1,
      reauthUrl: 1,
      homeUrl: 1,
      path: 1,
      publicPath: 1,
      allowedOrigins: 1,
      crossOriginOpenerPolicy: 1,
      userById: 1,
      onVerified: 1,
      returnTo: 1,
      deviceCookie: 1,
      pages: 1,
    };
    checkNames({ ...all, user: 1 }, ['user']);
    const { code, message } = thrownBy(() => checkNames({ loginURL: '/login' }, ['user']));
    expect(code).toBe('invalid_option');
    expect(message).toBe(`Unknown option "loginURL". Known options: ${[...Object.keys(all), 'user'].join(', ')}.`);
    for (const none of [undefined, null, '/login']) {
      expect(thrownBy(() => checkNames(none, [])).message).toContain('options are missing');
    }
  });

  it('a first argument that is not an Mfa object', () => {
    expect(thrownBy(() => createHttpKit({} as never, { loginUrl: '/login' })).code).toBe('invalid_option');
    createHttpKit(createFixture().mfa, { loginUrl: '/login' });
  });
});

describe('a requirement', () => {
  it('is checked when the route is created', () => {
    expect(checkRequirement({ maxAgeSeconds: 5, acceptRememberedDevice: false })).toEqual({
      maxAgeSeconds: 5,
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
