import type { ServerResponse } from 'node:http';
import { MfaGuard } from '@mfa-kit/nest';
import { assertMfaCoverage, type CoverageReport, formatCoverage, mfaCoverage } from '@mfa-kit/nest/coverage';
import {
  Controller,
  type ExecutionContext,
  Get,
  type INestApplication,
  type MiddlewareConsumer,
  Module,
  RequestMethod,
  VersioningType,
} from '@nestjs/common';
import { APP_GUARD, Reflector, RouterModule } from '@nestjs/core';
import { Query, Resolver } from '@nestjs/graphql';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { afterEach, describe, expect, it } from 'vitest';
import { Client } from '../express/client.js';
import {
  AskingGuard,
  BareController,
  BoundController,
  ClassController,
  DerivedGuard,
  LoggingMiddleware,
  RoutesController,
  ran,
  ScopedGuard,
} from './coverage-host.js';
import { startGatewayHost } from './gateway-host.js';
import { withGraphql } from './graphql-host.js';
import { type Host, type HostOptions, platforms, startHost } from './host.js';

/** What the test host intentionally leaves open. */
const LEFT_OPEN = ['POST /login', 'POST /logout', 'POST /cart', 'GET /session'];

/** The functions that run before the guards in the test host. */
const BEFORE = {
  express: ['USE / (session)', 'USE / (jsonParser)', 'USE / (urlencodedParser)'],
  fastify: [
    'USE / (onRequest: fastifyCookieHandler)',
    'USE / (onRequest: handleSession)',
    'USE / (onSend: fastifyCookieOnSendHandler)',
    'USE / (onSend: saveSession)',
  ],
};

let host: Host;
afterEach(() => host?.close());

function statuses({ routes }: CoverageReport): Record<string, string> {
  return Object.fromEntries(routes.map(({ route, status }) => [route, status]));
}

