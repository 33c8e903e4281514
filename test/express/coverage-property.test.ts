import { createServer, request as httpRequest, IncomingMessage, ServerResponse } from 'node:http';
import { type AddressInfo, Socket } from 'node:net';
import { expressMfa } from '@mfa-kit/express';
import { mfaCoverage } from '@mfa-kit/express/coverage';
import type express5 from 'express';
import type { ErrorRequestHandler, Express, IRouter, Request, RequestHandler, Response } from 'express';
import { expect, it } from 'vitest';
import { createFixture } from '../support/core-fixture.js';
import { fc } from '../support/fast-check.js';
import { ROUNDS } from '../support/proof.js';
import { watchWarnings } from '../support/warnings.js';
import { versions } from './host.js';

/** What is in a route or mounted: a guard, a function that obeys the orders of the request, one for errors. */
type Piece = 'guard' | 'fresh' | 'except' | 'function' | 'error-handler';
type Method = 'get' | 'post' | 'put' | 'head' | 'options' | 'all';
type Entry =
  | { kind: 'route'; parts: { method: Method; pieces: Piece[] }[]; path: number }
  | { kind: 'use'; path: number; piece: Piece }
  | { kind: 'mount'; path: number; entries: Entry[]; settings: Settings }
  | { kind: 'application'; path: number; entries: Entry[]; settings: Settings };
interface Settings {
  sensitive: boolean;
  strict: boolean;
  /** A callback of `param()`. */
  param: boolean;
}
/** Where a guard is added: nowhere, before everything, or first in each route; then error handlers stand only at the end. */
type Guarding = 'as drawn' | 'in front' | 'in each route';

const COMMON = [
  ...['/', '/', '/', '/a', '/a', '/A', '/a/', '/b', '/a/b', '/b/a', '/c', '/:id', '/:id/', '/:id/b', '/a/:id', '/:id/:name'],
  ...[
    ['/', '/a'],
    ['/a', '/b/:id'],
    ['/b', '/'],
    ['/a', /^\/b/i],
  ],
  ...[/^\/a/, /^\/a/i, /^\/a\/?(?=\/|$)/, /.*/, /^\/(?<id>[^/]+)$/, /^\/[ab]\b/g],
];
const PATHS = {
  4: [...COMMON, '*', '/a/*', '/*', '/a/:id?', '/a/:id(\\d+)', '/a|/b', '/ab?', '/a/?b', '/a/*w', '/:id([a-z])', '/a/(b)?'],
  5: [...COMMON, '/*w', '/a/*w', '/{*w}', '/a{/*w}', '/a{/b}', '/a/{*w}', '/a/{:id}', '/x-:id', '/:id/*w'],
};
const EXCEPTIONS = ['/a', '/b/', '/a/b', '/login'];
const ASKED = [
  ...[
    '/',
    '//',
    '/a',
    '/A',
    '/a/',
    '/a//',
    '/b',
    '/b/',
    '//b',
    '/a/b',
    '/a/B/',
    '/A/b',
    '/a//b',
    '//a/b',
    '/a/b//',
    '/b/a',
    '/a/1',
  ],
  ...[
    '/1',
    '/1/',
    '/1/b',
    '/1//b',
    '/1/2',
    '/a/a/b',
    '/a/b/b',
    '/a/b/c/d',
    '/ab',
    '/c',
    '/login',
    '/a.b/B',
    '/%61/b',
    '/a%2Fb',
    '*',
  ],
];
const ASKED_METHODS = ['GET', 'GET', 'HEAD', 'POST', 'PUT', 'OPTIONS', 'PATCH'];

const settings = fc.record({ sensitive: fc.boolean(), strict: fc.boolean(), param: fc.boolean() });
const { entries } = fc.letrec<{ entries: Entry[]; entry: Entry }>((tie) => {
  const piece = fc.constantFrom<Piece>('guard', 'guard', 'fresh', 'except', 'function', 'function', 'function', 'error-handler');
  const path = fc.nat(999);
  const method = fc.constantFrom<Method>('get', 'get', 'get', 'post', 'put', 'head', 'options', 'all', 'all');
  const part = fc.record({ method, pieces: fc.array(piece, { minLength: 1, maxLength: 3 }) });
  const route = fc.record({ kind: fc.constant('route' as const), path, parts: fc.array(part, { minLength: 1, maxLength: 2 }) });
  const use = fc.record({ kind: fc.constant('use' as const), path, piece });
  const inner = { path, entries: tie('entries'), settings };
  const mount = fc.record({ kind: fc.constant('mount' as const), ...inner });
  const application = fc.record({ kind: fc.constant('application' as const), ...inner });
  return {
    entry: fc.oneof(
      { depthSize: 'small' },
      { arbitrary: route, weight: 4 },
      { arbitrary: use, weight: 5 },
      { arbitrary: mount, weight: 3 },
      { arbitrary: application, weight: 1 },
    ),
    entries: fc.array(tie('entry'), { minLength: 1, maxLength: 6 }),
  };
});
const orders = fc.array(fc.constantFrom('n', 'n', 'e', 'r', 'R'), { minLength: 1, maxLength: 6 });

