import { createHttpKit, endpointPaths, type HttpOptions, listOpenPaths, openPaths } from '@mfa-kit/core/http';
import { describe, expect, it } from 'vitest';
import { createBench, type TestUser } from '../../support/core-fixture.js';

const { mfa } = createBench();
const OWN = endpointPaths().map((path) => `/mfa${path}`);

function kitOf(options: Partial<HttpOptions<TestUser>> = {}) {
  return createHttpKit<TestUser, unknown>(mfa, { loginUrl: '/login', ...options });
}

describe('the paths that a guard of the whole application leaves open', () => {
  it('are the exceptions, the login and the endpoints of the kit', () => {
    expect(listOpenPaths(kitOf(), ['/', '/public'])).toEqual(['/', '/public', '/login', ...OWN]);
    expect(listOpenPaths(kitOf({ path: '/second' }), [])).toEqual(['/login', ...endpointPaths().map((path) => `/second${path}`)]);
  });

  it.each(['/', '/public', '/login', '/mfa', '/mfa/challenge', '/mfa/enroll/confirm'])('have %s among them', (path) => {
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
  ])('SES-4: byte for byte, never by prefix or pattern: %j is guarded', (path) => {
    expect(openPaths(kitOf(), ['/', '/public'])(path)).toBe(false);
  });

  it('have the path of a login that takes a query', () => {
    expect(listOpenPaths(kitOf({ loginUrl: '/login?app=1' }), [])).toEqual(['/login', ...OWN]);
  });

  it('have no login where it is on another origin', () => {
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
    ['given 7', [7]],
    ['list', '/login'],
    ['list', undefined],
  ])('SUP-6: exceptions that are none throw, and the message says so (%s): %j', (word, exceptions) => {
    const error = { code: 'invalid_option', message: expect.stringContaining(word) };
    expect(() => openPaths(kitOf(), exceptions as string[])).toThrow(expect.objectContaining(error));
  });
});
