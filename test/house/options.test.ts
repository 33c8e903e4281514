import { randomBytes } from 'node:crypto';
import { createMfa, type MfaOptions } from '@mfa-kit/core';
import { checkRequirement } from '@mfa-kit/core/http';
import { memoryStorage } from '@mfa-kit/core/storage/memory';
import { type ExpressMfaOptions, expressMfa } from '@mfa-kit/express';
import { MfaModule, type MfaModuleExtras, type MfaModuleOptions } from '@mfa-kit/nest';
import { NestFactory } from '@nestjs/core';
import { describe, expect, it } from 'vitest';
import { resolveHttpOptions } from '../../packages/core/src/http/http-options.js';
import { resolveOptions } from '../../packages/core/src/options.js';
import { allDocs, tableUnder } from './docs.js';

/** Every optional option of a table in a README, as `undefined`. That a table names each one is a test of its own. */
function leftOut(name: string, heading: string): Record<string, undefined> {
  const text = allDocs().find(({ file }) => file === `packages/${name}/README.md`)?.text ?? '';
  const optional = tableUnder(text, heading).filter(([, value]) => value !== 'required');
  expect(optional.length).toBeGreaterThan(8);
  return Object.fromEntries(optional.map(([option = '']) => [option.replaceAll('`', ''), undefined]));
}

const facts = (resolved: object): string =>
  JSON.stringify(resolved, (_, value: unknown) => (typeof value === 'function' ? 'function' : value));

describe('F72: an undefined option is treated as absent', () => {
  const storage = memoryStorage();
  const needed: MfaOptions = { issuer: 'Acme', keys: [{ id: '1', secret: randomBytes(32) }], storage };
  const user = () => null;
  const mfa = createMfa(needed);

  it('F72: of createMfa', () => {
    const given = leftOut('core', '`createMfa(options)` refuses');
    expect(facts(resolveOptions({ ...needed, ...given }))).toBe(facts(resolveOptions(needed)));
    const halves = { rememberDevice: { days: undefined }, recoveryCodes: { count: undefined, lowAt: undefined } };
    expect(facts(resolveOptions({ ...needed, ...halves }))).toBe(facts(resolveOptions(needed)));
  });

  it('F72: of expressMfa and of a requirement', () => {
    const given = leftOut('express', '## Options') as Partial<ExpressMfaOptions>;
    expect(expressMfa(mfa, { user, loginUrl: '/login', ...given }).requireMfa(undefined)).toBeTypeOf('function');
    const { onRefused: _, eventContext: _e, assurance: _a, session: _s, ...shared } = given;
    expect(facts(resolveHttpOptions({ loginUrl: '/login', ...shared }))).toBe(facts(resolveHttpOptions({ loginUrl: '/login' })));
    const cookie = { deviceCookie: { sameSite: undefined, insecureHttpForDevelopment: undefined } };
    expect(facts(resolveHttpOptions({ loginUrl: '/login', ...cookie }))).toBe(facts(resolveHttpOptions({ loginUrl: '/login' })));
    expect(checkRequirement({ maxAgeSeconds: undefined, acceptRememberedDevice: undefined })).toEqual({});
  });

  it('F72: of MfaModule, also where a factory returns them', async () => {
    const given = leftOut('nest', '## Options') as Partial<MfaModuleOptions>;
    const options: MfaModuleOptions = { mfa, user, loginUrl: '/login', ...given };
    // These two stand beside a factory, not in what it returns.
    const { isGlobal: _, controllerDecorators: _c, ...made } = options as MfaModuleOptions & MfaModuleExtras;
    for (const module of [
      MfaModule.forRoot(options),
      MfaModule.forRootAsync({ ...given, imports: undefined, inject: undefined, useFactory: () => made }),
    ]) {
      const app = await NestFactory.create(module, { logger: false, abortOnError: false });
      await app.init();
      await app.close();
    }
  });

  it('F72: of the calls of core', async () => {
    const ada = { id: 'user-ada', name: 'ada@acme.example', enrolled: undefined };
    const login = await mfa.beginLogin({ user: ada, deviceToken: undefined, loggedInAt: undefined, context: undefined });
    expect(login.decision.access).toBe('enroll');
    const { session } = login;
    const started = await mfa.startEnrollment({ user: ada, session, name: undefined });
    expect(started.ok).toBe(true);
    expect(await mfa.checkAccess({ user: ada, session, requirement: undefined, firstFactorProven: undefined })).toMatchObject({
      access: 'enroll',
    });
    expect(await mfa.rotateKeys({ cursor: undefined, onPage: undefined, signal: undefined, dryRun: undefined })).toMatchObject({
      dryRun: false,
    });
    expect(await mfa.passwordChanged({ userId: ada.id, keep: undefined, context: undefined })).toMatchObject({ ok: true });
  });
});
