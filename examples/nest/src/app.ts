import 'reflect-metadata';
import fastifyCookie from '@fastify/cookie';
import fastifySession from '@fastify/session';
import type { DemoHost } from '@mfa-kit-examples/demo-host';
import { DurableStore, expressSession, sessionCookie } from '@mfa-kit-examples/demo-host/express-session';
import type { DynamicModule, INestApplication, NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule, DemoModule } from './app.module.js';
import type { Demo } from './demo.js';
import { SessionWsAdapter } from './session.ws-adapter.js';

export { AppModule } from './app.module.js';

export type Platform = 'express' | 'fastify';

const BODY_LIMIT = 4096;
const LOGGER: NestApplicationOptions = { logger: ['error', 'warn'] };

/** Creates the whole application, which does not listen yet. `modules` adds modules for tests. */
export async function createApp(
  platform: Platform,
  demo: Demo,
  modules: DynamicModule['imports'] = [],
): Promise<INestApplication> {
  const root: DynamicModule = { module: AppModule, imports: [DemoModule.with(demo), ...modules] };
  const app = await (platform === 'fastify' ? createOnFastify(root, demo.host) : createOnExpress(root, demo.host));
  return app.useWebSocketAdapter(new SessionWsAdapter(app, expressSession(demo.host)));
}

async function createOnExpress(root: DynamicModule, host: DemoHost): Promise<INestApplication> {
  const app = await NestFactory.create<NestExpressApplication>(root, new ExpressAdapter(), { ...LOGGER, bodyParser: false });
  app.disable('x-powered-by').set('trust proxy', host.production ? 1 : false);
  app.use(expressSession(host));
  app.useBodyParser('json', { limit: BODY_LIMIT }).useBodyParser('urlencoded', { limit: BODY_LIMIT, extended: false });
  return app;
}

async function createOnFastify(root: DynamicModule, host: DemoHost): Promise<INestApplication> {
  const trustProxy = host.production && ((_address: string, hop: number) => hop === 0);
  const adapter = new FastifyAdapter({ bodyLimit: BODY_LIMIT, trustProxy });
  const app = await NestFactory.create<NestFastifyApplication>(root, adapter, LOGGER);
  const { name: cookieName, cookie } = sessionCookie(host);
  await app.register(fastifyCookie);
  await app.register(fastifySession, {
    secret: host.sessionSecret,
    store: new DurableStore(host.sessions),
    cookieName,
    cookie,
    cookiePrefix: 's:', // the prefix of express-session, which reads the cookie when a socket opens
    saveUninitialized: false,
    rolling: false,
  });
  return app;
}
