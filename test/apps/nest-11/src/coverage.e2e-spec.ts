import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createMfa } from '@mfa-kit/core';
import { memoryStorage } from '@mfa-kit/core/storage/memory';
import { MfaGuard, MfaModule } from '@mfa-kit/nest';
import { assertMfaCoverage, mfaCoverage } from '@mfa-kit/nest/coverage';
import { type INestApplication, type MiddlewareConsumer, Module, type NestMiddleware, type Type } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import request from 'supertest';
import { CasesController } from './cases.controller';

const PARSERS = ['USE / (jsonParser)', 'USE / (urlencodedParser)'];

let app: INestApplication;
afterEach(() => app.close());

interface Added {
  imports?: Type[];
  before?: (app: INestApplication) => void;
  after?: (app: INestApplication) => void;
}

async function start(prefix: string, { imports = [], before, after }: Added = {}): Promise<void> {
  const mfa = createMfa({
    issuer: 'Cases',
    keys: [{ id: '1', secret: randomBytes(32).toString('base64') }],
    storage: memoryStorage({ losesAllDataOnRestart: true }),
    markEnrolled: () => {},
  });
  const kit = MfaModule.forRoot({ mfa, user: () => null, session: false, loginUrl: '/login', isGlobal: true });
  const testing = await Test.createTestingModule({
    imports: [kit, ...imports],
    controllers: [CasesController],
    providers: [{ provide: APP_GUARD, useClass: MfaGuard }],
  }).compile();
  app = testing.createNestApplication();
  app.setGlobalPrefix(prefix);
  before?.(app);
  await app.init();
  after?.(app);
}

describe('the coverage report', () => {
  it.each(['', '/api'])('F65: lists a class of middleware that serves a whole application, below "%s"', async (prefix) => {
    class ReverseProxyMiddleware implements NestMiddleware {
      use(_request: object, response: ServerResponse) {
        response.end('secret');
      }
    }
    @Module({})
    class ProxyModule {
      configure(consumer: MiddlewareConsumer) {
        consumer.apply(ReverseProxyMiddleware).forRoutes('*path');
      }
    }
    await start(prefix);
    expect(() => assertMfaCoverage(app, { allow: PARSERS })).not.toThrow();
    await app.close();
    await start(prefix, { imports: [ProxyModule] });
    expect((await request(app.getHttpServer()).get(`${prefix}/secret`)).text).toBe('secret');
    expect(() => assertMfaCoverage(app, { allow: PARSERS })).toThrow('(ReverseProxyMiddleware)');
  });

  it.each(['before', 'after'] as const)(
    'F67: lists a function that is added %s the routes of an application with a prefix',
    async (when) => {
      const legacy = (_request: object, response: ServerResponse, _next: () => void) => void response.end('legacy');
      await start('api', { [when]: (host: INestApplication) => host.use('/legacy', legacy) });
      expect(mfaCoverage(app).routes).toContainEqual(
        expect.objectContaining({ route: 'USE /legacy (legacy)', status: 'unknown' }),
      );
    },
  );

  it('F69: fails if nothing is guarded', async () => {
    app = (await Test.createTestingModule({}).compile()).createNestApplication();
    await app.init();
    expect(() => assertMfaCoverage(app)).toThrow('No route is guarded');
  });
});
