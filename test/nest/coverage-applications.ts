// Random applications for the fuzz of the coverage report. Also compiled into the NestJS 11 application, so it imports no test tools.
import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { createMfa } from '@mfa-kit/core';
import { memoryStorage } from '@mfa-kit/core/storage/memory';
import { MfaGuard, MfaModule, RequireMfa, SkipMfa } from '@mfa-kit/nest';
import { type CoverageReport, mfaCoverage } from '@mfa-kit/nest/coverage';
import {
  All,
  type CallHandler,
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  Head,
  type INestApplication,
  Inject,
  Injectable,
  type MiddlewareConsumer,
  Module,
  Post,
  RequestMethod,
  Res,
  type Type,
  UseGuards,
  UseInterceptors,
  VERSION_NEUTRAL,
  Version,
  VersioningType,
} from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';

export type Platform = 'express' | 'fastify';

/** What one run found. */
export interface Found {
  /** Answers of functions of the host, and of handlers of its controllers. */
  answered: number;
  handled: number;
  guarded: number;
  /** Verdicts about handlers, and those that are unknown although a guard of the kit certainly runs. */
  verdicts: number;
  needless: string[];
}

/** How an application is asked: in this process, or over a socket. */
export type Ask = (method: string, path: string, headers: Record<string, string>) => Promise<string | undefined>;

type Reply = ServerResponse & { header?: (name: string, value: string) => unknown; send?: (body: string) => unknown };
type Next = () => void;
type Choose = <One>(from: readonly One[]) => One;

/** Who answered. */
const ANSWERED = 'x-answered';

@Injectable()
class AnybodyGuard implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

@Injectable()
class DerivedGuard extends MfaGuard {
  protected override user(): null {
    return null;
  }
}

@Injectable()
class OverridingGuard extends MfaGuard {
  override async canActivate(): Promise<boolean> {
    return true;
  }
}

@Injectable()
class AskingGuard implements CanActivate {
  constructor(readonly guard: MfaGuard) {}

  canActivate(): boolean {
    return true;
  }
}
Inject(MfaGuard)(AskingGuard, undefined, 0);

@Injectable()
class PassingInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): ReturnType<CallHandler['handle']> {
    return next.handle();
  }
}

const GUARDS: readonly (readonly Type<CanActivate>[])[] = [
  [],
  [],
  [],
  [MfaGuard],
  [AnybodyGuard],
  [AnybodyGuard, MfaGuard],
  [DerivedGuard],
  [OverridingGuard],
  [AskingGuard],
];
const CLASS_PATHS: readonly (string | string[])[] = ['', 'a', 'b', 'a/b', ':p', ['a', 'c']];
const METHOD_PATHS: readonly (string | string[])[] = ['', 'a', 'b', ':id', ':id/b', 'w/*', ['c', 'b/c'], 'a-:id'];
const VERSIONS = [undefined, undefined, '1', ['1', '2'], VERSION_NEUTRAL, ['2', VERSION_NEUTRAL]] as const;
const PLACES = ['/', '/a', '/b', '/a/b', '/api', '/api/a', '/x'] as const;
const ROUTE_PATHS = ['/a', '/b', '/a/b', '/api/a', '/x', '/x/:id', '/v1/a', '/api/v1/a', '/api'] as const;
const VERBS = { GET: Get, POST: Post, HEAD: Head, ALL: All } as const;

const mfa = createMfa({
  issuer: 'fuzz',
  keys: [{ id: '1', secret: randomBytes(32).toString('base64') }],
  storage: memoryStorage({ losesAllDataOnRestart: true }),
  markEnrolled: () => {},
});

