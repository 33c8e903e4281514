import type { CoveredRoute } from '@mfa-kit/core/http';
import { readExpress } from './express.js';
import { readFastify } from './fastify.js';
import type { GraphqlEndpoint } from './graphql.js';
import { BESIDE, type PlacedFunction } from './middleware.js';

/** What a platform serves. */
export interface PlatformRoutes {
  /** Routes that a handler of a controller may stand behind. */
  served: Set<string>;
  /** What surely is none. */
  beside: CoveredRoute[];
  /** What stands at one place and may pass requests on. */
  functions: PlacedFunction[];
  /** What runs on every request before the guards. */
  middleware: string[];
}

/** An adapter of Nest, as far as it is read here. */
export interface PlatformAdapter {
  getType(): string;
  getInstance(): object;
}

/** Reads what the platform serves; null when it does not tell. */
export function readPlatform(adapter: PlatformAdapter, { versioned }: { versioned: boolean }): PlatformRoutes | null {
  switch (adapter.getType()) {
    case 'express':
      return readExpress(adapter.getInstance());
    case 'fastify':
      return readFastify(adapter.getInstance(), versioned);
    default:
      return null;
  }
}

/** What is served beside the routes of the controllers; the doors of GraphQL are none, when all behind them is known. */
export function listBeside(
  { served, beside }: PlatformRoutes,
  controllers: ReadonlySet<string>,
  graphql: readonly GraphqlEndpoint[],
): CoveredRoute[] {
  const others = [...served].filter((route) => !isServed(route, controllers) && !isServed(route, without(served, route)));
  const rows = [
    ...others.map((route): CoveredRoute => ({ route, status: 'open', why: BESIDE })),
    // Nest leaves no trace on a handler that has lost its decorators: then both stand at one path.
    ...beside.map((row): CoveredRoute => (controllers.has(row.route) ? { ...row, status: 'unknown' } : row)),
  ];
  return rows.map((row) => {
    const doors = graphql.filter(({ path, fields }) => fields && pathOf(row.route) === path);
    // On Express a driver mounts two functions; what more is mounted there is somebody else's.
    const mounted = rows.filter(({ route }) => route.startsWith('USE ') && pathOf(route) === pathOf(row.route)).length;
    const ofDriver = row.route.startsWith('USE ') ? mounted <= 2 : served.has(row.route);
    return doors.length === 1 && ofDriver
      ? { route: row.route, status: 'skipped', why: 'GraphQL: its resolvers are listed' }
      : row;
  });
}

/** Whether one of these routes is the other, or takes its method along. */
export function isServed(route: string, by: ReadonlySet<string>): boolean {
  const [method, path] = [route.slice(0, route.indexOf(' ')), pathOf(route)];
  return by.has(route) || by.has(`ALL ${path}`) || (method === 'HEAD' && by.has(`GET ${path}`));
}

function without(routes: ReadonlySet<string>, one: string): ReadonlySet<string> {
  return new Set([...routes].filter((route) => route !== one));
}

function pathOf(route: string): string {
  return route.slice(route.indexOf(' ') + 1).replace(/ \(.*\)$/, '');
}
