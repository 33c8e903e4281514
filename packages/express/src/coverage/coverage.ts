import { MfaError } from '@mfa-kit/core';
import { assertCoverage, buildCoverage, type CoverageOptions, type CoverageReport } from '@mfa-kit/core/http/coverage';
import { judgeAll } from './judge.js';
import { routerOf } from './router.js';

/**
 * Lists every route of an Express application or router and how it is guarded, for `formatCoverage` and for tests.
 *
 * Call it after all routes are registered. It asks the matchers of the routers and runs no code of the host. A guard counts only if this
 * package made it and no request for the route can bypass it. Middleware that rewrites `req.url` or `req.method` is not detected.
 */
export function mfaCoverage(app: unknown): CoverageReport {
  const router = routerOf(app);
  if (!router)
    throw new MfaError('invalid_argument', 'mfaCoverage() needs the application that express() returned, or a router.');
  return buildCoverage(judgeAll(router));
}

/**
 * Throws an MfaError if a route has no guard, or no detectable one, and is not in `allow`; for example
 * `assertMfaCoverage(app, { allow: ['GET /healthz'] })`. The error lists these routes, and entries of `allow` that match nothing.
 */
export function assertMfaCoverage(app: unknown, options: CoverageOptions = {}): void {
  assertCoverage(mfaCoverage(app), options);
}
