import { METHODS } from 'node:http';
import { type KitHandler, kitHandler } from '../marks.js';
import { joinPath, pathsOf, ROOT, type Template } from './requests.js';
import {
  caseOf,
  type Handler,
  handlersFor,
  hasGuard,
  isRouter,
  type Layer,
  matchesAll,
  matchLayer,
  type Route,
  type Router,
  statefulRegexps,
  writtenPaths,
} from './router.js';

/** A layer of a router at one mount. */
export interface Place {
  layer: Layer;
  kind: 'guard' | 'kit' | 'error-handler' | 'route' | 'router' | 'function';
  mark: KitHandler | undefined;
  /** The mounts above, then the place itself. */
  chain: readonly Place[];
  /** One for each path of the layer and of its mounts. */
  templates: readonly Template[];
  matchesAll: boolean;
  case: 'ignored' | 'sensitive' | 'mixed';
  stateful: readonly RegExp[];
  /** What is in a nested router. */
  inner: readonly Place[];
  /** The callbacks of `param()` that run before the layer. */
  callbacks: readonly { name: string; handle: Handler }[];
  /** Something in it may guard a later place, or take such a guard away. */
  matters: boolean;
}

/** Reads a router and everything mounted in it, in the order of a request. */
export function readPlaces(router: Router, mounts: readonly Place[] = []): Place[] {
  return router.stack.map((layer) => {
    const all = matchesAll(layer);
    const parents = mounts.at(-1)?.templates ?? [ROOT];
    const matching = { version: layer.regexp ? (4 as const) : (5 as const), removes: !layer.route && !all };
    const place: Place = {
      layer,
      kind: 'function',
      mark: kitHandler(layer.handle),
      chain: [],
      templates: parents.flatMap((parent) => writtenPaths(layer).map((written) => joinPath(parent, written, matching))),
      matchesAll: all,
      case: caseOf(layer, router),
      stateful: statefulRegexps(layer),
      inner: [],
      callbacks: callbacksOf(layer, router, matching),
      matters: false,
    };
    place.chain = [...mounts, place];
    place.kind = kindOf(place);
    if (place.kind === 'router') place.inner = readPlaces(layer.handle as Router & Handler, place.chain);
    const { kind, inner, callbacks } = place;
    place.matters =
      ['guard', 'kit', 'error-handler'].includes(kind) || inner.some(({ matters }) => matters) || callbacks.length > 0;
    if (layer.route) place.matters ||= hasGuard(layer.route);
    return place;
  });
}

function kindOf({ layer: { route, handle }, mark, chain }: Place): Place['kind'] {
  if (route) return 'route';
  if (mark) return mark.kind;
  if (handle.length === 4) return 'error-handler';
  const again = chain.slice(0, -1).some(({ layer }) => layer.handle === handle);
  return isRouter(handle) && !again ? 'router' : 'function';
}

/** Asks the layer for the names of its parameters. If its path cannot be read, it may have any. */
function callbacksOf(layer: Layer, { params }: Router, matching: Parameters<typeof joinPath>[2]): Place['callbacks'] {
  const names = Object.keys(params);
  if (names.length === 0) return [];
  const own = writtenPaths(layer).map((written) => joinPath(ROOT, written, matching));
  const samples = own.flatMap((template) => pathsOf(template, { depth: 0, spellings: false }));
  const met = new Set(samples.flatMap((path) => keysOf(layer, path)));
  const unread = own.some(({ understood }) => !understood);
  return names
    .filter((name) => unread || met.has(name))
    .flatMap((name) => (params[name] ?? []).map((handle) => ({ name, handle })));
}

function keysOf(layer: Layer, path: string): string[] {
  const keys = matchLayer(layer, path, statefulRegexps(layer))?.keys ?? [];
  return keys.map((key) => String(typeof key === 'object' ? key.name : key));
}

/** Every method that a route names, HEAD, and one that no route names. */
export function methodsOf(places: readonly Place[]): string[] {
  const named = new Set(['get', 'head', ...routesOf(places).flatMap((route) => (answersAll(route) ? [] : namesOf(route)))]);
  const other = METHODS.map((name) => name.toLowerCase()).find((name) => !named.has(name));
  return other === undefined ? [...named] : [...named, other];
}

/** The rows of a route: its methods as the report prints them, and those of a request that gets there. */
export function methodRows(route: Route, methods: readonly string[]): { row: string; methods: readonly string[] }[] {
  if (answersAll(route)) return [{ row: 'ALL', methods }];
  const names = namesOf(route);
  const rows = names.map((name) => ({
    row: name.toUpperCase(),
    methods: name === 'get' && !names.includes('head') ? ['get', 'head'] : [name],
  }));
  if (!route.methods._all) return rows;
  const named = rows.flatMap((one) => one.methods);
  return [...rows, { row: 'ALL', methods: methods.filter((name) => !named.includes(name)) }];
}

/** Whether `app.all` registered the same handlers for each method. */
function answersAll(route: Route): boolean {
  if (METHODS.some((name) => route.methods[name.toLowerCase()] !== true)) return false;
  const get = handlersFor(route, 'get');
  return METHODS.every((name) => {
    const handlers = handlersFor(route, name.toLowerCase());
    return handlers.length === get.length && handlers.every((handler, index) => handler === get[index]);
  });
}

function namesOf({ methods }: Route): string[] {
  return Object.keys(methods).filter((name) => name !== '_all');
}

function routesOf(places: readonly Place[]): Route[] {
  return places.flatMap(({ layer, inner }) => (layer.route ? [layer.route] : routesOf(inner)));
}
