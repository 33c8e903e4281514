import { expressMfa } from '@mfa-kit/express';
import { describe, expect, it, vi } from 'vitest';
import { createFixture } from '../support/core-fixture.js';

describe('SUP-6: a wrong option of expressMfa() stops the start and says how to fix it', () => {
  const { mfa } = createFixture();
  const user = () => null;

  function refused(make: () => unknown): string {
    try {
      make();
    } catch (error) {
      expect(error).toMatchObject({ name: 'MfaError', code: expect.stringMatching(/^invalid_(option|argument)$/) });
      return String(error);
    }
    throw new Error('it started anyway');
  }

  it('an option that is missing', () => {
    expect(refused(() => expressMfa(mfa, undefined as never))).toContain('Pass at least { user, loginUrl }');
    expect(refused(() => expressMfa(mfa, { loginUrl: '/login' } as never))).toContain('user is missing. Write user: (req) =>');
    expect(refused(() => expressMfa(mfa, { user } as never))).toContain('loginUrl must be a path such as "/login"');
  });

  it('an option that is misspelled', () => {
    const sentence = refused(() => expressMfa(mfa, { user, loginURL: '/login' } as never));
    expect(sentence).toMatch(/Unknown option "loginURL"\. Known options: loginUrl,/);
  });

  it('an option of another kind', () => {
    const options: [string, object][] = [
      ['user is missing', { user: {} }],
      ['onRefused must be a function', { onRefused: true }],
      ['assurance must be a function', { assurance: {} }],
      ['session must be { read, write }, or false', { session: {} }],
      ['session must be { read, write }, or false', { session: null }],
      ['session must be { read, write }, or false', { session: true }],
    ];
    for (const [sentence, option] of options) {
      expect(refused(() => expressMfa(mfa, { user, loginUrl: '/login', ...option } as never))).toContain(sentence);
    }
  });

  it('the options of createMfa() instead of its result', () => {
    const options = { user, loginUrl: '/login' };
    for (const wrong of [{ issuer: 'Acme' }, options, undefined]) {
      expect(refused(() => expressMfa(wrong as never, options))).toContain('must be what createMfa() returned');
    }
  });

  it('a login below the path of the kit', () => {
    const sentence = refused(() => expressMfa(mfa, { user, loginUrl: '/mfa/login' }));
    expect(sentence).toMatch(/loginUrl is below \/mfa, where the kit answers. Set it to the path of your own login page/);
  });

  it('a login that is a query of another page', () => {
    const kit = expressMfa(mfa, { user, loginUrl: '/account?view=login' });
    expect(refused(() => kit.requireMfaExcept(['/']))).toMatch(
      /would have to leave open everything that \/account serves\. .*requireMfaExcept\(\["\/account"\]\)/,
    );
  });

  it('an allowed origin that is not an origin', () => {
    for (const origin of ['https://app.example/', 'app.example', '*']) {
      expect(refused(() => expressMfa(mfa, { user, loginUrl: '/login', allowedOrigins: [origin] }))).toContain(
        'an origin is scheme, host and port only, such as "https://app.example"',
      );
    }
  });

  it('cookies without https in production', () => {
    vi.stubEnv('NODE_ENV', 'production');
    const deviceCookie = { insecureHttpForDevelopment: true };
    const sentence = refused(() => expressMfa(mfa, { user, loginUrl: '/login', deviceCookie }));
    expect(sentence).toContain('Remove it there and serve https');
    vi.unstubAllEnvs();
  });

  it('a passphrase for a key', () => {
    const keys = [{ id: 'a', secret: 'MyVerySecretProductionMfaKitKeyOfTheYear2026' }];
    expect(refused(() => createFixture({ keys }))).toMatch(
      /looks like a passphrase\. Use random bytes\..*openssl rand -base64 32/,
    );
  });

  it('a requirement that is misspelled', () => {
    const { requireMfa, requireMfaExcept } = expressMfa(mfa, { user, loginUrl: '/login' });
    const sentence = /Unknown requirement "maxAge"\. Known fields: maxAgeSeconds/;
    expect(refused(() => requireMfa({ maxAge: 300 } as never))).toMatch(sentence);
    expect(refused(() => requireMfaExcept(['/'], { maxAge: 300 } as never))).toMatch(sentence);
  });

  it('a maxAgeSeconds that is too short', () => {
    const { requireMfa, requireMfaExcept } = expressMfa(mfa, { user, loginUrl: '/login' });
    for (const maxAgeSeconds of [0, 4, 0.5, Number.NaN]) {
      const sentence = refused(() => requireMfa({ maxAgeSeconds }));
      expect(sentence).toContain('maxAgeSeconds must be a whole number of seconds, at least 5');
    }
    expect(refused(() => requireMfaExcept(['/'], null as never))).toContain('A requirement must be an object');
  });

  it('an exception that is not a path', () => {
    const { requireMfaExcept } = expressMfa(mfa, { user, loginUrl: '/login' });
    for (const exception of ['login', '/public/*', '/login?next=1']) {
      expect(refused(() => requireMfaExcept([exception]))).toMatch(/takes whole paths that begin with a slash, not patterns/);
    }
    expect(refused(() => requireMfaExcept('/login' as never))).toContain('takes a list of paths such as ["/", "/login"]');
  });
});