/** Builds an application from the seed, asks it, and throws if its report is wrong. Undefined if the platform refuses the routes. */
export async function checkApplication(
  seed: number,
  given: {
    platform: Platform;
    everywhere: boolean;
    adapter: () => object;
    connect: (app: INestApplication) => Promise<{ ask: Ask; close(): Promise<void> }>;
  },
): Promise<Found | undefined> {
  const { choose, chance } = chances(seed);
  const log: string[] = [];
  /** How many rows begin with this text, at least. */
  const rows = new Map<string, number>();
  const expectRow = (text: string): void => void rows.set(text, (rows.get(text) ?? 0) + 1);
  /** The row of a function that may not be reached. */
  const rowOf = new Map<string, string>();
  /** The places of each handler of a controller. */
  const handlers = new Map<string, { method: string; locals: string[] }>();
  let count = 0;

  /** A function of the host in the form of Express. */
  const made = (answers: boolean): [name: string, run: (request: object, reply: Reply, next: Next) => void] => {
    const name = `fn${++count}`;
    const run = (_request: object, reply: Reply, next: Next): void => {
      if (answers) {
        reply.setHeader(ANSWERED, name);
        reply.end('');
      } else next();
    };
    Object.defineProperty(run, 'name', { value: name });
    return [name, run];
  };

  const makeController = (): Type<object> => {
    const type = { [`Controller${++count}`]: class {} }[`Controller${count}`] as Type<object>;
    const path = choose(CLASS_PATHS);
    const version = choose(VERSIONS);
    const mark = choose([undefined, undefined, undefined, RequireMfa, SkipMfa]);
    const guards = choose(GUARDS);
    for (let index = 0; index < 1 + Math.floor(chance() * 3); index++) {
      const name = `method${++count}`;
      const own = choose(METHOD_PATHS);
      const method = choose(['GET', 'GET', 'POST', 'HEAD', 'ALL'] as const);
      const id = `${type.name}.${name}`;
      Object.defineProperty(type.prototype, name, {
        configurable: true,
        writable: true,
        value: (reply: Reply): void => {
          if (reply.header) reply.header(ANSWERED, id);
          else reply.setHeader(ANSWERED, id);
          if (reply.send) reply.send('');
          else reply.end('');
        },
      });
      const descriptor = Object.getOwnPropertyDescriptor(type.prototype, name) as PropertyDescriptor;
      Res()(type.prototype, name, 0);
      VERBS[method](own as string)(type.prototype, name, descriptor);
      const ownMark = choose([undefined, undefined, RequireMfa, SkipMfa]);
      const ownGuards = choose(GUARDS);
      const ownVersion = choose([undefined, undefined, undefined, '2'] as const);
      if (ownGuards.length > 0) UseGuards(...ownGuards)(type.prototype, name, descriptor);
      if (ownVersion) Version(ownVersion)(type.prototype, name, descriptor);
      if (chance() < 0.2) UseInterceptors(PassingInterceptor)(type.prototype, name, descriptor);
      ownMark?.()(type.prototype, name, descriptor);
      const locals = [path].flat().flatMap((above) => [own].flat().map((below) => joined(above, below)));
      handlers.set(id, { method, locals });
      log.push(
        `${id} ${method} ${locals.join()} ${ownMark?.name ?? ''} ${ownGuards.map((one) => one.name).join()} ${ownVersion ?? ''}`,
      );
    }
    if (guards.length > 0) UseGuards(...guards)(type);
    mark?.()(type);
    Controller({ path: path as string, ...(version !== undefined && { version: version as string }) })(type);
    log.push(`${type.name} ${mark?.name ?? ''} ${guards.map((one) => one.name).join()} ${[version].flat().map(String).join()}`);
    return type;
  };

  const controllers = Array.from({ length: 1 + Math.floor(chance() * 3) }, makeController);
  const versioning = choose(['none', 'none', 'uri', 'uri default', 'header', 'header default'] as const);
  const prefix = choose(['', '', 'api', 'api/v1']);
  const excluded = [...handlers.values()].flatMap(({ locals }) => locals).filter(() => chance() < 0.2);
  const module = { [`Host${seed}`]: class {} }[`Host${seed}`] as Type<object>;
  const applied = Array.from({ length: Math.floor(chance() * 3) }, () => choose(['class', 'function'] as const));
  Object.assign(module.prototype, {
    configure(consumer: MiddlewareConsumer): void {
      for (const kind of applied) {
        const [name, run] = made(chance() < 0.15);
        const place = choose(['*path', 'a', 'x', { path: 'a/b', method: RequestMethod.GET }, controllers[0] as Type<object>]);
        const type = { [name]: class {} }[name] as Type<{ use: unknown }>;
        if (kind === 'class') type.prototype.use = run;
        consumer.apply(kind === 'class' ? type : run).forRoutes(place as string);
        // Nest mounts it once for each path, and names only classes.
        if (kind === 'class') expectRow(`* (${name}`);
        else expectRow('* (anonymous');
        log.push(`apply ${kind} ${name} ${typeof place === 'function' ? place.name : JSON.stringify(place)}`);
      }
    },
  });
  const throws = chance() < 0.3;
  const user = (): null => {
    if (throws) throw new Error('planned');
    return null;
  };
  Module({
    imports: [MfaModule.forRoot({ mfa, user, session: false, loginUrl: '/login', isGlobal: true })],
    controllers,
    providers: given.everywhere ? [{ provide: APP_GUARD, useClass: MfaGuard }] : [],
  })(module);

  const app = await NestFactory.create<INestApplication>(module, given.adapter() as never, {
    logger: false,
    abortOnError: false,
  });
  const instance = app.getHttpAdapter().getInstance() as Fastify;
  const addBeside = async (): Promise<void> => {
    for (let index = 0; index < Math.floor(chance() * 3); index++) {
      const [name, run] = made(chance() < 0.3);
      switch (choose(['use', 'use', 'route', 'plugin', 'hook'] as const)) {
        case 'use': {
          const place = choose(PLACES);
          if (place === '/') app.use(run);
          else app.use(place, run);
          expectRow(`USE ${place} (${given.platform === 'express' ? name : ''}`);
          log.push(`use ${place} ${name}`);
          break;
        }
        case 'route': {
          const place = choose(ROUTE_PATHS);
          const method = choose(['get', 'post', 'head', 'all'] as const);
          const answer = (_request: object, reply: Reply): void => {
            if (reply.header) reply.header(ANSWERED, name);
            else reply.setHeader(ANSWERED, name);
            if (reply.send) reply.send('');
            else reply.end('');
          };
          if (given.platform === 'fastify' && chance() < 0.5) {
            instance.get(place, { constraints: { version: '9' } }, answer);
            expectRow(`GET ${place} {"version":"9"}`);
          } else {
            app.getHttpAdapter()[method](place, answer as never);
            expectRow(`${method.toUpperCase()} ${place}`);
          }
          log.push(`route ${method} ${place} ${name}`);
          break;
        }
        case 'plugin': {
          if (given.platform === 'express') break;
          const below = choose(['/p', '/a', '/api', '/']);
          const plugin = async (child: Fastify): Promise<void> => {
            const answerAs =
              (by: string) => async (_request: object, reply: { header(name: string, value: string): unknown }) => {
                reply.header(ANSWERED, by);
                return '';
              };
            child.get('/in-plugin', answerAs(name));
            const row = `USE ${below} (not-found handler)`;
            if (chance() < 0.5) {
              child.setNotFoundHandler(answerAs(`${name} 404`));
              // Nest may replace it in turn.
              if (below === '/') rowOf.set(`${name} 404`, row);
              else expectRow(row);
            }
            if (chance() < 0.5) {
              const path = `/${choose(['a', 'b', 'a/b'])}`;
              child.get(path, { constraints: { version: '9' } }, answerAs(`${name} 9`));
              expectRow(`GET ${below === '/' ? '' : below}${path} {"version":"9"}`);
            }
          };
          void instance.register(plugin, { prefix: below });
          expectRow(`GET ${below === '/' ? '' : below}/in-plugin`);
          log.push(`plugin ${below} ${name}`);
          break;
        }
        case 'hook': {
          if (given.platform === 'express') break;
          const kind = choose(['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const);
          const answers = chance() < 0.2;
          const hook = async (
            _request: object,
            reply: { header(name: string, value: string): { send(body: string): unknown } },
          ) => (answers ? reply.header(ANSWERED, name).send('') : undefined);
          Object.defineProperty(hook, 'name', { value: name });
          instance.addHook(kind, hook);
          expectRow(`USE / (${kind}: ${name}`);
          log.push(`hook ${kind} ${name}`);
          break;
        }
      }
    }
  };

  if (versioning.startsWith('uri')) {
    app.enableVersioning({ type: VersioningType.URI, ...(versioning.endsWith('default') && { defaultVersion: '1' }) });
  } else if (versioning.startsWith('header')) {
    app.enableVersioning({
      type: VersioningType.HEADER,
      header: 'x-version',
      ...(versioning.endsWith('default') && { defaultVersion: '1' }),
    });
  }
  app.setGlobalPrefix(prefix, { exclude: excluded });
  log.push(`prefix ${prefix} without ${excluded.join()}, versions ${versioning}${throws ? ', user() throws' : ''}`);
  let connection: { ask: Ask; close(): Promise<void> };
  try {
    await addBeside();
    const guarding = choose(['never', 'never', 'never', 'before', 'after'] as const);
    log.push(`useGlobalGuards ${guarding}`);
    if (guarding === 'before') app.useGlobalGuards(app.get(MfaGuard));
    await app.init();
    if (guarding === 'after') app.useGlobalGuards(app.get(MfaGuard));
    await addBeside();
    connection = await given.connect(app);
  } catch (error) {
    await app.close().catch(() => undefined);
    // Fastify refuses a second route at the same place.
    if (/already (declared|set)|FST_ERR_DUPLICATED_ROUTE/.test(String(error))) return undefined;
    throw error;
  }
  try {
    const report = mfaCoverage(app);
    const fail = (why: string): never => {
      const table = report.routes.map((one) => `${one.status} ${one.route}`);
      throw new Error([`seed ${seed}: ${why}`, ...log, '', ...table].join('\n'));
    };
    checkRows(report, rows, fail);
    const names = ['', '/', '/x', '/a/b', '/a-7', '/x/7', '/a/b/a', '/in-plugin', '/p/none', '/a/none', '/api/none'];
    const samples = [...handlers.values()].flatMap(({ locals }) =>
      locals.map((one) => one.replace(/:\w+/g, '7').replace('*', 'q')),
    );
    const above = ['', ...new Set(['', '/v1', '/v2'].map((one) => joined('', prefix) + one))];
    const asked = Array.from({ length: 40 }, () => ({
      method: choose(['GET', 'GET', 'GET', 'POST', 'HEAD', 'PATCH']),
      path: `${choose(above)}${choose(chance() < 0.7 ? samples : names)}`,
      headers: choose<Record<string, string>>([{}, {}, { 'x-version': '1' }, { 'x-version': '2' }, { 'x-version': '9' }]),
    }));
    let [answered, handled] = [0, 0];
    for (const { method, path, headers } of asked) {
      const by = await connection.ask(method, path, headers);
      if (by === undefined) continue;
      answered++;
      const handler = handlers.get(by);
      const row = rowOf.get(by);
      if (row !== undefined && !report.routes.some(({ route }) => route === row)) fail(`${by} has no row ${row}`);
      if (!handler) continue;
      handled++;
      const own = report.routes.filter(({ route }) => {
        const [verb, text = ''] = route.split(' ');
        return (
          verb === handler.method &&
          !route.endsWith(')') &&
          handler.locals.some((local) => text.replace(/\{\*\w+\}$/, '*').endsWith(local)) &&
          matches(text, path)
        );
      });
      if (own.length === 0) fail(`${method} ${path} was answered by ${by}, which has no row`);
      if (own.every(({ status }) => status === 'guarded'))
        fail(`${method} ${path} was answered by ${by}, which is called guarded`);
    }
    const verdicts = report.routes.filter(({ route }) => !route.endsWith(')'));
    const beside = [...rows.keys()];
    const needless = verdicts.filter(({ route, status }) => status === 'unknown' && !beside.includes(route));
    return {
      answered,
      handled,
      guarded: report.routes.filter(({ status }) => status === 'guarded').length,
      verdicts: verdicts.length,
      needless: given.everywhere ? needless.map(({ route, why }) => `seed ${seed}: ${route}: ${why}`) : [],
    };
  } finally {
    await connection.close();
  }
}

/** Every function of the host needs a row that is not guarded. */
function checkRows({ routes }: CoverageReport, rows: ReadonlyMap<string, number>, fail: (why: string) => never): void {
  for (const [text, count] of rows) {
    const found = routes.filter(({ route, status }) => {
      if (status === 'guarded') return false;
      return text.startsWith('* ') ? route.includes(text.slice(1)) : route.startsWith(text);
    });
    const needed = text.startsWith('USE ') || text.startsWith('* ') ? count : 1;
    if (found.length < needed) fail(`${found.length} instead of ${needed} rows for ${text}`);
  }
}

/** Asks an application without a socket. */
export async function connectInProcess(app: INestApplication): Promise<{ ask: Ask; close(): Promise<void> }> {
  const { ready, inject } = app.getHttpAdapter().getInstance() as Partial<Fastify>;
  if (ready && inject) {
    const fastify = app.getHttpAdapter().getInstance() as Fastify;
    await fastify.ready();
    const ask: Ask = async (method, url, headers) => {
      const answer = await fastify.inject({ method, url: url === '' ? '/' : url, headers });
      return answer.headers[ANSWERED];
    };
    return { ask, close: () => app.close() };
  }
  const server = app.getHttpServer() as { emit(event: string, ...given: object[]): unknown };
  const ask: Ask = (method, path, headers) =>
    new Promise((resolve) => {
      const socket = new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() }) as unknown as Socket;
      const request = new IncomingMessage(socket);
      Object.assign(request, { method, url: path, headers: { host: 'localhost', ...headers } });
      request.push(null);
      const response = new ServerResponse(request);
      response.assignSocket(socket);
      response.once('finish', () => resolve(response.getHeader(ANSWERED) as string | undefined));
      server.emit('request', request, response);
    });
  return { ask, close: () => app.close() };
}

