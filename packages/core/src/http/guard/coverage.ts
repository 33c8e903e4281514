import { MfaError } from '../../errors.js';

/**
 * How a route is guarded.
 *
 * `guarded`: nothing answers before a guard. `skipped`: left open on purpose, by a named exception or because the kit answers. `open`: no
 * guard. `unknown`: cannot be determined, so it does not count as guarded.
 */
export type CoverageStatus = 'guarded' | 'skipped' | 'open' | 'unknown';

/** One route of an application. */
export interface CoveredRoute {
  /** Method and path as the table prints them and `allow` names them: `GET /cases`. */
  route: string;
  status: CoverageStatus;
  /** Why the status is not obvious, in a few words. */
  why?: string;
}

/** Every route of an application, each once. */
export interface CoverageReport {
  routes: readonly CoveredRoute[];
  /**
   * Middleware that runs on every request before any guard and could answer it without being a route, for example the session or a parser.
   */
  middleware: readonly string[];
}

/** What a team has reviewed and leaves open. */
export interface CoverageOptions {
  /** Routes exactly as the report names them: `GET /healthz`. An entry that no longer matches is an error, too. */
  allow?: readonly string[] | undefined;
}

/** Worst first. */
const STATUSES = ['open', 'unknown', 'skipped', 'guarded'] as const;

/** Combines findings. If a route has several, the worst counts. */
export function buildCoverage(found: readonly CoveredRoute[], middleware: readonly string[] = []): CoverageReport {
  const routes = new Map<string, CoveredRoute>();
  for (const one of found) {
    const known = routes.get(one.route);
    if (!known || STATUSES.indexOf(one.status) < STATUSES.indexOf(known.status)) routes.set(one.route, one);
  }
  return { routes: [...routes.values()], middleware: [...new Set(middleware)] };
}

/** The report as a table for people, the worst first. */
export function formatCoverage({ routes, middleware }: CoverageReport): string {
  const width = Math.max(0, ...routes.map(({ route }) => route.length));
  const lines = STATUSES.flatMap((status) =>
    routes
      .filter((one) => one.status === status)
      .map(({ route, why }) => `${status.padEnd(9)}${why === undefined ? route : `${route.padEnd(width)}  ${why}`}`),
  );
  const counts = STATUSES.map((status) => `${routes.filter((one) => one.status === status).length} ${status}`);
  lines.push('', `${routes.length} routes: ${counts.join(', ')}.`);
  if (middleware.length > 0) lines.push(`Before any guard, on every request: ${middleware.join(', ')}.`);
  return lines.join('\n');
}

/** Throws an MfaError that lists open or unknown routes that are not allowed, and entries of `allow` that match nothing. */
export function assertCoverage(report: CoverageReport, { allow = [] }: CoverageOptions = {}): void {
  const allowed = new Set(allow);
  const wrong = report.routes.filter(({ route, status }) => !allowed.has(route) && (status === 'open' || status === 'unknown'));
  const unguarded = new Set(report.routes.filter(({ status }) => status !== 'guarded').map(({ route }) => route));
  const stale = allow.filter((route) => !unguarded.has(route));
  if (wrong.length === 0 && stale.length === 0) return;
  const lines: string[] = [];
  if (wrong.length > 0) {
    lines.push(
      'Routes without a guard, or where none can be detected. Guard each one, or add it to "allow" exactly as shown here:',
    );
    lines.push(...wrong.map(({ route, status, why }) => `  ${route}  (${why === undefined ? status : `${status}: ${why}`})`));
  }
  if (stale.length > 0) {
    lines.push('Entries of "allow" that match no unguarded route. Remove or correct them:');
    lines.push(...stale.map((route) => `  ${route}`));
  }
  throw new MfaError('host_setup', lines.join('\n'));
}
