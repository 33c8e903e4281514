import { createHttpKit, endpointPaths, type HttpOptions, listOpenPaths, openPaths } from '@mfa-kit/core/http';
import { describe, expect, it } from 'vitest';
import { createFixture, type TestUser } from '../../../../support/core-fixture.js';

const { mfa } = createFixture();
const OWN = endpointPaths().map((path) => `/mfa${path}`);

function kitOf(options: Partial<HttpOptions<TestUser>> = {}) {
  return createHttpKit<TestUser, unknown>(mfa, { loginUrl: '/login', ...options });
}

describe('the paths that a guard of the whole application leaves open', () => {
  it('are the exceptions, the login and the endpoints of the kit', () => {
    expect(listOpenPaths(kitOf(), ['/', '/public'])).toEqual(['/', '/public', '/login', ...OWN]);
    expect(listOpenPaths(kitOf({ path: '/second' }), [])).toEqual(['/login', ...endpointPaths().map((path) => `/second${path}`)]);
  });

  it.each(['/', '/public', '/login', '/mfa', '/mfa/challenge', '/mfa/enroll/confirm'])('include %s', (path) => {
    expect(openPaths(kitOf(), ['/', '/public'])(path)).toBe(true);
  });

  it.each([
    '',
    '/Login',
    '/login/',
    '//login',
    '/%6cogin',
    '/log',
    '/login/reset',
    '/login?next=/',
    '/public/other',
    '/PUBLIC',
    '/mfa/',
    '/mfa/other',
    '/mfaq',
    '/cases',
  ])('SES-4: are compared byte for byte, never by prefix or pattern: %j is guarded', (path) => {
    expect(openPaths(kitOf(), ['/', '/public'])(path)).toBe(false);
  });

  it('F51: include a login that is a query or fragment of another page only if that page is named', () => {
    const refused = (options: Partial<HttpOptions<TestUser>>, exceptions: string[]) =>
      expect(() => listOpenPaths(kitOf(options), exceptions)).toThrow(
        expect.objectContaining({ code: 'invalid_option', message: expect.stringContaining('requireMfaExcept(["/account"])') }),
      );
    for (const url of ['/account?view=login', '/account#login', '/x/../account?view=login']) {
      refused({ loginUrl: url }, []);
      refused({ loginUrl: url }, ['/', '/account/', '/Account']);
      refused({ reauthUrl: url }, ['/login']);
      expect(listOpenPaths(kitOf({ loginUrl: url }), ['/account'])).toEqual(['/account', ...OWN]);
      expect(listOpenPaths(kitOf({ reauthUrl: url }), ['/account'])).toEqual(['/account', '/login', ...OWN]);
    }
    const proxied = kitOf({ publicPath: '/app/mfa', loginUrl: '/app/account?view=login' });
    expect(() => listOpenPaths(proxied, ['/app/account'])).toThrow(/add "\/account" to the list/);
    expect(listOpenPaths(proxied, ['/account'])).toContain('/account');
    expect(openPaths(kitOf({ loginUrl: '/account?view=login' }), ['/account'])('/account/settings')).toBe(false);
  });

  it('F28: include the page for confirming the password again', () => {
    expect(listOpenPaths(kitOf({ reauthUrl: '/confirm-password' }), [])).toEqual(['/login', '/confirm-password', ...OWN]);
    expect(listOpenPaths(kitOf({ reauthUrl: '/login' }), ['/login'])).toEqual(['/login', ...OWN]);
  });

  it('F53: include the login if a proxy adds a prefix', () => {
    const own = endpointPaths().map((path) => `/internal/mfa${path}`);
    expect(listOpenPaths(kitOf({ path: '/internal/mfa', publicPath: '/mfa' }), [])).toEqual(['/internal/login', ...own]);
  });

  it('include no login if it is on another origin', () => {
    expect(listOpenPaths(kitOf({ loginUrl: 'https://sso.example/login' }), [])).toEqual(OWN);
  });

  it('are those that the server sees behind a proxy that strips a prefix', () => {
    const publicPath = '/app/mfa';
    expect(listOpenPaths(kitOf({ publicPath, loginUrl: '/app/login' }), [])).toEqual(['/login', ...OWN]);
    expect(listOpenPaths(kitOf({ publicPath, loginUrl: '/login' }), [])).toEqual(OWN);
    expect(listOpenPaths(kitOf({ publicPath, loginUrl: '/application/login' }), [])).toEqual(OWN);
  });

  it.each([
    ['slash', ['login']],
    ['slash', ['']],
    ['patterns', ['/', '/public/*']],
    ['patterns', ['/cases?all']],
    ['patterns', ['/cases#top']],
    ['got 7', [7]],
    ['list', '/login'],
    ['list', undefined],
  ])('SUP-6: must be valid paths, or the error says what is wrong (%s): %j', (word, exceptions) => {
    const error = { code: 'invalid_option', message: expect.stringContaining(word) };
    expect(() => openPaths(kitOf(), exceptions as string[])).toThrow(expect.objectContaining(error));
  });
});
