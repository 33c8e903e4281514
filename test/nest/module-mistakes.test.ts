import { MfaError } from '@mfa-kit/core';
import { MfaGuard, MfaModule, type MfaModuleAsyncOptions, RequireMfa } from '@mfa-kit/nest';
import { assertMfaCoverage } from '@mfa-kit/nest/coverage';
import { Controller, Get, Module, type ModuleMetadata } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import { createFixture } from '../support/core-fixture.js';

const options = { mfa: createFixture().mfa, user: () => null, loginUrl: '/login' };

@Controller()
class CaseController {
  @RequireMfa()
  @Get('marked')
  marked() {
    return { inside: true };
  }
}

@Module({ controllers: [CaseController] })
class CasesModule {}

/** Returns why the application does not start. */
async function refused(metadata: ModuleMetadata): Promise<Error> {
  const starting = async () => {
    const app = (await Test.createTestingModule(metadata).compile()).createNestApplication({ logger: false });
    await app.init();
    await app.close();
  };
  return starting().then(
    () => {
      throw new Error('started all the same');
    },
    (error: Error) => error,
  );
}

describe('SES-4: an application that sets up the kit wrongly does not start', () => {
  it('no MfaModule at all', async () => {
    const { message } = await refused({ imports: [CasesModule] });
    expect(message).toMatch(/argument MfaGuard at index \[0\] is available in the CasesModule/);
    expect(message).toContain('the Module containing MfaGuard');
  });

  it('MfaModule only in the root module, and not global', async () => {
    const { message } = await refused({ imports: [MfaModule.forRoot(options), CasesModule] });
    expect(message).toMatch(/argument MfaGuard at index \[0\] is available in the CasesModule/);
    expect(message).toContain('the Module containing MfaGuard');
  });

  it('MfaGuard for the whole application without MfaModule', async () => {
    const { message } = await refused({ providers: [{ provide: APP_GUARD, useClass: MfaGuard }] });
    expect(message).toContain('Symbol(@mfa-kit/nest/host) at index [0] is available in the RootTestModule');
  });

  it('MfaModule without its options', async () => {
    const error = await refused({ imports: [MfaModule] });
    expect(error).toMatchObject({ name: 'MfaError', code: 'host_setup' });
    expect(error.message).toContain('Write MfaModule.forRoot({ mfa, user, loginUrl, ... })');
    for (const call of [() => MfaModule.forRoot(undefined as never), () => MfaModule.forRoot(null as never)]) {
      expect(call).toThrowError('MfaModule.forRoot() needs its options: at least { mfa, user, loginUrl }');
      expect(call).toThrowError(MfaError);
    }
    for (const nothing of [undefined, {}]) {
      const call = () => MfaModule.forRootAsync(nothing as MfaModuleAsyncOptions);
      expect(call).toThrowError('forRootAsync needs useFactory, useClass or useExisting');
      expect(call).toThrowError(MfaError);
    }
  });

  it('MfaModule registered twice', async () => {
    const again = MfaModule.forRootAsync({ path: '/MFA', useFactory: () => options });
    const error = await refused({ imports: [MfaModule.forRoot({ ...options, isGlobal: true }), again] });
    expect(error).toMatchObject({ name: 'MfaError', code: 'host_setup' });
    expect(error.message).toMatch(/registered twice at "\/mfa"\. Call forRoot\(\) or forRootAsync\(\) once, with isGlobal: true/);
  });

  it('two modules at different paths start', async () => {
    const another = MfaModule.forRoot({ ...options, path: '/staff/mfa', loginUrl: '/staff/login' });
    await expect(refused({ imports: [MfaModule.forRoot(options), another, MfaModule] })).rejects.toThrow('all the same');
  });

  it('a factory that returns nothing', async () => {
    for (const useFactory of [() => undefined, async () => undefined]) {
      const error = await refused({ imports: [MfaModule.forRootAsync({ useFactory: useFactory as never })] });
      expect(error).toMatchObject({ name: 'MfaError', code: 'invalid_option' });
      expect(error.message).toMatch(/MfaModule needs its options/);
    }
  });

  it('a path in the options of the factory', async () => {
    const useFactory = () => ({ ...options, path: '/x' }) as never;
    const error = await refused({ imports: [MfaModule.forRootAsync({ useFactory })] });
    expect(error).toMatchObject({ name: 'MfaError', code: 'invalid_option' });
    expect(error.message).toContain('"path" next to useFactory, not in what the factory returns');
  });
});

describe('SES-4, T31: assertMfaCoverage() names handlers that no guard can deny', () => {
  it('a handler without a mark', async () => {
    @Controller()
    class ForgottenController {
      @Get('forgotten')
      forgotten() {
        return { inside: true };
      }
    }
    const module = Test.createTestingModule({ imports: [MfaModule.forRoot(options)], controllers: [ForgottenController] });
    const app = (await module.compile()).createNestApplication({ logger: false });
    await app.init();
    expect(() => assertMfaCoverage(app)).toThrowError(/GET \/forgotten/);
    await app.close();
  });
});
