import { kitHandler } from '../marks.js';

/** A handler as a router keeps it. */
export interface Handler {
  (...given: never[]): unknown;
  /** Set on a nested router. */
  stack?: unknown;
}

/** One entry of a router, as Express 4 and 5 keep it. */
export interface Layer {
  handle: Handler;
  route?: Route;
  /** Express 5: mounted at `/`. */
  slash?: boolean;
  /** Express 5 with router 2.3.0 or later: what the host wrote. */
  rawPath?: unknown;
  /** Express 4. */
  regexp?: RegExp & { fast_slash?: boolean; fast_star?: boolean };
  keys?: readonly (string | { name: string | number })[];
  match(path: string): unknown;
  /** What `match` matched; router 2.3.0 returns it instead. */
  path?: string;
}

/** The handlers of one path. */
export interface Route {
  path: unknown;
  stack: readonly { handle: Handler; method?: string }[];
  methods: Readonly<Record<string, boolean>>;
}

/** The router of an application, or a nested one. */
export interface Router {
  stack: readonly Layer[];
  /** The callbacks of `param()`. */
  params: Readonly<Record<string, readonly Handler[]>>;
  caseSensitive?: boolean;
}

/** The router of an application, or the router itself; null for anything else. */
export function routerOf(app: unknown): Router | null {
  if (typeof app !== 'function') return null;
  if (isRouter(app)) return app;
  // Reading `router` throws in Express 4, and Express 5 has no `_router`.
  const { _router: router4, lazyrouter, settings } = app as { _router?: unknown; lazyrouter?: unknown; settings?: unknown };
  if (settings === undefined) return null;
  const router: unknown = lazyrouter === undefined ? (app as { router?: unknown }).router : router4;
  if (router === undefined) return { stack: [], params: {} };
  if (!isRouter(router)) return null;
  return lazyrouter === undefined ? router : withoutFirstLayers(router);
}

/** An Express 4 application begins with two functions of Express. */
function withoutFirstLayers({ stack, params, caseSensitive = false }: Router): Router {
  const names = ['query', 'expressInit'];
  return { stack: stack.filter(({ handle }, index) => handle.name !== names[index]), params, caseSensitive };
}

/** Whether the value is a router whose entries can be read. A wrapper that copies the properties of one has no inherited `handle`. */
export function isRouter(value: unknown): value is Router & Handler {
  if (typeof value !== 'function' || !('stack' in value && Array.isArray(value.stack) && 'params' in value)) return false;
  return 'handle' in value && !Object.hasOwn(value, 'handle');
}

/** What a layer matched of a path, and its parameters. */
export interface LayerMatch {
  path: string;
  keys: NonNullable<Layer['keys']>;
}

/** Asks the layer itself whether it matches. `stateful` are its regular expressions that remember where they stopped. */
export function matchLayer(layer: Layer, path: string, stateful: readonly RegExp[]): LayerMatch | null {
  const stopped = stateful.map(({ lastIndex }) => lastIndex);
  for (const regexp of stateful) regexp.lastIndex = 0;
  try {
    const found = layer.match(path);
    if (!found) return null;
    const { path: matched, keys } = typeof found === 'object' ? (found as Layer) : layer;
    return { path: matched ?? '', keys: keys ?? [] };
  } catch {
    // A parameter that cannot be decoded. Express skips the layer.
    return null;
  } finally {
    for (const [index, regexp] of stateful.entries()) regexp.lastIndex = stopped[index] ?? 0;
  }
}

/** Whether the layer matches every path. */
export function matchesAll({ slash, regexp }: Layer): boolean {
  return slash === true || regexp?.fast_slash === true || regexp?.fast_star === true;
}

/** The paths of a layer as the host wrote them, with null for an unknown one. */
export function writtenPaths(layer: Layer): unknown[] {
  if (layer.route) return [layer.route.path].flat(Infinity);
  if (layer.regexp) return readRegexp(layer.regexp, layer.keys ?? []);
  if (layer.slash) return ['/'];
  return layer.rawPath === undefined ? [null] : [layer.rawPath].flat(Infinity);
}

/** Whether the layer is case-sensitive: all its paths, or some of them. */
export function caseOf(layer: Layer, router: Router): 'ignored' | 'sensitive' | 'mixed' {
  if (matchesAll(layer)) return 'ignored';
  const written = layer.regexp ? [layer.regexp] : writtenPaths(layer);
  const sensitive = written.map((path) => (path instanceof RegExp ? !path.flags.includes('i') : router.caseSensitive === true));
  if (!sensitive.includes(true)) return 'ignored';
  return sensitive.includes(false) ? 'mixed' : 'sensitive';
}

/** The regular expressions of a layer that match or not depending on what they matched before. */
export function statefulRegexps(layer: Layer): RegExp[] {
  if (matchesAll(layer)) return [];
  const written = layer.regexp ?? layer.rawPath;
  const all: unknown[] = Array.isArray(written) ? written : [written];
  return all.filter((path): path is RegExp => path instanceof RegExp && (path.global || path.sticky));
}

/** The name of a method as a route sees it. HEAD runs the handlers of GET, unless the route has its own. */
export function methodFor({ methods }: Route, method: string): string {
  return method === 'head' && !methods.head ? 'get' : method;
}

/** Whether a request enters the route. One by HEAD always does, also if the route then has no handler for it. */
export function entersRoute(route: Route, method: string): boolean {
  return route.methods._all === true || route.methods[methodFor(route, method)] === true || method === 'head';
}

/** The handlers of a route that run for the method. */
export function handlersFor(route: Route, method: string): Handler[] {
  const name = methodFor(route, method);
  return route.stack.filter((one) => one.method === undefined || one.method === name).map(({ handle }) => handle);
}

/** Whether the route has a guard. */
export function hasGuard({ stack }: Route): boolean {
  return stack.some(({ handle }) => kitHandler(handle)?.kind === 'guard');
}

/** The name of a function, for people. */
export function nameOf(handle: Handler): string {
  return handle.name === 'mounted_app' || 'settings' in handle ? 'sub-app' : handle.name || 'anonymous';
}

/** Express 4 keeps only the expression that it made of a mount's path. Reads back a path if the expression has exactly that form. */
function readRegexp(regexp: NonNullable<Layer['regexp']>, keys: NonNullable<Layer['keys']>): unknown[] {
  if (regexp.fast_slash) return ['/'];
  if (regexp.fast_star) return ['*'];
  if (!/^i?$/.test(regexp.flags)) return [regexp];
  const names = keys.map((key) => (typeof key === 'object' ? key.name : key));
  const written = regexp.source.split(/\|(?=\^)/).map((source) => {
    const path = /^\^((?:\\\/(?:[\w~%@-]|\\\.)+|\(\?:\\\/\(\[\^\\?\/\]\+\?\)\))*(?:\\\/\(\.\*\))?)\\\/\?\(\?=\\\/\|\$\)$/.exec(
      source,
    )?.[1];
    return path
      ?.replace('(.*)', '*')
      .replace(/\(\?:[^)]*\)\)/g, () => `/:${names.shift() ?? 'param'}`)
      .replace(/\\/g, '');
  });
  return written.includes(undefined) ? [regexp] : written.map((path) => path || '/');
}
