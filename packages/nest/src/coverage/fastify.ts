import { isDeepStrictEqual } from 'node:util';
import type { CoverageFinding } from '@mfa-kit/core/http/coverage';
import { takeOwnBodies } from '../platform/fastify.js';
import type { Place } from './paths.js';
import { asFunction, BESIDE, type Platform, type Setting } from './platform.js';

/** An instance of Fastify: the application, or a plugin in it. */
interface Fastify {
  supportedMethods: readonly string[];
  printRoutes(options: object): string;
}

/** What Fastify keeps with a route, or with a handler for requests that have no route. */
interface Context {
  server: Fastify;
  config: { url: string };
}

/** A route as Fastify's router keeps it. */
interface Route {
  method: string;
  opts: { constraints?: object };
  store: Context;
}

type Hook = (...given: never[]) => unknown;

/** The hooks that run before a handler or change an answer, also that of the guard, and the one that may replace handlers. */
const HOOKS = ['onRoute', 'onRequest', 'preParsing', 'preValidation', 'preHandler', 'preSerialization', 'onSend'] as const;

const MANY = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

const NOT_STARTED: CoverageFinding = {
  route: 'USE /<unknown>',
  status: 'unknown',
  why: 'Fastify has not loaded its plugins: await app.getHttpAdapter().getInstance().ready() first',
};

/** Reads what Fastify serves; null if its router cannot be read. */
export function readFastify(given: object, { places, own }: Setting): Platform | null {
  const fastify = given as Fastify;
  const routes = readRoutes(fastify);
  const hooks = internal<Record<string, Hook[]>>(fastify, 'fastify.hooks');
  if (!routes || !hooks) return null;
  // Fastify refuses a second route with the same method, path and constraints, so what is at the place of a controller is Nest's.
  const ofGet = new Set(routes.flatMap(({ method, store }) => (method === 'GET' ? [store] : [])));
  const isAt = ({ method, path, constraints }: Place, route: Route): boolean =>
    route.store.config.url === path &&
    route.store.server === fastify &&
    isDeepStrictEqual(route.opts.constraints ?? {}, constraints) &&
    (method === route.method ||
      (method === 'ALL' && ofGet.has(route.store)) ||
      (route.method === 'HEAD' && method === 'GET' && isAutomatic(route)));
  const others = routes.filter((route) => !isAutomatic(route) && !places.some((place) => isAt(place, route)));
  const isOwn = (hook: Hook): boolean => own.has(String(hook)) || hook === takeOwnBodies || isMiddie(hook);

  return {
    serves: (place) =>
      (place.method === 'ALL' ? MANY : [place.method]).every((method) =>
        routes.some((route) => route.method === method && isAt(place, route)),
      ),
    beside: [
      ...(internal<{ ready?: boolean }>(fastify, 'fastify.state')?.ready ? [] : [NOT_STARTED]),
      ...groupMethods(others).map((route): CoverageFinding => ({ route, status: 'open', why: BESIDE })),
      ...HOOKS.flatMap((name) =>
        (hooks[name] ?? []).filter((hook) => !isOwn(hook)).map((hook) => asFunction('/', `${name}: ${hook.name || 'anonymous'}`)),
      ),
      ...readMiddie(fastify),
      ...notFoundHandlers(fastify, fastify),
    ],
  };
}

/** Fastify shows only the text of its router. This takes the routes from the function that makes the text, which Fastify also sets. */
function readRoutes(fastify: Fastify): Route[] | undefined {
  const routes: Route[] = [];
  const texts = fastify.supportedMethods.map((method) =>
    fastify.printRoutes({
      method,
      includeMeta: true,
      get buildPrettyMeta() {
        return (route: Route) => {
          routes.push(route);
          return {};
        };
      },
      set buildPrettyMeta(_ofFastify) {},
    }),
  );
  return routes.length > 0 || texts.every((text) => !/\([A-Z]/.test(text)) ? routes : undefined;
}

/** Fastify itself adds a route for HEAD to each for GET. */
function isAutomatic({ method, store }: Route): boolean {
  return method === 'HEAD' && internal(store, 'fastify.routeByFastify') === true;
}

function groupMethods(routes: readonly Route[]): string[] {
  return [...new Set(routes.map(({ store }) => store))].flatMap((store) => {
    const same = routes.filter((route) => route.store === store);
    const methods = same.map(({ method }) => method);
    const { constraints = {} } = same[0]?.opts ?? {};
    const suffix = Object.keys(constraints).length > 0 ? ` ${JSON.stringify(constraints)}` : '';
    const names = MANY.every((name) => methods.includes(name)) ? ['ALL'] : [...new Set(methods)];
    return names.map((name) => `${name} ${store.config.url}${suffix}`);
  });
}

/** The rows of what `app.use()` mounted, and of the middleware that modules applied. */
function readMiddie(fastify: Fastify): CoverageFinding[] {
  const mounted = internal<[unknown, Hook | undefined][]>(fastify, 'fastify-middie-middlewares') ?? [];
  return mounted.flatMap(([path, handle]) => {
    if (handle) return [path].flat().map((one) => asFunction(one === '*path' ? '/' : String(one), handle.name));
    return [path].flat().map((one) => asFunction('/', (one as Hook).name));
  });
}

/** The hook that runs what `app.use()` mounted. */
function isMiddie(hook: Hook): boolean {
  return hook.name === 'runMiddie' && String(hook).includes('this[kMiddie');
}

/** The rows of the handlers that plugins set for requests that have no route. Nest sets that of the application itself. */
function notFoundHandlers(instance: Fastify, root: Fastify): CoverageFinding[] {
  const context = internal<Context>(instance, 'fastify.404ContextKey', { own: true });
  const prefix = internal<string>(instance, 'fastify.routePrefix') || '/';
  const replaced = instance === root ? context?.server !== root : context !== undefined;
  return [
    ...(replaced ? [asFunction(prefix, 'not-found handler')] : []),
    ...(internal<Fastify[]>(instance, 'fastify.children') ?? []).flatMap((child) => notFoundHandlers(child, root)),
  ];
}

/** Reads what Fastify or its plugin keeps under a symbol of its own. */
function internal<Value>(from: object | undefined, description: string, { own = false } = {}): Value | undefined {
  for (let one = from; one && one !== Object.prototype; one = own ? undefined : Object.getPrototypeOf(one)) {
    const key = Object.getOwnPropertySymbols(one).find((symbol) => symbol.description === description);
    if (key) return Reflect.get(one, key);
  }
  return undefined;
}
