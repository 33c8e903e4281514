import { METHODS } from 'node:http';
import type { CoverageFinding } from '@mfa-kit/core/http/coverage';
import { type Handler, isCaseSensitive, isRouter, type Layer, type Route, type Router, writtenPaths } from './layer.js';
import { type KitHandler, kitHandler } from './marks.js';
import { hasParameters, joinPath, ROOT, type RoutePath } from './path.js';
import { judge, type Place, type Standing, type Step } from './standing.js';

const EVERY_METHOD = METHODS.map((name) => name.toLowerCase());

interface Scope {
  router: Router;
  path: RoutePath;
  /** The mounts above this router. */
  mounts: readonly Layer[];
  steps: readonly Step[];
  found: CoverageFinding[];
}

/** Visits a router and everything mounted in it, in the order of a request. */
export function walkApplication(router: Router): CoverageFinding[] {
  const found: CoverageFinding[] = [];
  walkRouter({ router, path: ROOT, mounts: [], steps: [], found });
  return found;
}

/** Returns the steps that every request has passed when it leaves the router. */
function walkRouter(scope: Scope): Step[] {
  const from = scope.steps.length;
  const steps = [...scope.steps];
  const lasting: Step[] = [];
  let first = true;
  for (const layer of scope.router.stack) {
    const inner = writtenPaths(layer).flatMap((written) => {
      const matching = {
        withSubpaths: !layer.route,
        sensitive: isCaseSensitive(layer, scope.router),
        version: layer.regexp ? (4 as const) : (5 as const),
        atRoot: layer.regexp?.fast_slash === true,
      };
      return walkLayer({ ...scope, steps }, layer, { path: joinPath(scope.path, written, matching), from });
    });
    steps.push(...inner);
    // Only leading guards count, because next('router') in any other handler skips what comes after it.
    first &&= inner.length > 0 && inner.every((step) => step.kind === 'guard');
    if (first) lasting.push(...inner);
  }
  return steps.slice(from).some((step) => step.kind === 'error-handler') ? [] : lasting;
}

/** Returns the steps of this layer that every later request has passed. */
function walkLayer(scope: Scope, layer: Layer, { path, from }: { path: RoutePath; from: number }): Step[] {
  const { handle, route } = layer;
  const chain = [...scope.mounts, layer];
  // A callback of router.param() may answer, or skip the layer by next('route').
  const loads = Object.keys(scope.router.params).length > 0 && hasParameters(path);
  const early: Step[] = loads ? [{ kind: 'early', why: 'a callback of param() runs before the guard' }] : [];
  const inside = { ...scope, steps: [...scope.steps, ...early] };
  if (route) {
    walkRoute(inside, route, { path, chain });
    return loads ? [] : routeGuards(route, path);
  }
  const mark = kitHandler(handle);
  if (mark?.kind === 'kit') {
    scope.found.push({ route: `USE ${path.text} (mfa-kit)`, status: 'skipped', why: 'the endpoints of the kit' });
    return [{ kind: 'kit', chain }];
  }
  if (mark) return loads ? [] : [{ kind: 'guard', path, open: mark.open, holds: () => true }];
  if (handle.length === 4) return [{ kind: 'error-handler', path, from }];
  if (isRouter(handle) && !scope.mounts.some((mount) => mount.handle === handle)) {
    const lasting = walkRouter({ ...inside, router: handle, path, mounts: chain });
    return loads ? [] : lasting;
  }
  walkMiddleware(inside, handle, { path, chain });
  return [];
}

function walkRoute({ steps, found }: Scope, route: Route, { path, chain }: Omit<Place, 'method'>): void {
  for (const { method, handlers } of methodsOf(route)) {
    const standings = standingsOf(handlers, steps, { path, method, chain });
    for (const standing of standings) found.push({ route: `${method} ${path.text}`, ...standing });
  }
}

