import { MfaModule, type MfaModuleOptions } from '@mfa-kit/nest';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createFixture } from '../support/core-fixture.js';

const user: MfaModuleOptions['user'] = () => null;

describe('SUP-6: a wrong option of MfaModule stops the start and says how to fix it', () => {
  const { mfa } = createFixture();
  afterEach(() => vi.unstubAllEnvs());

  async function refused(options: object): Promise<string> {
    const starting = async () => Test.createTestingModule({ imports: [MfaModule.forRoot(options as never)] }).compile();
    const error: Error = await starting().then(
      () => expect.fail('started all the same'),
      (thrown) => thrown,
    );
    expect(error).toMatchObject({ name: 'MfaError', code: 'invalid_option' });
    return error.message;
  }

  it('a passphrase for a key', () => {
    const keys = [{ id: 'a', secret: 'MyVerySecretProductionMfaKitKeyOfTheYear2026' }];
    expect(() => createFixture({ keys })).toThrow(/looks like a passphrase\. Use random bytes\..*openssl rand -base64 32/);
  });

  it('an option that is missing', async () => {
    expect(await refused({ mfa, loginUrl: '/login' })).toContain('user is missing. Write user: ({ request }) => request.user &&');
    expect(await refused({ mfa, user })).toContain('loginUrl must be a path such as "/login"');
  });

  it('an option that is misspelled', async () => {
    expect(await refused({ mfa, user, loginURL: '/login' })).toMatch(/Unknown option "loginURL"\. Known options: loginUrl,/);
  });

  it('an option of another kind', async () => {
    const options: [string, object][] = [
      ['user is missing', { user: {} }],
      ['isPublic must be a function', { isPublic: true }],
      ['request must be a function', { request: {} }],
      ['session must be { read, write }, or false', { session: {} }],
      ['session must be { read, write }, or false', { session: null }],
      ['path must be a path such as "/mfa": a leading slash', { path: 'mfa' }],
    ];
    for (const [sentence, option] of options) {
      expect(await refused({ mfa, user, loginUrl: '/login', ...option })).toContain(sentence);
    }
  });

  it('the options of createMfa() instead of its result', async () => {
    for (const wrong of [{ issuer: 'Acme' }, undefined]) {
      expect(await refused({ mfa: wrong, user, loginUrl: '/login' })).toContain('mfa must be what createMfa() returned');
    }
  });

  it('a login below the path of the kit', async () => {
    expect(await refused({ mfa, user, loginUrl: '/mfa/login' })).toContain('Set it to the path of your own login page');
  });

  it('an allowed origin that is not an origin', async () => {
    for (const origin of ['https://app.example/', 'app.example', '*']) {
      const sentence = await refused({ mfa, user, loginUrl: '/login', allowedOrigins: [origin] });
      expect(sentence).toContain('an origin is scheme, host and port only, such as "https://app.example"');
    }
  });

  it('cookies without https in production', async () => {
    vi.stubEnv('NODE_ENV', 'production');
    const deviceCookie = { insecureHttpForDevelopment: true };
    expect(await refused({ mfa, user, loginUrl: '/login', deviceCookie })).toContain('Remove it there and serve https');
  });
});
