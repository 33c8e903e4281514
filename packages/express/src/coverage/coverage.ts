import { MfaError } from '@mfa-kit/core';
import { assertCoverage, buildCoverage, type CoverageOptions, type CoverageReport } from '@mfa-kit/core/http';
import { routerOf } from './layer.js';
import { walkApplication } from './walk.js';

/**
 * Lists every route of an Express application or router, and how it is guarded: for `formatCoverage` and for tests.
 *
 * Reads the routers and runs nothing of the host: call it when all routes are there. Only this package's own guards count, and
 * only where no request for the route passes them by. Not seen: a middleware that rewrites `req.url` or `req.method`.
 */
export function mfaCoverage(app: unknown): CoverageReport {
  const router = routerOf(app);
  if (!router) throw new MfaError('invalid_argument', 'mfaCoverage() takes the application that express() made, or a router.');
  const { routes, middleware } = walkApplication(router);
  return buildCoverage(routes, middleware);
}

/**
 * Fails a test when a route has no guard, or none that can be seen, and is not in `allow`: `assertMfaCoverage(app, { allow:
 * ['GET /healthz'] })`. The MfaError lists the routes, and entries of `allow` that match nothing.
 */
export function assertMfaCoverage(app: unknown, options: CoverageOptions = {}): void {
  assertCoverage(mfaCoverage(app), options);
}