/** The handlers of a route by method; one entry `ALL` if `app.all` registered the same handlers for every method. */
function methodsOf(route: Route): { method: string; handlers: readonly Handler[] }[] {
  const get = handlersFor(route, 'get');
  const same = EVERY_METHOD.every((name) => route.methods[name] === true && isSame(handlersFor(route, name), get));
  if (same) return [{ method: 'ALL', handlers: get }];
  return Object.keys(route.methods).map((name) => {
    if (name === '_all') return { method: 'ALL', handlers: handlersFor(route, undefined) };
    return { method: name.toUpperCase(), handlers: handlersFor(route, name) };
  });
}

function isSame(some: readonly Handler[], others: readonly Handler[]): boolean {
  return some.length === others.length && some.every((handler, index) => handler === others[index]);
}

/** Decides for each handler of a route whether it is guarded. A guard in the route counts for the handlers after it. */
function standingsOf(handlers: readonly Handler[], before: readonly Step[], place: Place): Standing[] {
  const steps = [...before];
  const standings: Standing[] = [];
  for (const [index, handler] of handlers.entries()) {
    const mark = kitHandler(handler);
    if (mark?.kind === 'guard') steps.push({ kind: 'guard', path: whole(place.path), open: mark.open, holds: () => true });
    else if (handler.length === 4) steps.push({ kind: 'error-handler', path: whole(place.path), from: before.length });
    else if (!mark) {
      const standing = judge(steps, place);
      const guardFollows = handlers.slice(index + 1).some((later) => kitHandler(later)?.kind === 'guard');
      const late = standing.status === 'open' && guardFollows;
      standings.push(late ? { status: 'unknown', why: `${nameOf(handler)} runs before the guard` } : standing);
    }
  }
  return standings;
}

/** A path that covers any place. */
function whole(path: RoutePath): RoutePath {
  return { ...path, segments: [], literal: true, withSubpaths: true, caseSensitive: 'no' };
}

/** A route whose first handler is a guard also guards later routes of the same path, for the methods that reach it. */
function routeGuards(route: Route, path: RoutePath): Step[] {
  const guardOf = (name: string | undefined): KitHandler | undefined => {
    const [first] = handlersFor(route, name);
    const mark = first && kitHandler(first);
    return mark?.kind === 'guard' ? mark : undefined;
  };
  const marks = new Set([undefined, ...Object.keys(route.methods)].map((name) => guardOf(name)));
  return [...marks].flatMap((mark) => {
    if (mark?.kind !== 'guard') return [];
    const meets = (name: string | undefined): boolean => guardOf(name) === mark;
    const holds = (method: string): boolean => {
      if (method === 'ALL' || method === 'USE')
        return route.stack[0]?.method === undefined ? meets(undefined) : EVERY_METHOD.every(meets);
      // HEAD runs the handlers of GET, unless the route has its own for HEAD.
      if (method === 'GET') return meets('get') && (!route.methods.head || meets('head'));
      return meets(method === 'HEAD' && !route.methods.head ? 'get' : method.toLowerCase());
    };
    return [{ kind: 'guard' as const, path, open: mark.open, holds }];
  });
}

function handlersFor({ stack }: Route, method: string | undefined): Handler[] {
  return stack.filter((one) => one.method === undefined || one.method === method).map(({ handle }) => handle);
}

/** Adds a mounted function. Most of them pass requests on, but some answer. */
function walkMiddleware({ steps, found }: Scope, handle: Handler, { path, chain }: Omit<Place, 'method'>): void {
  const name = nameOf(handle);
  const standing = judge(steps, { path, method: 'USE', chain });
  if (name === 'query' || name === 'expressInit') return;
  const row = { route: `USE ${path.text || '/'} (${name})`, isFunction: true };
  if (standing.status !== 'open') found.push({ ...row, ...standing });
  else found.push({ ...row, status: 'unknown', why: 'runs before any guard, and may answer itself' });
}

function nameOf({ name }: Handler): string {
  return name === 'mounted_app' ? 'sub-app' : name || 'anonymous';
}
