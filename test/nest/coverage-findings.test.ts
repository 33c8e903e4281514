import type { ServerResponse } from 'node:http';
import { MfaGuard } from '@mfa-kit/nest';
import { assertMfaCoverage, type CoveredRoute, mfaCoverage } from '@mfa-kit/nest/coverage';
import {
  All,
  Controller,
  type INestApplication,
  type MiddlewareConsumer,
  Module,
  type NestMiddleware,
  type Type,
  VersioningType,
} from '@nestjs/common';
import { type AbstractHttpAdapter, APP_GUARD } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { Client } from '../express/client.js';
import { type Host, type HostOptions, platforms, startHost } from './host.js';

interface Reply extends ServerResponse {
  send?(text: string): unknown;
}

const everywhere = { provide: APP_GUARD, useClass: MfaGuard };

let host: Host;
afterEach(() => host?.close());

/** The rows of the report that a team has to allow. */
function doubtful(): Record<string, CoveredRoute['status']> {
  const { routes } = mfaCoverage(host.app);
  return Object.fromEntries(
    routes.filter(({ status }) => status === 'open' || status === 'unknown').map(({ route, status }) => [route, status]),
  );
}

async function textOf(path: string): Promise<string> {
  return (await new Client(host).get(path)).text;
}

describe.each(platforms)('what answers in front of the guards, on Nest with $platform', (given) => {
  async function start(options: Partial<HostOptions> = {}): Promise<void> {
    host = await startHost({
      ...given,
      ...options,
      module: { ...options.module, providers: [everywhere, ...(options.module?.providers ?? [])] },
    });
  }

  it.each(['', '/api'])('F65: a class of middleware that serves a whole application, below "%s"', async (prefix) => {
    class ReverseProxyMiddleware implements NestMiddleware {
      use(request: { originalUrl: string }, response: ServerResponse, next: () => void) {
        if (request.originalUrl.endsWith('/secret')) response.end('secret');
        else next();
      }
    }
    @Module({})
    class ProxyModule {
      configure(consumer: MiddlewareConsumer) {
        consumer.apply(ReverseProxyMiddleware).forRoutes('*path');
      }
    }
    await start({ module: { imports: [ProxyModule] }, configure: (app) => app.setGlobalPrefix(prefix) });
    expect(await textOf(`${prefix}/secret`)).toBe('secret');
    expect(Object.keys(doubtful())).toEqual(expect.arrayContaining([expect.stringContaining('(ReverseProxyMiddleware)')]));
    expect(() => assertMfaCoverage(host.app)).toThrow('(ReverseProxyMiddleware)');
  });

  it.each(['before', 'after'] as const)(
    'F67: a function that is added %s the routes of an application with a prefix',
    async (when) => {
      const legacy = (_request: object, response: ServerResponse, _next: () => void) => void response.end('legacy');
      await start({
        configure: async (app) => {
          app.setGlobalPrefix('api');
          if (when === 'after') await app.init();
          app.use('/legacy', legacy);
          app.use((request: { originalUrl: string }, response: ServerResponse, next: () => void) =>
            request.originalUrl === '/root' ? response.end('root') : next(),
          );
        },
      });
      expect([await textOf('/legacy'), await textOf('/root')]).toEqual(['legacy', 'root']);
      const name = given.platform === 'express' ? 'legacy' : 'anonymous';
      expect(doubtful()).toMatchObject({ [`USE /legacy (${name})`]: 'unknown', 'USE / (anonymous)': 'unknown' });
    },
  );

  it('F69: an application without a guarded route', async () => {
    const adapter = given.platform === 'express' ? new ExpressAdapter() : new FastifyAdapter();
    const module = await Test.createTestingModule({}).compile();
    const app = module.createNestApplication(adapter as AbstractHttpAdapter, { logger: false });
    await app.init();
    expect(() => assertMfaCoverage(app)).toThrow('No route is guarded');
    await app.close();
  });

  it('a handler of a method that the platform would answer for HEAD', async () => {
    await start({
      configure: (app: INestApplication) =>
        app
          .getHttpAdapter()
          .head('/cases', ((_request: object, reply: Reply) => void (reply.send ?? reply.end).call(reply, '')) as never),
    });
    const { status } = await new Client(host).request('HEAD', '/cases');
    expect(status).toBe(200);
    expect(doubtful()).toMatchObject({ 'HEAD /cases': 'open' });
  });
});

