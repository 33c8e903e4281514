import { MfaGuard, MfaModule, RequireMfa } from '@mfa-kit/nest';
import { Controller, Get, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { Client, expectStatus } from '../express/client.js';
import { createBench } from '../support/core-fixture.js';
import { type Host, type HostOptions, platforms, startHost } from './host.js';

@Controller()
class CaseController {
  @RequireMfa()
  @Get('marked')
  marked() {
    return { inside: true };
  }
}

@Controller('login')
class LoginPageController {
  @Get()
  page() {
    return 'login page';
  }
}

const warnings: string[] = [];
const listen = ({ code, message }: NodeJS.ErrnoException) => {
  if (code === 'MFA_KIT_GUARDED_DOOR') warnings.push(message);
};
let host: Host | undefined;
afterEach(async () => {
  process.off('warning', listen);
  warnings.length = 0;
  await host?.close();
  host = undefined;
});

describe.each(platforms)('SES-4: what is mounted wrongly denies and says what to write, on Nest with $platform', (given) => {
  async function start(options: Partial<HostOptions>): Promise<Host> {
    host = await startHost({ ...given, ...options });
    return host;
  }

  it('MfaGuard for the whole application, the page of the login included', async () => {
    const providers = [{ provide: APP_GUARD, useClass: MfaGuard }];
    await start({ module: { providers, controllers: [CaseController, LoginPageController] } });
    process.on('warning', listen);
    const client = new Client(host as Host);
    expectStatus(await client.get('/marked'), 401);
    expect(warnings).toEqual([]);
    expect((await client.page('GET', '/login')).headers.get('location')).toBe('/login');
    expect(warnings).toEqual([expect.stringContaining('in Nest by @SkipMfa() on the login')]);
  });

  it('a session that cannot be renewed, as that of cookie-session', async () => {
    const kept = {};
    await start({
      session: 'none',
      kit: { user: () => ({ id: 'user-ada', name: 'ada' }) },
      configure: (app) => {
        if (given.platform === 'fastify') {
          const fastify = app.getHttpAdapter().getInstance();
          fastify.addHook('onRequest', async (request: object) => void Object.assign(request, { session: kept }));
          return;
        }
        app.use((request: object, _response: object, next: () => void) => {
          Object.assign(request, { session: kept });
          next();
        });
      },
    });
    expectStatus(await new Client(host as Host).get('/cases'), 503);
    expect(host?.logged[0]).toMatchObject({ name: 'MfaError', code: 'host_setup' });
    expect(String(host?.logged[0])).toContain('Register express-session, @fastify/session or @fastify/secure-session');
    expect(kept).toEqual({});
  });
});

describe('SES-4: an application whose parts do not find the kit does not start', () => {
  const options = { mfa: createBench().mfa, user: () => null, loginUrl: '/login' };

  @Module({ controllers: [CaseController] })
  class CasesModule {}

  it.each([
    ['no MfaModule at all', []],
    ['MfaModule in the root module alone, and not global', [MfaModule.forRoot(options)]],
  ])('%s', async (_name, kit) => {
    const starting = Test.createTestingModule({ imports: [...kit, CasesModule] }).compile();
    await expect(starting).rejects.toThrowError('the Module containing MfaGuard');
  });
});