// A kit for all applications, because it warns once of each mistake.
watchWarnings();
const kit = expressMfa(createFixture().mfa, {
  user: ({ headers }) => {
    if (headers['x-user'] === 'fails') throw new Error('the store of users is down');
    return null;
  },
  session: false,
  loginUrl: '/login',
});

/** Builds the application. Each function that answers names the rows of the report that may list it. */
function build(
  express: typeof express5,
  given: { version: 4 | 5; top: Entry[]; settings: Settings; guarding: Guarding },
): Express {
  const { version, guarding } = given;
  let functions = 0;
  const obey = (rows: string[], [req, res, next]: Parameters<RequestHandler>, error?: unknown): void => {
    const state = req as Request & { obeyed?: number };
    const told = String(req.headers['x-orders']);
    const order = told[(state.obeyed ?? 0) % told.length];
    state.obeyed = (state.obeyed ?? 0) + 1;
    if (order === 'a' && rows.length > 0) res.set('x-rows', JSON.stringify(rows)).end();
    else if (order === 'e') next(error ?? new Error('ordered'));
    else if (order === 'r') next('route');
    else if (order === 'R') next('router');
    else next();
  };
  const named = <F extends object>(handler: F): F & { name: string } => {
    functions += 1;
    return Object.defineProperty(handler, 'name', { value: `f${functions}` }) as F & { name: string };
  };
  const made = (drawnPiece: Piece, rowsOf: (name: string) => string[]): RequestHandler | ErrorRequestHandler => {
    const piece = guarding !== 'as drawn' && drawnPiece === 'error-handler' ? 'function' : drawnPiece;
    if (piece === 'guard') return kit.requireMfa();
    if (piece === 'fresh') return kit.requireMfa({ maxAgeSeconds: 300 });
    if (piece === 'except') return kit.requireMfaExcept(EXCEPTIONS);
    if (piece === 'function') {
      const handler: RequestHandler = named((...call: Parameters<RequestHandler>) => obey(rowsOf(handler.name), call));
      return Object.defineProperty(handler, 'length', { value: 3 });
    }
    const handler: ErrorRequestHandler = (error, req, res, next) => obey(rowsOf('error-handler'), [req, res, next], error);
    return handler;
  };
  // For a mount Express 4 keeps only its regular expression, which the report shows if it cannot read back the path.
  const written = (path: unknown, mounted: boolean): string[] => {
    if (!mounted || version === 5) return [String(path)];
    const probe = express.Router().use(path as string, () => undefined) as unknown as { stack: { regexp: RegExp }[] };
    const text = String(probe.stack[0]?.regexp);
    // An expression equal to the one that Express 4 makes for `/a` is read as that path.
    if (typeof path !== 'string') return [String(path), '/a', text, text.replace(/i$/, '')];
    return [path, path.replace(/(.)\/$/, '$1'), text, text.replace(/i$/, '')];
  };
  const textOf = (prefixes: string[], paths: unknown, mounted: boolean): string[] => {
    const texts = [paths]
      .flat()
      .flatMap((path) => [...written(path, mounted), ...(Array.isArray(paths) ? written(paths, mounted) : [])]);
    const joined = prefixes.flatMap((prefix) =>
      texts.map((text) => (text === '/' ? prefix || '/' : (prefix === '/' ? '' : prefix) + text)),
    );
    // A header has limited room.
    return [...new Set(joined)];
  };
  const param = (router: IRouter, rows: string[] | undefined): void => {
    const callback = named((...call: Parameters<RequestHandler>) => obey(rows ?? [`PARAM :id (${callback.name})`], call));
    router.param('id', (req, res, next) => callback(req, res, next));
    const kept = router as unknown as { params?: object; _router?: { params: object }; router?: { params: object } };
    const params = (version === 4 && '_router' in router ? kept._router : 'settings' in router ? kept.router : kept) as {
      params: { id: object[] };
    };
    Object.defineProperty(params.params.id.at(-1), 'name', { value: callback.name });
  };
  /** `rows` are given below an application of its own, which is one row for the report. */
  const fill = (router: IRouter, list: Entry[], { prefixes, rows: fixed }: { prefixes: string[]; rows?: string[] }): void => {
    for (const entry of list) {
      const path = PATHS[version][entry.path % PATHS[version].length] as string;
      const texts = textOf(prefixes, path, entry.kind !== 'route');
      if (entry.kind === 'route') {
        const route = router.route(path);
        for (const { method, pieces } of entry.parts) {
          const rows = texts.flatMap((text) => [`${method.toUpperCase()} ${text}`, `ALL ${text}`]);
          const all = guarding === 'in each route' ? (['guard', ...pieces] as const) : pieces;
          route[method](...(all.map((piece) => made(piece, () => fixed ?? rows)) as RequestHandler[]));
        }
      } else if (entry.kind === 'use') {
        router.use(
          path,
          made(entry.piece, (name) => fixed ?? (name === 'error-handler' ? [] : texts.map((text) => `USE ${text} (${name})`))),
        );
      } else if (entry.kind === 'mount') {
        const nested = express.Router({ caseSensitive: entry.settings.sensitive, strict: entry.settings.strict });
        if (entry.settings.param) param(nested, fixed);
        fill(nested, entry.entries, { prefixes: texts, rows: fixed });
        router.use(path, nested);
      } else {
        const application = express();
        set(application, entry.settings);
        fill(application, entry.entries, { prefixes: [], rows: fixed ?? texts.map((text) => `USE ${text} (sub-app)`) });
        router.use(path, application);
      }
    }
  };
  const set = (app: Express, { sensitive, strict }: Settings): void => {
    if (sensitive) app.enable('case sensitive routing');
    if (strict) app.enable('strict routing');
  };
  const app = express();
  set(app, given.settings);
  if (guarding === 'in front') app.use(kit.requireMfa());
  if (given.settings.param) {
    app.use(named((_req: Request, _res: Response, next: () => void) => next()));
    param(app, undefined);
  }
  fill(app, given.top, { prefixes: [''] });
  return app;
}

