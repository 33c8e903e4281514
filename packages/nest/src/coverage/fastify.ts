import type { PlatformRoutes } from './platform.js';

/** A route as Fastify's hook `onRoute` shows it. */
interface Route {
  method: string | readonly string[];
  url: string;
  constraints?: object;
}

/** The methods of Fastify that show its routes. */
interface Fastify {
  printRoutes(): string;
  addHook(name: 'onRoute', hook: (route: Route) => void): unknown;
}

interface Recorded {
  routes: Route[];
  /** Routes were registered before the kit could record them. */
  early: boolean;
}

const recorded = new WeakMap<object, Recorded>();

/** Records the routes that are added from now on. Fastify shows each route only once, when it is added. */
export function recordRoutes(fastify: Fastify): void {
  if (recorded.has(fastify)) return;
  const routes: Route[] = [];
  recorded.set(fastify, { routes, early: /\([A-Z]/.test(fastify.printRoutes()) });
  fastify.addHook('onRoute', (route) => void routes.push(route));
}

/** Reads what Fastify serves; null if its routes were not recorded. */
export function readFastify(fastify: object, versioned: boolean): PlatformRoutes | null {
  const known = recorded.get(fastify);
  if (!known) return null;
  // Hooks cannot be listed. Two routes differ only in method, path and constraints.
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
    found.beside.push({ route: 'USE /<unknown>', status: 'unknown', why: 'routes that were registered before the kit' });
  readMounted(fastify, found);
  return found;
}

function methodNames(methods: readonly string[]): readonly string[] {
  return ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].every((name) => methods.includes(name)) ? ['ALL'] : methods;
}

/** Adds what `app.use()` mounted. Nest's plugin for it keeps a list under its own symbol. */
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
