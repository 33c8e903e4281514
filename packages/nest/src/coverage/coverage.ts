import { MfaError } from '@mfa-kit/core';
import {
  assertCoverage,
  buildCoverage,
  type CoverageOptions,
  type CoverageReport,
  type CoveredRoute,
} from '@mfa-kit/core/http/coverage';
import { type INestApplication, VersioningType } from '@nestjs/common';
import { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import { isMfaController } from '../mfa.controller.js';
import { globalGuardsOf, runsForMessages, runsForSockets, socketServerOf } from './global-guards.js';
import { listGraphql, listPlainFields } from './graphql.js';
import { findHosts, type GlobalGuards, type Handler, judge } from './guards.js';
import { listControllers, listGateways, listMessageHandlers, listResolvers } from './handlers.js';
import { sortFunctions } from './middleware.js';
import { isServed, listBeside, type PlatformRoutes, readPlatform } from './platform.js';

/**
 * Lists every route, resolver and gateway handler of a Nest application and how it is guarded, for `formatCoverage` and for tests.
 *
 * Call it after `app.init()`. It reads what Nest registered and runs no code of the host except `isPublic`, with a context that has
 * only the handler. `MfaGuard` counts only if Nest certainly runs it. Fastify hooks and other transports are not detected.
 */
export function mfaCoverage(app: INestApplication): CoverageReport {
  const { modules, config } = openApplication(app);
  const adapter = app.getHttpAdapter();
  const platform = openPlatform(app, config);
  const hosts = findHosts(modules.values());
  const guards = globalGuardsOf(config, modules);
  const rows = (handlers: readonly Handler[], run: GlobalGuards['run']): CoveredRoute[] =>
    handlers.map((handler) => ({ route: handler.route, ...judge(handler, { ...guards, run }, hosts) }));

  const controllers = listControllers({ config, modules, normalize: (path) => adapter.normalizePath?.(path) ?? path });
  const routes = controllers.flatMap(({ controller, handlers }): CoveredRoute[] =>
    isMfaController(controller)
      ? handlers.slice(0, 1).map(({ route }) => ({
          route: `USE ${route.replace('ALL ', '')} (mfa-kit)`,
          status: 'skipped',
          why: 'the endpoints of the kit',
        }))
      : rows(handlers, true).map((row) => checkServed(row, platform)),
  );
  const known = new Set(controllers.flatMap(({ handlers }) => handlers.map(({ route }) => route)));
  const graphql = listGraphql(modules.values());
  const resolvers = listResolvers(modules, {
    fieldGuards: graphql.length > 0 && graphql.every(({ fieldGuards }) => fieldGuards),
  });
  const gateways = listGateways(modules, (place) => socketServerOf(app, place));
  return buildCoverage([
    ...routes,
    ...rows(resolvers, true),
    ...listPlainFields(graphql, new Set(resolvers.map(({ route }) => route))),
    ...gateways.openings,
    ...rows(gateways.handlers, runsForSockets(app)),
    ...rows(listMessageHandlers(modules), runsForMessages(app, config)),
    ...(platform ? listBeside(platform, known, graphql) : [HIDDEN_PLATFORM]),
    ...[...(platform?.middleware ?? []), ...gateways.connections].map((name) => ({
      route: `USE / (${name})`,
      status: 'unknown' as const,
      why: 'runs before any guard, and may answer itself',
      isFunction: true,
    })),
  ]);
}

/**
 * Throws an MfaError if a handler has no guard, or no detectable one, and is not in `allow`; for example
 * `assertMfaCoverage(app, { allow: ['GET /healthz'] })`. The error lists these handlers, and entries of `allow` that match nothing.
 */
export function assertMfaCoverage(app: INestApplication, options: CoverageOptions = {}): void {
  assertCoverage(mfaCoverage(app), options);
}

const HIDDEN_PLATFORM: CoveredRoute = {
  route: 'USE /<unknown>',
  status: 'unknown',
  why: 'the platform does not report what it serves outside the controllers',
};

function openApplication(app: INestApplication): { modules: ModulesContainer; config: ApplicationConfig } {
  const { isInitialized } = app as unknown as { isInitialized?: unknown };
  if (isInitialized !== true || typeof app.getHttpAdapter !== 'function') {
    throw new MfaError(
      'invalid_argument',
      'mfaCoverage() needs a Nest application after app.init(), when all routes are registered.',
    );
  }
  return { modules: app.get(ModulesContainer), config: app.get(ApplicationConfig) };
}

function openPlatform(app: INestApplication, config: ApplicationConfig): PlatformRoutes | null {
  const platform = readPlatform(app.getHttpAdapter(), { versioned: !isVersionedByPath(config) });
  if (!platform) return null;
  const sorted = sortFunctions(app, platform.functions, config);
  return {
    ...platform,
    beside: [...platform.beside, ...sorted.beside],
    middleware: [...platform.middleware, ...sorted.middleware],
  };
}

function isVersionedByPath(config: ApplicationConfig): boolean {
  const type = config.getVersioning()?.type;
  return type === undefined || type === VersioningType.URI;
}

/** Marks a route `unknown` if the platform does not have it, because it is then served at another path. */
function checkServed(row: CoveredRoute, platform: PlatformRoutes | null): CoveredRoute {
  if (!platform || isServed(row.route, new Set([...platform.served, ...platform.beside.map(({ route }) => route)]))) return row;
  return { ...row, status: 'unknown', why: 'the platform does not serve it at this path' };
}
