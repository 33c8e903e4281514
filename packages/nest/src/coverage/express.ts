import { METHODS } from 'node:http';
import { BESIDE } from './middleware.js';
import type { PlatformRoutes } from './platform.js';

/** One entry of the Express router. */
interface Layer {
  handle: Handle;
  route?: { path: unknown; methods: Readonly<Record<string, boolean>>; stack: readonly { handle: Handle }[] };
  /** Mounted at `/`. */
  slash?: boolean;
  /** What the host wrote, with router 2.3.0 or later. */
  rawPath?: unknown;
  match?(path: string): unknown;
}

interface Handle {
  (...given: never[]): unknown;
  stack?: readonly Layer[];
}

/** Reads what Express serves; null if its router cannot be read. */
export function readExpress(app: { router?: { stack?: readonly Layer[] } }): PlatformRoutes | null {
  const stack = app.router?.stack;
  if (!stack) return null;
  const found: PlatformRoutes = { served: new Set(), beside: [], functions: [], middleware: [] };
  const last = findNotFound(stack);
  for (const layer of stack) {
    const handlers = layer.route?.stack.map(({ handle }) => handle) ?? [layer.handle];
    if (handlers.every((handle) => handle === last || isErrorHandler(handle))) continue;
    if (layer.route) readRoute(layer.route, found);
    else if (!isNotFoundRouter(layer, last)) readMount(layer, found);
  }
  return found;
}

function readRoute({ path, methods, stack }: NonNullable<Layer['route']>, found: PlatformRoutes): void {
  const names = Object.keys(methods);
  const all = methods._all === true || METHODS.every((name) => names.includes(name.toLowerCase()));
  const written = all ? ['ALL'] : names.map((name) => name.toUpperCase());
  const routes = [path].flat(Infinity).flatMap((one) => written.map((name) => `${name} ${String(one)}`));
  // Nest copies the metadata of a method to the function that it registers.
  if (stack.every(({ handle }) => Reflect.hasMetadata('path', handle))) {
    for (const route of routes) found.served.add(route);
    return;
  }
  const passing = stack.find(({ handle }) => handle.length >= 3)?.handle;
  for (const route of routes) {
    if (passing) found.functions.push({ route, name: passing.name || 'anonymous' });
    else found.beside.push({ route, status: 'open', why: BESIDE });
  }
}

/** Adds a mounted function. Most of them pass requests on, but some answer. */
function readMount(layer: Layer, found: PlatformRoutes): void {
  const { handle } = layer;
  const name = handle.name === 'mounted_app' ? 'sub-app' : handle.name || 'anonymous';
  const answers = handle.length < 3 || handle.stack !== undefined || name === 'sub-app' || name === 'serveStatic';
  if (!answers && isEverywhere(layer)) {
    found.middleware.push(name);
    return;
  }
  for (const path of pathsOf(layer)) {
    if (answers) found.beside.push({ route: `USE ${path} (${name})`, status: 'unknown', why: BESIDE });
    else found.functions.push({ route: `USE ${path}`, name });
  }
}

function pathsOf({ slash, rawPath }: Layer): string[] {
  if (slash) return ['/'];
  return rawPath === undefined ? ['/<unknown>'] : [rawPath].flat(Infinity).map(String);
}

function isEverywhere(layer: Layer): boolean {
  return layer.slash === true || (Boolean(layer.match?.('/')) && Boolean(layer.match?.('/any/path')));
}

function isErrorHandler(handle: Handle): boolean {
  return handle.length === 4 || handle.stack?.every((inner) => isErrorHandler(inner.handle)) === true;
}

/** Finds the handler that Nest adds last, which answers 404. */
function findNotFound(stack: readonly Layer[]): Handle | undefined {
  const behind = stack.filter(({ route, handle }) => route !== undefined || !isErrorHandler(handle));
  const below = behind.findLast((layer) => notFoundIn(layer) !== undefined);
  if (below) return notFoundIn(below);
  const end = behind.at(-1);
  return end && !end.route && end.slash && end.handle.name === '' ? end.handle : undefined;
}

/** With a global prefix Nest mounts a router that has only this handler, for every path. */
function notFoundIn({ handle: { stack = [] } }: Layer): Handle | undefined {
  const [only, ...more] = stack;
  const handlers = new Set(only?.route?.stack.map(({ handle }) => handle));
  return more.length === 0 && only?.route?.path === '*path' && handlers.size === 1 ? [...handlers][0] : undefined;
}

function isNotFoundRouter(layer: Layer, last: Handle | undefined): boolean {
  return last !== undefined && notFoundIn(layer) === last;
}