it('a callback of param() of the Express application, which runs before the guard of a route', async () => {
  @Controller('cases')
  class CasesController {
    @All(':id')
    find() {}
  }
  const answer = (_request: object, response: ServerResponse) => void response.end('answered');
  host = await startHost({
    ...platforms[0],
    module: { controllers: [CasesController], providers: [everywhere] },
    configure: (app) => app.getHttpAdapter().getInstance().param('id', answer),
  });
  expect(await textOf('/cases/1')).toBe('answered');
  expect(doubtful()).toHaveProperty(['PARAM :id (answer)'], 'unknown');
});

describe('what answers in front of the guards, on Nest with Fastify', () => {
  const given = platforms[1];
  const reply = (text: string) => async () => text;

  async function start(configure: (app: NestFastifyApplication) => unknown, controllers: Type[] = []): Promise<void> {
    host = await startHost({ ...given, module: { controllers, providers: [everywhere] }, configure: configure as never });
  }

  it.each(['/files', '/'])('F68: a plugin at %s that answers what has no route', async (prefix) => {
    await start(async (app) => {
      await app.init();
      const plugin = async (child: { setNotFoundHandler(handler: unknown): void }) => child.setNotFoundHandler(reply('caught'));
      void app
        .getHttpAdapter()
        .getInstance()
        .register(plugin as never, { prefix });
    });
    expect(await textOf(`${prefix === '/' ? '' : prefix}/anything`)).toBe('caught');
    expect(doubtful()).toMatchObject({ [`USE ${prefix} (not-found handler)`]: 'unknown' });
  });

  it.each(['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const)('F68: a hook %s that answers', async (name) => {
    const hook = async (request: { url: string }, answer: { send(text: string): unknown }) =>
      request.url === '/hooked' ? answer.send('hooked') : undefined;
    const answering = name === 'preParsing' ? (...[request, answer]: Parameters<typeof hook>) => hook(request, answer) : hook;
    await start((app) =>
      app
        .getHttpAdapter()
        .getInstance()
        .addHook(name as 'onRequest', answering as never),
    );
    expect(await textOf('/hooked')).toBe('hooked');
    const label = name === 'preParsing' ? 'anonymous' : 'hook';
    expect(doubtful()).toMatchObject({ [`USE / (${name}: ${label})`]: 'unknown' });
  });

  it('F68: a hook that replaces what the guard answers', async () => {
    const replace = async () => 'replaced';
    await start((app) =>
      app
        .getHttpAdapter()
        .getInstance()
        .addHook('onSend', replace as never),
    );
    expect(await textOf('/cases')).toBe('replaced');
    expect(doubtful()).toMatchObject({ 'USE / (onSend: replace)': 'unknown' });
  });

  it('a hook that replaces the handlers of Nest', async () => {
    const replace = (route: { url: string; handler: unknown }) => {
      if (route.url === '/cases') route.handler = reply('replaced');
    };
    await start((app) =>
      app
        .getHttpAdapter()
        .getInstance()
        .addHook('onRoute', replace as never),
    );
    expect(await textOf('/cases')).toBe('replaced');
    expect(doubtful()).toMatchObject({ 'USE / (onRoute: replace)': 'unknown' });
  });

  it('a route of a plugin beside one of a controller, for another version', async () => {
    await start((app) => {
      app.enableVersioning({ type: VersioningType.HEADER, header: 'version' });
      app
        .getHttpAdapter()
        .getInstance()
        .route({
          method: 'GET',
          url: '/cases',
          constraints: { version: '9' },
          handler: reply('another') as never,
        } as never);
    });
    expect((await new Client(host).get('/cases', { headers: { version: '9' } })).text).toBe('another');
    expect(doubtful()).toMatchObject({ 'GET /cases {"version":"9"}': 'open' });
  });

  it('a route of a method that Fastify did not have when a controller took all methods', async () => {
    @Controller('all')
    class AllController {
      @All()
      all() {}
    }
    await start(
      async (app) => {
        await app.init();
        const fastify = app.getHttpAdapter().getInstance();
        fastify.addHttpMethod('PURGE').route({ method: 'PURGE', url: '/all', handler: reply('purged') });
      },
      [AllController],
    );
    expect((await new Client(host).request('PURGE', '/all')).text).toBe('purged');
    expect(doubtful()).toMatchObject({ 'PURGE /all': 'open' });
  });

  it('routes that were added before the application', async () => {
    const adapter = new FastifyAdapter();
    adapter.getInstance().get('/early', reply('early'));
    host = await startHost({ ...given, adapter, module: { providers: [everywhere] } });
    expect(await textOf('/early')).toBe('early');
    expect(doubtful()).toMatchObject({ 'GET /early': 'open' });
  });
});
