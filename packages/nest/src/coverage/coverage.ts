import { MfaError } from '@mfa-kit/core';
import {
  assertCoverage,
  buildCoverage,
  type CoverageOptions,
  type CoverageReport,
  type CoveredRoute,
} from '@mfa-kit/core/http/coverage';
import type { INestApplication } from '@nestjs/common';
import { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import { isMfaController } from '../mfa.controller.js';
import { eachMethod } from '../mfa.methods.js';
import { listGraphql, listPlainFields, skipEndpoints } from './graphql.js';
import { findHosts, type GlobalGuards, type Handler, judge } from './guards.js';
import { listControllers, listGateways, listMessageHandlers, listResolvers } from './handlers.js';
import { globalGuardsOf, runsForMessages, runsForSockets, socketServerOf } from './internals.js';
import { type Platform, readPlatform } from './platform.js';

/**
 * Lists every route, resolver and gateway handler of a Nest application and how it is guarded, and every function that runs before the
 * guards, for `formatCoverage` and for tests.
 *
 * Call it after `app.init()`. It reads what Nest and the platform registered and runs no code of the host except `isPublic`, with a
 * context that has only the handler. `MfaGuard` counts only if Nest certainly runs it, and for a route only if the platform's router has
 * it. Other transports are not detected.
 */
export function mfaCoverage(app: INestApplication): CoverageReport {
  const { modules, config } = openApplication(app);
  const adapter = app.getHttpAdapter();
  const hosts = findHosts(modules.values());
  const guards = globalGuardsOf(config, modules);
  const rows = (handlers: readonly Handler[], run: GlobalGuards['run']): CoveredRoute[] =>
    handlers.map((handler) => ({ route: handler.route, ...judge(handler, { ...guards, run }, hosts) }));

  const controllers = listControllers({ config, modules, normalize: (path) => adapter.normalizePath?.(path) ?? path });
  const places = controllers.flatMap(({ handlers }) => handlers.flatMap(({ place }) => place ?? []));
  const methods = eachMethod(modules, 'controllers').flatMap((one) => one.methods);
  const callbacks = new Set(methods.flatMap(({ own, callback }) => [own, callback]));
  const platform = readPlatform(app, { config, places, callbacks });
  const routes = controllers.flatMap(({ controller, handlers }): CoveredRoute[] => {
    if (!isMfaController(controller)) {
      return handlers.flatMap((handler) => rows([handler], true).map((row) => checkServed(row, handler, platform)));
    }
    return handlers.slice(0, 1).map(({ place }) => ({
      route: `USE ${place?.path} (mfa-kit)`,
      status: 'skipped',
      why: 'the endpoints of the kit',
    }));
  });
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
    ...(platform ? skipEndpoints(platform.beside, graphql) : [HIDDEN_PLATFORM]),
  ]);
}

/**
 * Throws an MfaError if a handler has no guard, or no detectable one, and is not in `allow`; for example
 * `assertMfaCoverage(app, { allow: ['GET /healthz', 'USE / (jsonParser)'] })`. The error lists these handlers, and entries of `allow`
 * that match nothing.
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

/** A handler counts as guarded only if the platform's router has it. */
function checkServed(row: CoveredRoute, { place }: Handler, platform: Platform | null): CoveredRoute {
  if (row.status === 'open' || (place && platform?.serves(place))) return row;
  return { ...row, status: 'unknown', why: 'the platform does not serve it at this path' };
}
