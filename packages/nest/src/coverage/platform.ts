import type { CoveredRoute } from '@mfa-kit/core/http/coverage';
import { readExpress } from './express.js';
import { readFastify } from './fastify.js';
import type { GraphqlEndpoint } from './graphql.js';
import { BESIDE, type PlacedFunction } from './middleware.js';

/** What a platform serves. */
export interface PlatformRoutes {
  /** Routes that a controller may serve. */
  served: Set<string>;
  /** What a controller cannot serve. */
  beside: CoveredRoute[];
  /** Functions at one path that may pass requests on. */
  functions: PlacedFunction[];
  /** Functions that run for every request before the guards. */
  middleware: string[];
}

/** The methods that are read of Nest's adapter. */
export interface PlatformAdapter {
  getType(): string;
  getInstance(): object;
}

/** Reads what the platform serves; null if the platform is unknown. */
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

/** Lists what is served outside the controllers. A GraphQL endpoint is skipped if all its fields are listed. */
export function listBeside(
  { served, beside }: PlatformRoutes,
  controllers: ReadonlySet<string>,
  graphql: readonly GraphqlEndpoint[],
): CoveredRoute[] {
  const others = [...served].filter((route) => !isServed(route, controllers) && !isServed(route, without(served, route)));
  const rows = [
    ...others.map((route): CoveredRoute => ({ route, status: 'open', why: BESIDE })),
    // A handler that has lost its decorators cannot be told from a route of the platform, so both have the same path.
    ...beside.map((row): CoveredRoute => (controllers.has(row.route) ? { ...row, status: 'unknown' } : row)),
  ];
  return rows.map((row) => {
    const endpoints = graphql.filter(({ path, fields }) => fields && pathOf(row.route) === path);
    // On Express a GraphQL driver mounts two functions. Any more are not the driver's.
    const mounted = rows.filter(({ route }) => route.startsWith('USE ') && pathOf(route) === pathOf(row.route)).length;
    const ofDriver = row.route.startsWith('USE ') ? mounted <= 2 : served.has(row.route);
    return endpoints.length === 1 && ofDriver
      ? { route: row.route, status: 'skipped', why: 'GraphQL: its resolvers are listed' }
      : row;
  });
}

/** Whether one of these routes serves the given one, also by `ALL`, or by GET for HEAD. */
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
