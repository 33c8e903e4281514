import type { PlatformRoutes } from './platform.js';

/** A route as Fastify's hook `onRoute` shows it. */
interface Route {
  method: string | readonly string[];
  url: string;
  constraints?: object;
}

/** Fastify, as far as it tells what it serves. */
interface Fastify {
  printRoutes(): string;
  addHook(name: 'onRoute', hook: (route: Route) => void): unknown;
}

interface Recorded {
  routes: Route[];
  /** Routes were there before anybody could watch. */
  early: boolean;
}

const recorded = new WeakMap<object, Recorded>();

/** Notes from now on which routes are added; Fastify shows each once, when it comes. */
export function recordRoutes(fastify: Fastify): void {
  if (recorded.has(fastify)) return;
  const routes: Route[] = [];
  recorded.set(fastify, { routes, early: /\([A-Z]/.test(fastify.printRoutes()) });
  fastify.addHook('onRoute', (route) => void routes.push(route));
}

/** What Fastify serves; null when nobody watched. */
export function readFastify(fastify: object, versioned: boolean): PlatformRoutes | null {
  const known = recorded.get(fastify);
  if (!known) return null;
  // Hooks are seen by nobody, and two routes differ only in method, path and constraints.
  const found: PlatformRoutes = {
    served: new Set(),
    beside: [],
    functions: [],
    middleware: ["what hooks into Fastify's requests"],
  };
  for (const { method, url, constraints = {} } of known.routes) {
    const own = Object.keys(constraints).every((name) => versioned && name === 'version');
    const suffix = own ? '' : ` ${JSON.stringify(constraints)}`;
    for (const name of methodNames([method].flat())) found.served.add(`${name} ${url}${suffix}`);
  }
  if (known.early)
    found.beside.push({ route: 'USE /<unknown>', status: 'unknown', why: 'routes that were there before the kit' });
  readMounted(fastify, found);
  return found;
}

function methodNames(methods: readonly string[]): readonly string[] {
  return ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].every((name) => methods.includes(name)) ? ['ALL'] : methods;
}

/** What `app.use()` mounted: the plugin that Nest brings for it keeps a list under a symbol of its own. */
function readMounted(fastify: object, found: PlatformRoutes): void {
  const key = Object.getOwnPropertySymbols(fastify).find(({ description }) => description === 'fastify-middie-middlewares');
  const mounted: unknown = key && fastify[key as keyof typeof fastify];
  if (!Array.isArray(mounted)) return;
  for (const [path, handle] of mounted as [unknown, { name?: string } | undefined][]) {
    const name = (handle ?? (path as { name?: string })).name || 'anonymous';
    if (handle === undefined || path === '/' || path === '*path') found.middleware.push(name);
    else found.functions.push({ route: `USE ${String(path)}`, name });
  }
}