describe.each(platforms)('the coverage report on Nest with $platform', (given) => {
  const graphql = withGraphql({ platform: given.platform, server: given.platform === 'express' ? 'Apollo' : 'Mercurius' });

  const before = BEFORE[given.platform];
  /** The routes whose status is unknown. */
  const unknown = (found: Record<string, string>) =>
    Object.keys(found).filter((route) => found[route] === 'unknown' && !before.includes(route));

  async function report(options: Partial<HostOptions>): Promise<Record<string, string>> {
    host = await startHost({ ...given, ...options });
    return statuses(mfaCoverage(host.app));
  }

  it('T31: lists routes, resolvers and gateway handlers, and passes if all are guarded or intentionally open', async () => {
    host = await startGatewayHost({ platform: given.platform, kind: 'ws', module: graphql });
    // This gateway checks messages only, not the opening of a socket.
    const unasked = 'WS connect CasesGateway';
    expect(() => assertMfaCoverage(host.app, { allow: before })).toThrow(`'${unasked}', // unknown`);
    expect(() => assertMfaCoverage(host.app, { allow: [...before, unasked] })).not.toThrow();
    const found = statuses(mfaCoverage(host.app));
    expect(unknown(found)).toEqual([unasked]);
    expect(before.map((route) => found[route])).toEqual(before.map(() => 'unknown'));
    expect(found).toMatchObject({
      ...Object.fromEntries(LEFT_OPEN.map((route) => [route, 'skipped'])),
      'USE /mfa (mfa-kit)': 'skipped',
      'GET /cases': 'guarded',
      'POST /payouts': 'guarded',
      'Query.cases': 'guarded',
      'Query.open': 'skipped',
      'Mutation.pay': 'guarded',
      'Subscription.ticks': 'guarded',
      'WS cases': 'guarded',
      'WS open': 'skipped',
    });
    expect(formatCoverage(mfaCoverage(host.app))).toContain(`0 open, ${before.length + 1} unknown`);
  });

  it('T31: finds a planted open route, resolver, field of a schema and gateway', async () => {
    @Controller()
    class PlantedController {
      @Get('planted')
      planted() {}
    }
    @Resolver()
    class PlantedResolver {
      @Query('planted')
      planted() {}
    }
    @WebSocketGateway({ namespace: 'chat' })
    class PlantedGateway {
      @SubscribeMessage('planted')
      planted() {}
    }
    const plain = { typeDefs: 'type Query { planted: String, plain: String }', resolvers: { Query: { plain: () => 'x' } } };
    const { imports = [] } = withGraphql(
      { platform: given.platform, server: given.platform === 'express' ? 'Apollo' : 'Mercurius' },
      { graphql: plain },
    );
    host = await startHost({
      ...given,
      module: { imports, controllers: [PlantedController], providers: [PlantedResolver, PlantedGateway] },
    });
    const planted = ['GET /planted', 'Query.planted', 'Query.plain', 'WS /chat planted', 'WS /chat connect PlantedGateway'];
    for (const route of planted) {
      const allow = [...before, ...planted.filter((one) => one !== route)];
      const status = route.includes('connect') ? 'unknown' : 'open';
      expect(() => assertMfaCoverage(host.app, { allow })).toThrow(`'${route}', // ${status}`);
    }
    expect(() => assertMfaCoverage(host.app, { allow: [...before, ...planted] })).not.toThrow();
    expect(() => assertMfaCoverage(host.app, { allow: [...before, ...planted, 'GET /gone'] })).toThrow('GET /gone');
  });

  it('T31: distinguishes guards of the kit, guards of the host and guards that cannot be inspected', async () => {
    const found = await report({ module: { controllers: [RoutesController, ClassController, BoundController] } });
    expect(found).toMatchObject({
      'GET /routes/marked/:id': 'guarded',
      'POST /routes/by-guard': 'guarded',
      'GET /routes/derived': 'guarded',
      'GET /routes/derived/too': 'guarded',
      'ALL /routes/scoped': 'guarded',
      'GET /routes/overriding': 'unknown',
      'GET /routes/asking': 'unknown',
      'GET /routes/mark-alone': 'open',
      'GET /routes/open': 'open',
      'GET /routes/skipped': 'skipped',
      'GET /routes/public': 'guarded',
      'GET /classes/inherited': 'guarded',
      'GET /klassen/forgotten': 'guarded',
      'GET /bound': 'open',
    });
    expect((await new Client(host).get('/bound')).text).toBe('answered');
    expect((await new Client(host).get('/routes/mark-alone')).text).toBe('answered');
  });

  it.each([
    ['a class', { provide: APP_GUARD, useClass: MfaGuard }, 'guarded'],
    ['a class for each request', { provide: APP_GUARD, useClass: ScopedGuard }, 'guarded'],
    ['another token', { provide: APP_GUARD, useExisting: DerivedGuard }, 'guarded'],
    ['a guard that may ask the kit', { provide: APP_GUARD, useClass: AskingGuard }, 'unknown'],
  ])('a global guard registered as %s', async (_name, provider, status) => {
    const found = await report({ module: { controllers: [RoutesController], providers: [DerivedGuard, provider] } });
    expect(found).toMatchObject({
      'GET /routes/open': status,
      'GET /routes/skipped': 'skipped',
      'USE /mfa (mfa-kit)': 'skipped',
    });
  });

  it('a global guard that is added after the routes were created does not count', async () => {
    host = await startHost({ ...given, module: { controllers: [BareController] } });
    host.app.useGlobalGuards(host.app.get(MfaGuard));
    expect(statuses(mfaCoverage(host.app))['GET /bare']).toBe('open');
    expect((await new Client(host).get('/bare')).text).toBe('answered');
    await host.close();
    const early = await report({
      module: { controllers: [BareController] },
      configure: (app) => app.useGlobalGuards(app.get(MfaGuard)),
    });
    expect(early['GET /bare']).toBe('guarded');
  });

  it("a guard that replaces the kit's and makes its own decision does not count", async () => {
    class Stand extends MfaGuard {
      override async canActivate() {
        return true;
      }
    }
    const found = await report({ module: { providers: [{ provide: MfaGuard, useClass: Stand }] } });
    expect(found['GET /cases']).toBe('unknown');
    expect((await new Client(host).get('/cases')).status).not.toBe(401);
  });

  it("the host's marker counts if it looks only at the handler", async () => {
    const byHandler = (context: ExecutionContext) =>
      new Reflector().getAllAndOverride<boolean>('host:public', [context.getHandler(), context.getClass()]) === true;
    const module = { controllers: [RoutesController] };
    const seen = async (isPublic: (context: ExecutionContext) => boolean | Promise<boolean>) => {
      const {
        'GET /routes/public': marked,
        'POST /routes/by-guard': bare,
        'GET /routes/marked/:id': required,
      } = await report({
        module,
        kit: { isPublic },
      });
      await host.close();
      return [marked, bare, required];
    };
    expect(await seen(byHandler)).toEqual(['skipped', 'guarded', 'guarded']);
    expect(await seen((context) => context.switchToHttp().getRequest().url === '/x')).toEqual(['unknown', 'unknown', 'guarded']);
    expect(await seen(async (context) => byHandler(context))).toEqual(['unknown', 'unknown', 'guarded']);
    const careful = (context: ExecutionContext) => {
      try {
        return context.switchToHttp().getRequest().url === '/x';
      } catch {
        return false;
      }
    };
    expect(await seen(careful)).toEqual(['unknown', 'unknown', 'guarded']);
  });

  it('prints paths as clients request them: with a prefix, excluded from it, with versions, in modules below a path', async () => {
    @Module({ controllers: [BoundController] })
    class BelowModule {}
    const found = await report({
      module: {
        imports: [BelowModule, RouterModule.register([{ path: 'below', module: BelowModule }])],
        controllers: [ClassController],
      },
      configure: (app) => {
        app.setGlobalPrefix('api', { exclude: ['login', 'classes/inherited'] });
        app.enableVersioning({ type: VersioningType.URI, defaultVersion: '7' });
      },
    });
    const rest = given.platform === 'express' ? '{*path}' : '*';
    expect(Object.keys(found)).toEqual(
      expect.arrayContaining([
        'POST /v7/login',
        'GET /api/v7/cases',
        'USE /api/mfa (mfa-kit)',
        'GET /v1/classes/inherited',
        'GET /classes/inherited',
        'GET /api/v1/klassen/inherited',
        'GET /api/klassen/forgotten',
        `GET /api/v2/classes/own/${rest}`,
        'GET /api/v7/below/bound',
      ]),
    );
    expect(unknown(found)).toEqual([]);
  });

  it('versions in a header do not change paths', async () => {
    const found = await report({
      module: { controllers: [ClassController] },
      configure: (app) => app.enableVersioning({ type: VersioningType.HEADER, header: 'version', defaultVersion: '1' }),
    });
    expect(found).toMatchObject({
      'GET /classes/inherited': 'guarded',
      'GET /cases': 'guarded',
      'USE /mfa (mfa-kit)': 'skipped',
    });
    expect(unknown(found)).toEqual([]);
  });

  it('routes outside the controllers are listed and never guarded', async () => {
    const text = (_request: object, response: ServerResponse & { send?(text: string): void }) =>
      void (response.send ? response.send('raw') : response.end('raw'));
    const found = await report({
      module: { providers: [{ provide: APP_GUARD, useClass: MfaGuard }] },
      configure: (app: INestApplication) => {
        app.getHttpAdapter().get('/healthz', text);
        app.use('/files', text);
      },
    });
    const [mounted] = Object.keys(found).filter((route) => route.startsWith('USE /files'));
    expect(found).toMatchObject({ 'GET /healthz': 'open', [mounted ?? 'USE /files']: 'unknown', 'GET /cases': 'guarded' });
    const client = new Client(host);
    expect([(await client.get('/healthz')).text, (await client.get('/files/x')).text]).toEqual(['raw', 'raw']);
  });

  it('middleware that a module applied is listed, a class by its name', async () => {
    const answering = (_request: object, response: ServerResponse, _next: () => void) => void response.end('raw');
    @Module({})
    class ApplyingModule {
      configure(consumer: MiddlewareConsumer) {
        consumer.apply(LoggingMiddleware).forRoutes(BareController, { path: 'cases', method: RequestMethod.GET });
        consumer.apply(LoggingMiddleware).forRoutes('*');
        consumer.apply(answering).forRoutes('raw');
      }
    }
    const module = {
      imports: [ApplyingModule],
      controllers: [BareController],
      providers: [{ provide: APP_GUARD, useClass: MfaGuard }],
    };
    for (const prefix of ['', '/api']) {
      host = await startHost({ ...given, module, configure: (app) => app.setGlobalPrefix(prefix) });
      const found = statuses(mfaCoverage(host.app));
      const places = given.platform === 'express' ? ['GET /bare/', 'GET /cases'] : ['USE /bare/', 'USE /cases'];
      const applied = places.map((place) => `${place.replace(' ', ` ${prefix}`)} (LoggingMiddleware)`);
      expect(unknown(found)).toEqual(expect.arrayContaining([...applied, `USE ${prefix}/raw (anonymous)`]));
      expect(unknown(found).filter((route) => /\*path.*\(LoggingMiddleware\)$/.test(route))).toHaveLength(1);
      expect(found['GET /bare'.replace(' ', ` ${prefix}`)]).toBe('guarded');
      expect((await new Client(host).get(`${prefix}/raw`)).text).toBe('raw');
      await host.close();
    }
  });

  it.each(['/raw', '/other/raw'])(
    'a function at %s does not count as the middleware that a module applied to /raw',
    async (path) => {
      @Module({})
      class ApplyingModule {
        configure(consumer: MiddlewareConsumer) {
          consumer.apply(LoggingMiddleware).forRoutes('raw');
        }
      }
      host = await startHost({
        ...given,
        module: { imports: [ApplyingModule] },
        configure: (app) =>
          app.use(path, (_request: object, response: ServerResponse, _next: () => void) => void response.end('raw')),
      });
      expect(
        mfaCoverage(host.app).routes.some(({ route, status }) => route.startsWith(`USE ${path} (`) && status === 'unknown'),
      ).toBe(true);
    },
  );

  const below = (prefix: string) => (app: INestApplication) => app.setGlobalPrefix(prefix);
  const everywhere = { providers: [{ provide: APP_GUARD, useClass: MfaGuard }] };
  it.each<[string, Partial<HostOptions>]>([
    ['each route by itself', {}],
    ['all routes', { module: everywhere }],
    ['all routes, below a prefix', { module: everywhere, configure: below('api') }],
    ['each route, by version', { configure: (app) => app.enableVersioning({ type: VersioningType.URI, defaultVersion: '7' }) }],
  ])('T31: refuses a request without a login on every route that it lists as guarded: %s', async (_name, options) => {
    const controllers = [RoutesController, ClassController, BoundController];
    host = await startHost({ ...given, ...options, module: { ...options.module, controllers } });
    ran.count = 0;
    const client = new Client(host);
    const { routes } = mfaCoverage(host.app);
    const guarded = routes.filter(({ status }) => status === 'guarded');
    expect(guarded.length).toBeGreaterThan(8);
    for (const { route } of guarded) {
      const [method = '', path = ''] = route
        .replace('ALL ', 'PATCH ')
        .replace(/:\w+|\{?\*\w*\}?$/g, 'x')
        .split(' ');
      expect([route, (await client.request(method, path)).status]).toEqual([route, 401]);
    }
    expect(ran.count).toBe(0);
    for (const { route, status } of routes.filter(({ route: one }) => /^GET [^:*]+$/.test(one))) {
      const refused = [401, 403, 503].includes((await client.get(route.replace('GET ', ''))).status);
      if (status !== 'unknown') expect([route, refused]).toEqual([route, status === 'guarded']);
    }
  });
});