/** Asks an application over a socket. */
export async function connectBySocket(app: INestApplication): Promise<{ ask: Ask; close(): Promise<void> }> {
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as { port: number };
  const ask: Ask = async (method, path, headers) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers });
    await answer.arrayBuffer();
    return answer.headers.get(ANSWERED) ?? undefined;
  };
  return {
    ask,
    close: async () => {
      app.getHttpServer().closeAllConnections();
      await app.close();
    },
  };
}

interface Fastify {
  get(path: string, ...given: unknown[]): unknown;
  register(plugin: (child: Fastify) => Promise<void>, options: object): unknown;
  addHook(name: string, hook: unknown): unknown;
  setNotFoundHandler(handler: unknown): unknown;
  ready(): Promise<unknown>;
  inject(request: object): Promise<{ headers: Record<string, string | undefined> }>;
}

function joined(above: string, below: string): string {
  return [above, below].map((part) => (part === '' ? '' : `/${part}`)).join('');
}

/** Whether a printed path may match the path of a request. */
function matches(text: string, path: string): boolean {
  const source = text
    .replace(/\/$/, '')
    .replace(/\/?\{\*\w*\}$|\/?\*\w*$/, '(/.*)?')
    .replace(/:\w+/g, '[^/]+');
  return new RegExp(`^${source}/?$`).test(path) || (text === '/' && path === '');
}

/** The same choices for the same seed. */
function chances(seed: number): { choose: Choose; chance: () => number } {
  let state = seed >>> 0;
  const chance = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  return { chance, choose: (from) => from[Math.floor(chance() * from.length)] as (typeof from)[number] };
}
