import { METHODS } from 'node:http';
import type { Place } from './paths.js';
import { asFunction, BESIDE, type Platform, type Setting } from './platform.js';

/** One entry of the Express router. */
interface Layer {
  handle: Handle;
  route?: Route;
  /** Mounted at `/`. */
  slash?: boolean;
  /** What the host wrote, with router 2.3.0 or later. */
  rawPath?: unknown;
  match(path: string): unknown;
}

interface Router {
  stack?: readonly Layer[];
  /** The callbacks of `param()`. */
  params?: Readonly<Record<string, readonly Handle[]>>;
}

interface Route {
  path: unknown;
  methods: Readonly<Record<string, boolean>>;
  stack: readonly { handle: Handle; method?: string }[];
  _handlesMethod(method: string): boolean;
}

interface Handle {
  (...given: never[]): unknown;
  stack?: readonly Layer[];
}

/** Reads what Express serves; null if its router cannot be read. */
export function readExpress(app: object, { places, callbacks, prefix, own }: Setting): Platform | null {
  const { stack, params = {} } = (app as { router?: Router }).router ?? {};
  if (!stack) return null;
  // Nest copies the metadata of a method to the function that it registers.
  const isNest = ({ handle }: { handle: Handle }): boolean => Reflect.hasMetadata('path', handle) && !callbacks.has(handle);
  const serves = ({ method, path }: Place): boolean =>
    stack.some(({ route, match }, index) => {
      if (route?.path !== path || !route.stack.every(isNest)) return false;
      const methods = method === 'ALL' ? METHODS : [method];
      return methods.every((one) => route._handlesMethod(one)) && Boolean(match.call(stack[index], sampleOf(path)));
    });
  const served = new Set(places.filter(serves).map(nameOf));
  const named = new Set(places.map(nameOf));
  const afterNest = stack.slice(stack.findLastIndex(({ route }) => route?.stack.every(isNest)) + 1);
  const notFound = findNotFound(afterNest, prefix);

  const beside = stack.flatMap((layer) => {
    const { handle, route } = layer;
    if (!route) {
      if (isErrorHandler(handle) || handle === notFound || own.has(String(handle))) return [];
      if (afterNest.includes(layer) && notFoundIn(layer) === notFound && notFound) return [];
      const name = handle.name === 'mounted_app' ? 'sub-app' : handle.name;
      return pathsOf(layer).map((path) => asFunction(path, name));
    }
    return [route.path].flat(Infinity).flatMap((path) =>
      methodsOf(route).flatMap((method) => {
        const name = nameOf({ method, path: String(path) });
        const handles = new Set(route.stack.filter((one) => runsFor(one, method)).map(({ handle: one }) => one));
        return [...handles].flatMap((one) => {
          // The handler of a controller that has lost its decorators is not served, and has the name of the controller's route.
          if (one === notFound || (named.has(name) && (isNest({ handle: one }) || !served.has(name)))) return [];
          const plain = one.length < 3 || isNest({ handle: one });
          return [plain ? { route: name, status: 'open' as const, why: BESIDE } : asFunction(String(path), one.name, method)];
        });
      }),
    );
  });
  const callbacksOfParams = Object.entries(params).flatMap(([name, some]) =>
    some.map((one) => asFunction(`:${name}`, one.name, 'PARAM')),
  );
  return { serves: (place) => served.has(nameOf(place)), beside: [...beside, ...callbacksOfParams] };
}

function nameOf({ method, path }: Pick<Place, 'method' | 'path'>): string {
  return `${method} ${path}`;
}

/** A path that a request may have: `/cases/x` for `/cases/:id`. */
function sampleOf(path: string): string {
  return (
    path
      .replace(/\{[^{}]*\}/g, '')
      .replace(/[:*]\w+/g, 'x')
      .replace(/\\(.)/g, '$1') || '/'
  );
}

function methodsOf({ methods }: Route): string[] {
  const names = Object.keys(methods);
  const all = methods._all === true || METHODS.every((name) => names.includes(name.toLowerCase()));
  return all ? ['ALL'] : names.map((name) => name.toUpperCase());
}

function runsFor({ method }: { method?: string }, asked: string): boolean {
  return asked === 'ALL' || method === undefined || method === asked.toLowerCase();
}

function pathsOf({ slash, rawPath }: Layer): string[] {
  if (slash) return ['/'];
  return rawPath === undefined ? ['/<unknown>'] : [rawPath].flat(Infinity).map(String);
}

function isErrorHandler({ length, stack }: Handle): boolean {
  return length === 4 || (stack !== undefined && stack.length > 0 && stack.every(({ handle }) => isErrorHandler(handle)));
}

/** Finds the handler that Nest adds after its routes, which answers 404: in a router at the prefix, or as the last function. */
function findNotFound(afterNest: readonly Layer[], prefix: string): Handle | undefined {
  const below = prefix && afterNest.find((layer) => notFoundIn(layer) && !layer.slash && layer.match(`${prefix}/x`));
  if (below) return notFoundIn(below);
  const last = afterNest.findLast(({ route, handle }) => route !== undefined || !isErrorHandler(handle));
  return last && !last.route && last.slash && last.handle.name === '' && last.handle.length === 3 ? last.handle : undefined;
}

/** With a global prefix Nest mounts a router that has only this handler, for every path. */
function notFoundIn({ handle: { stack = [] } }: Layer): Handle | undefined {
  const [only, ...more] = stack;
  const handlers = new Set(only?.route?.stack.map(({ handle }) => handle));
  return more.length === 0 && only?.route?.path === '*path' && handlers.size === 1 ? [...handlers][0] : undefined;
}
