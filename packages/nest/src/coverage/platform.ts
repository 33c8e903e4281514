import type { CoverageFinding } from '@mfa-kit/core/http/coverage';
import type { INestApplication } from '@nestjs/common';
import type { ApplicationConfig } from '@nestjs/core';
import { readExpress } from './express.js';
import { readFastify } from './fastify.js';
import { appliedMiddleware, ownFunctions, withoutWildcard } from './internals.js';
import type { Place } from './paths.js';

/** What a platform serves. */
export interface Platform {
  /** Whether the platform's router has a route of Nest at this place. */
  serves(place: Place): boolean;
  /** Everything else that it serves. */
  beside: CoverageFinding[];
}

/** What readers of a platform need to know. */
export interface Setting {
  /** The routes of all controllers. */
  places: readonly Place[];
  /** The methods of all controllers. */
  callbacks: ReadonlySet<unknown>;
  prefix: string;
  /** The source text of what Nest itself adds to every application. */
  own: ReadonlySet<string>;
}

/** Why anything that the platform serves outside the controllers is not guarded. */
export const BESIDE = 'outside the controllers, where Nest runs no guard';

/** Reads what the platform serves; null if it cannot be read. */
export function readPlatform(
  app: INestApplication,
  { config, ...given }: Pick<Setting, 'places' | 'callbacks'> & { config: ApplicationConfig },
): Platform | null {
  const adapter = app.getHttpAdapter();
  const setting: Setting = { ...given, prefix: withoutWildcard(config.getGlobalPrefix()), own: ownFunctions(adapter) };
  const read = { express: readExpress, fastify: readFastify }[adapter.getType()];
  const platform = read?.(adapter.getInstance(), setting);
  if (!platform) return null;
  const hook: unknown = Reflect.get(adapter, 'onRequestHook');
  const applied = appliedMiddleware(app);
  // Nest adds its middleware after that of the host, so the names are taken from the end.
  const beside = platform.beside.toReversed().map((row): CoverageFinding => {
    const [, place, path] = /^(\S+ (.*) )\((?:anonymous|handler)\)$/.exec(row.route) ?? [];
    const bare = path === undefined ? undefined : withoutWildcard(path);
    // On Fastify, Nest mounts the middleware of the root at the prefix.
    const names = bare === undefined ? undefined : (applied.get(bare) ?? (bare === setting.prefix ? applied.get('') : undefined));
    const name = names?.pop();
    return name === undefined ? row : { ...row, route: `${place}(${name})` };
  });
  return {
    ...platform,
    beside: [...(typeof hook === 'function' ? [asFunction('/', 'onRequestHook')] : []), ...beside.reverse()],
  };
}

/** The row of a function that runs before the guards. */
export function asFunction(path: string, name: string, method = 'USE'): CoverageFinding {
  return {
    route: `${method} ${path} (${name || 'anonymous'})`,
    status: 'unknown',
    why: 'runs before any guard, and may answer itself',
    isFunction: true,
  };
}