interface Asked {
  method: string;
  path: string;
  orders: string;
  user: string;
}

/** Gives a request to the application without a connection. Returns the rows of the function that answered. */
function inject(app: Express, { method, path, orders: told, user }: Asked): Promise<string[] | null> {
  return new Promise((resolve) => {
    const req = new IncomingMessage(new Socket());
    Object.assign(req, { method, url: path, headers: { 'x-orders': told, 'x-user': user }, complete: true });
    req.push(null);
    const res = new ServerResponse(req);
    res.end = () => {
      const rows = res.getHeader('x-rows');
      resolve(typeof rows === 'string' ? (JSON.parse(rows) as string[]) : null);
      return res;
    };
    (app as unknown as (req: Request, res: Response, next: () => void) => void)(req as Request, res as Response, () =>
      resolve(null),
    );
  });
}

async function send(port: number, { method, path, orders: told, user }: Asked): Promise<string[] | null> {
  return new Promise((resolve, reject) => {
    const headers = { 'x-orders': told, 'x-user': user };
    const sent = httpRequest({ host: '127.0.0.1', port, method, path, headers, maxHeaderSize: 1_048_576 }, (answer) => {
      answer.resume();
      const rows = answer.headers['x-rows'];
      answer.once('end', () => resolve(typeof rows === 'string' ? (JSON.parse(rows) as string[]) : null));
    });
    sent.once('error', reject);
    sent.end();
  });
}

