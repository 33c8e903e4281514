import 'reflect-metadata';
import fastifyCookie from '@fastify/cookie';
import fastifySecureSession from '@fastify/secure-session';
import fastifySession from '@fastify/session';
import type { MfaOptions } from '@mfa-kit/core';
import { type MfaCaller, MfaModule, type MfaModuleExtras, type MfaModuleOptions } from '@mfa-kit/nest';
import type { INestApplication, ModuleMetadata } from '@nestjs/common';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import session from 'express-session';
import { FaultyStore } from '../express/host.js';
import { createFixture, type Fixture, type TestUser } from '../support/core-fixture.js';
import { AccountController, CasesController, readSession } from './host-routes.js';

export type Platform = 'express' | 'fastify';
export type SessionKind = 'express-session' | '@fastify/session' | '@fastify/secure-session' | 'none';

/** Signs the cookies of the session. */
export const SECRET = 'a secret of the host with more than 32 characters';

/** Both platforms, each with its usual session. */
export const platforms = [
  { platform: 'express', session: 'express-session' },
  { platform: 'fastify', session: '@fastify/session' },
] as const;

/** The fields that both platforms have on a request here. */
export interface HostRequest {
  method: string;
  url: string;
  headers: Record<string, string | undefined>;
  user?: TestUser;
  session?: HostSession;
  sessionID?: string;
}

export interface HostSession {
  sessionId?: string;
  userId?: string;
  cart?: string[];
  mfa?: unknown;
  cookie: { maxAge?: number | null };
  get?(name: string): unknown;
  set?(name: string, value: unknown): void;
  data?(): object;
  delete?(): void;
  destroy?(done: (error?: unknown) => void): void;
}

export interface HostOptions {
  platform: Platform;
  session?: SessionKind;
  kit?: Partial<MfaModuleOptions<TestUser, HostRequest> & MfaModuleExtras>;
  mfa?: Partial<MfaOptions<TestUser>>;
  module?: ModuleMetadata;
  /** Before the application starts: prefixes, versions, pipes, adapters. */
  configure?: (app: INestApplication) => unknown;
  /** The module, if it is not made with `forRoot`. */
  register?: (options: MfaModuleOptions<TestUser, HostRequest> & MfaModuleExtras) => ReturnType<typeof MfaModule.forRoot>;
  fastify?: ConstructorParameters<typeof FastifyAdapter>[0];
  /** The adapter, if the host made it itself. */
  adapter?: FastifyAdapter | ExpressAdapter;
  bodyParser?: false;
  store?: FaultyStore;
}

export interface Host extends Fixture {
  app: INestApplication;
  users: Map<string, TestUser>;
  store: FaultyStore;
  origin: string;
  /** What was logged as an error. */
  logged: unknown[];
  close(): Promise<void>;
}

/** What the host's login did. The module reads the user from the session. */
export function userOf(users: Map<string, TestUser>, { request }: MfaCaller<HostRequest>): TestUser | null {
  const id = readSession(request, 'userId');
  return request.user ?? [...users.values()].find((user) => user.id === id) ?? null;
}

/** A Nest application with a login of its own and the kit, on a real port. */
export async function startHost(given: HostOptions): Promise<Host> {
  const fixture = createFixture(given.mfa);
  const users = new Map<string, TestUser>([
    ['ada', { id: 'user-ada', name: 'ada@example.com' }],
    ['bob', { id: 'user-bob', name: 'bob@example.com' }],
    ['grace', { id: 'user-grace', name: 'grace@example.com', mfa: 'optional' }],
    ['alan', { id: 'user-alan', name: 'alan@example.com', enrollBy: fixture.clock.now() + 14 * 86_400_000 }],
    ['olga', { id: 'user-olga', name: 'olga@example.com', mfa: 'off' }],
  ]);
  const byId = (id: string) => [...users.values()].find((user) => user.id === id) ?? null;
  const options: MfaModuleOptions<TestUser, HostRequest> & MfaModuleExtras = {
    mfa: fixture.mfa,
    user: (caller) => userOf(users, caller),
    userById: byId,
    loginUrl: '/login',
    homeUrl: '/home',
    allowedOrigins: ['https://app.example'],
    isGlobal: true,
    ...given.kit,
  };
  const kit = given.register ? given.register(options) : MfaModule.forRoot(options);
  const { imports = [], controllers = [], providers = [], ...rest } = given.module ?? {};
  const testing = await Test.createTestingModule({
    imports: [kit, ...imports],
    controllers: [AccountController, CasesController, ...controllers],
    providers: [{ provide: 'USERS', useValue: users }, ...providers],
    ...rest,
  }).compile();

  const store = given.store ?? new FaultyStore();
  const logged: unknown[] = [];
  const app = await createApplication(given, { store, testing });
  app.useLogger({ log: () => {}, warn: () => {}, error: (...what: unknown[]) => void logged.push(what[0]) });
  await given.configure?.(app);
  await app.listen(0, '127.0.0.1');
  const address = app.getHttpServer().address() as { port: number };
  const origin = `http://127.0.0.1:${address.port}`;
  const close = async () => {
    app.getHttpServer().closeAllConnections();
    await app.close();
  };
  return { ...fixture, app, users, store, origin, logged, close };
}

async function createApplication(
  { platform, session: kind, fastify, adapter, bodyParser }: HostOptions,
  { store, testing }: { store: FaultyStore; testing: import('@nestjs/testing').TestingModule },
): Promise<INestApplication> {
  const plain = bodyParser === undefined ? {} : { bodyParser };
  if (platform === 'express') {
    const app = testing.createNestApplication<NestExpressApplication>(adapter ?? new ExpressAdapter(), plain);
    if (kind !== 'none') app.use(session({ secret: SECRET, resave: false, saveUninitialized: false, store, name: 'sid' }));
    return app;
  }
  const app = testing.createNestApplication<NestFastifyApplication>(adapter ?? new FastifyAdapter(fastify), plain);
  if (kind === '@fastify/secure-session') {
    await app.register(
      fastifySecureSession as never,
      { secret: SECRET, cookieName: 'sid', cookie: { path: '/', secure: false } } as never,
    );
  } else if (kind !== 'none') {
    await app.register(fastifyCookie as never);
    const cookie = { secure: false, path: '/' };
    // The prefix lets express-session read the cookie for sockets, for which Fastify's plugins do not run.
    const cookiePrefix = 's:';
    await app.register(
      fastifySession as never,
      { secret: SECRET, store, cookie, cookieName: 'sid', cookiePrefix, saveUninitialized: false } as never,
    );
  }
  return app;
}
