import { MfaError } from '@mfa-kit/core';
import { assertCoverage, buildCoverage, type CoverageOptions, type CoverageReport, type CoveredRoute } from '@mfa-kit/core/http';
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
 * Lists every route, resolver and gateway handler of a Nest application, and how it is guarded: for `formatCoverage` and for tests.
 *
 * Reads what Nest holds after `app.init()` and runs nothing of the host but `isPublic`, which is shown the handler alone. Only
 * `MfaGuard` counts, where Nest surely runs it. Not seen: hooks of Fastify, and handlers of other transports.
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
  return buildCoverage(
    [
      ...routes,
      ...rows(resolvers, true),
      ...listPlainFields(graphql, new Set(resolvers.map(({ route }) => route))),
      ...gateways.openings,
      ...rows(gateways.handlers, runsForSockets(app)),
      ...rows(listMessageHandlers(modules), runsForMessages(app, config)),
      ...(platform ? listBeside(platform, known, graphql) : [HIDDEN_PLATFORM]),
    ],
    [...(platform?.middleware ?? []), ...gateways.connections],
  );
}

/**
 * Fails a test when something has no guard, or none that can be seen, and is not in `allow`: `assertMfaCoverage(app, { allow:
 * ['GET /healthz'] })`. The MfaError lists it, and entries of `allow` that match nothing.
 */
export function assertMfaCoverage(app: INestApplication, options: CoverageOptions = {}): void {
  assertCoverage(mfaCoverage(app), options);
}

const HIDDEN_PLATFORM: CoveredRoute = {
  route: 'USE /<unknown>',
  status: 'unknown',
  why: 'the platform does not tell what it serves beside the controllers',
};

function openApplication(app: INestApplication): { modules: ModulesContainer; config: ApplicationConfig } {
  const { isInitialized } = app as unknown as { isInitialized?: unknown };
  if (isInitialized !== true || typeof app.getHttpAdapter !== 'function') {
    throw new MfaError(
      'invalid_argument',
      'mfaCoverage() takes an application of Nest after app.init(), when all routes are there.',
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

/** A route that the platform does not have as it was read is somewhere else. */
function checkServed(row: CoveredRoute, platform: PlatformRoutes | null): CoveredRoute {
  if (!platform || isServed(row.route, new Set([...platform.served, ...platform.beside.map(({ route }) => route)]))) return row;
  return { ...row, status: 'unknown', why: 'the platform does not serve it at this path' };
}