/** Express 4 does not keep the text of a mount, so rows are compared without the parts that it cannot distinguish. */
const normal = (row: string): string => row.replace(/:\w+(\([^)]*\))?\??/g, ':id').replace(/ #\d+\)$/, ')');

/** A request matches only some of a list of paths, and some of the rows of its methods. */
function mayBe(row: string, { path, method }: Asked): boolean {
  const [name = '', text = ''] = row.split(' ');
  if (name === 'USE' || name === 'PARAM') return true;
  if (name !== 'ALL' && name !== method && !(method === 'HEAD' && name === 'GET')) return false;
  if (!/^[\w/]+$/.test(text)) return true;
  const plain = (one: string): string =>
    one
      .toLowerCase()
      .replace(/\/{2,}/g, '/')
      .replace(/(.)\/$/, '$1');
  return plain(text) === plain(path);
}

function isExcepted(path: string): boolean {
  const plain = (one: string): string => one.replace(/\/{2,}/g, '/').replace(/(.)\/$/, '$1');
  return EXCEPTIONS.some((one) => plain(one) === plain(path));
}

const counts = { applications: 0, requests: 0, answered: 0, rows: 0, guarded: 0, routes: 0, unknown: 0 };

/** Asks, and compares each answer with what the report says of its row. */
async function examine(app: Express, asked: Asked[], ask: (one: Asked) => Promise<string[] | null>): Promise<void> {
  const { routes } = mfaCoverage(app);
  counts.applications += 1;
  counts.rows += routes.length;
  counts.guarded += routes.filter(({ status }) => status === 'guarded').length;
  for (const one of asked) {
    const rows = await ask(one);
    counts.requests += 1;
    if (!rows) continue;
    counts.answered += 1;
    const met = rows.filter((row) => mayBe(row, one)).map(normal);
    const found = routes.filter(({ route }) => met.includes(normal(route)));
    const says = `${JSON.stringify(one)} reached ${rows.join(' or ')}`;
    if (found.length === 0) throw new Error(`${says}, which has no row:\n${JSON.stringify(routes, null, 1)}`);
    const right = found.some(
      ({ status }) => status === 'open' || status === 'unknown' || (status === 'skipped' && isExcepted(one.path)),
    );
    if (!right) throw new Error(`${says}, which is ${JSON.stringify(found)}`);
  }
  // What a team mounts before the guard is for it to allow, so only routes count.
  const judged = routes.filter(({ route }) => !/^(USE|PARAM) /.test(route));
  counts.routes += judged.length;
  counts.unknown += judged.filter(({ status }) => status === 'unknown').length;
}

/** The requests for one application: each path by two methods, with the given orders and without any; sometimes no user can be found. */
function requestsFor(orders: readonly (readonly string[])[], methods: string[]): Asked[] {
  return ASKED.flatMap((path, index) =>
    orders.map((some, turn) => ({
      method: methods[(index + turn) % methods.length] ?? 'GET',
      path,
      // The functions that pass on before the one that answers.
      orders: `${some.join('')}a`,
      user: (index + turn) % 2 === 0 ? 'fails' : 'nobody',
    })),
  );
}

/** In `npm run prove` another one each time, printed with the figures. */
const SEED = fc.readConfigureGlobal().seed ?? Date.now() % 2 ** 31;
const RUNS = Number(process.env.COVERAGE_RUNS ?? (ROUNDS === 2 ? 300 : 1_000 * ROUNDS));
const drawn = fc.record({
  top: entries,
  settings,
  told: fc.tuple(fc.constant([] as string[]), fc.constant(['n']), fc.constant(['n', 'n']), orders, orders),
  methods: fc.shuffledSubarray(ASKED_METHODS, { minLength: 3 }),
});
const settle = (): void =>
  void Object.assign(counts, { applications: 0, requests: 0, answered: 0, rows: 0, guarded: 0, routes: 0, unknown: 0 });

it.each(versions)(
  'T31: reports nothing as guarded that somebody who is not logged in reaches, on Express $version',
  async ({ version, express }) => {
    settle();
    const property = fc.asyncProperty(drawn, async ({ told, methods, ...rest }) => {
      const app = build(express, { version, guarding: 'as drawn', ...rest });
      await examine(app, requestsFor(told, methods), (one) => inject(app, one));
    });
    await fc.assert(property, { numRuns: RUNS, seed: SEED });
    if (ROUNDS !== 2) console.log(`Express ${version}, seed ${SEED}: ${JSON.stringify(counts)}`);
    // The property did not hold only because nothing was reached or guarded.
    expect(counts.answered / counts.requests).toBeGreaterThan(0.05);
    expect(counts.guarded / counts.rows).toBeGreaterThan(0.1);
  },
  RUNS * 1000 + 120_000,
);

it.each(versions)(
  'T31: reports nothing as guarded that such a request reaches over a connection, on Express $version',
  async ({ version, express }) => {
    const property = fc.asyncProperty(drawn, async ({ told, methods, ...rest }) => {
      const app = build(express, { version, guarding: 'as drawn', ...rest });
      const server = createServer(app);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as AddressInfo;
      try {
        await examine(app, requestsFor(told.slice(0, 2), methods), (one) => send(port, one));
      } finally {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    });
    await fc.assert(property, { numRuns: ROUNDS === 2 ? 3 : 50, seed: SEED });
  },
  600_000,
);

it.each(versions)(
  'calls almost no route unknown if the guard is where it belongs, on Express $version',
  async ({ version, express }) => {
    for (const guarding of ['in front', 'in each route'] as const) {
      settle();
      const property = fc.asyncProperty(drawn, async ({ told, methods, ...rest }) => {
        const app = build(express, { version, guarding, ...rest });
        await examine(app, requestsFor(told, methods), (one) => inject(app, one));
      });
      await fc.assert(property, { numRuns: Math.ceil(RUNS / 10), seed: SEED });
      if (ROUNDS !== 2) console.log(`Express ${version}, seed ${SEED}, guard ${guarding}: ${JSON.stringify(counts)}`);
      expect(counts.unknown / counts.routes).toBeLessThan(0.01);
    }
  },
  RUNS * 1000 + 120_000,
);
