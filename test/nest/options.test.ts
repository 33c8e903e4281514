import { createMfa, MfaError } from '@mfa-kit/core';
import { memoryStorage } from '@mfa-kit/core/storage/memory';
import { MFA, MfaModule, type MfaModuleOptions, RequireMfa } from '@mfa-kit/nest';
import { Inject, Injectable } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { createBench, KEY } from '../support/core-fixture.js';
import { startHost } from './host.js';

const user: MfaModuleOptions['user'] = () => null;

describe('SUP-6: a bad option of MfaModule throws at start and names the mend', () => {
  const { mfa } = createBench();

  it.each<[string, object | undefined]>([
    ['user', { mfa, loginUrl: '/login' }],
    ['loginUrl', { mfa, user }],
    ['loginURL', { mfa, user, loginURL: '/login' }],
    ['isPublic', { mfa, user, loginUrl: '/login', isPublic: true }],
    ['request', { mfa, user, loginUrl: '/login', request: {} }],
    ['session', { mfa, user, loginUrl: '/login', session: {} }],
    ['session', { mfa, user, loginUrl: '/login', session: null }],
    ['createMfa', { user, loginUrl: '/login' }],
    ['path', { mfa, user, loginUrl: '/login', path: 'mfa' }],
  ])('%s: %j', async (name, options) => {
    const start = () => startHost({ platform: 'express', register: () => MfaModule.forRoot(options as never) });
    await expect(start()).rejects.toThrow(name);
    await expect(start()).rejects.toBeInstanceOf(MfaError);
  });

  it('a path in what the factory returns, or no way to make options', async () => {
    const late = () => MfaModule.forRootAsync({ useFactory: () => ({ mfa, user, loginUrl: '/login', path: '/x' }) as never });
    await expect(startHost({ platform: 'express', register: late })).rejects.toThrow('beside useFactory');
    expect(() => MfaModule.forRootAsync({})).toThrow('useFactory, useClass or useExisting');
  });

  it('a requirement that is none', () => {
    expect(() => RequireMfa({ maxAge: 300 } as never)).toThrow('maxAge');
  });
});

it('the flows of another createMfa are what the host gave', async () => {
  const mfa = createMfa({ issuer: 'Acme', keys: [KEY], storage: memoryStorage() });
  @Injectable()
  class Reader {
    constructor(@Inject(MFA) readonly given: unknown) {}
  }
  const host = await startHost({ platform: 'express', kit: { mfa: mfa as never }, module: { providers: [Reader] } });
  expect(host.app.get(Reader).given).toBe(mfa);
  await host.close();
});
