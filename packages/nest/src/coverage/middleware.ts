import type { CoveredRoute } from '@mfa-kit/core/http/coverage';
import { type INestApplication, RequestMethod, VersioningType } from '@nestjs/common';
import type { ApplicationConfig } from '@nestjs/core';

/** A function that the platform runs before the guards at one path, and that may pass a request on. */
export interface PlacedFunction {
  /** `USE /cases`, or `GET /cases` for one method. */
  route: string;
  name: string;
}

/** A class of middleware that a module of the host applies to a route. */
interface Binding {
  name: string;
  method: string;
  path: string;
}

interface Configuration {
  middleware: unknown;
  forRoutes: { path: string; method: RequestMethod }[];
}

/** Why anything that the platform serves outside the controllers is not guarded. */
export const BESIDE = 'outside the controllers, where Nest runs no guard';

/**
 * Separates middleware from functions that may answer. Only classes that modules applied are known to be middleware. A function may
 * be a whole router, so it counts as a route; so does everything at a path with more functions than the modules applied.
 */
export function sortFunctions(
  app: INestApplication,
  functions: readonly PlacedFunction[],
  config: ApplicationConfig,
): { middleware: string[]; beside: CoveredRoute[] } {
  const bindings = listBindings(app);
  const places = [...new Set(functions.map(({ route }) => route))].map((route) => ({
    placed: functions.filter((one) => one.route === route),
    known: bindings.filter((binding) => isAt(binding, route, config)),
  }));
  return {
    middleware: places.flatMap(({ placed, known }) => (placed.length <= known.length ? known.map(({ name }) => name) : [])),
    beside: places.flatMap(({ placed, known }) => (placed.length <= known.length ? [] : placed.map(asRow))),
  };
}

function asRow({ route, name }: PlacedFunction): CoveredRoute {
  return route.startsWith('USE ')
    ? { route: `${route} (${name})`, status: 'unknown', why: BESIDE }
    : { route, status: 'open', why: BESIDE };
}

/** Lists what modules applied. Nest wraps a function in a class that has no `use` method on its prototype. */
function listBindings(app: INestApplication): Binding[] {
  const { middlewareContainer } = app as unknown as {
    middlewareContainer?: { getConfigurations?(): Map<string, Iterable<Configuration>> };
  };
  const configurations = [...(middlewareContainer?.getConfigurations?.().values() ?? [])].flatMap((some) => [...some]);
  return configurations.flatMap(({ middleware, forRoutes }) =>
    [middleware].flat().flatMap((type) => {
      if (typeof type !== 'function' || typeof type.prototype?.use !== 'function') return [];
      return forRoutes.map(({ path, method }) => ({ name: type.name, method: RequestMethod[method] ?? 'ALL', path }));
    }),
  );
}

/** Whether a class that was applied to a route is at this path of the platform, with or without the prefix and a version. */
function isAt({ method, path }: Binding, route: string, config: ApplicationConfig): boolean {
  const [placed = '', ...rest] = route.split(' ');
  const [own, place] = [bare(path), bare(rest.join(' '))];
  if (method === 'ALL' ? placed !== 'USE' && placed !== 'ALL' : placed !== method && placed !== 'USE') return false;
  const prefix = bare(config.getGlobalPrefix());
  const below = place.startsWith(`${prefix}/`) || place === prefix ? [place, place.slice(prefix.length)] : [place];
  return below.some((one) => one === own || withoutVersion(one, config) === own);
}

function withoutVersion(path: string, config: ApplicationConfig): string {
  const versioning = config.getVersioning();
  if (versioning?.type !== VersioningType.URI) return path;
  const mark = versioning.prefix === false ? '' : (versioning.prefix ?? 'v');
  return path.startsWith(`/${mark}`) ? path.replace(/^\/[^/]+/, '') : path;
}

/** A path without its wildcard at the end. */
function bare(path: string): string {
  return `/${path}`
    .replace(/\/+/g, '/')
    .replace(/\/?\{?\/?(\*\w*|\(\.\*\))\}?\$?$/, '')
    .replace(/\/$/, '');
}
