import type { Requirement } from '../assurance.js';
import { MfaError } from '../errors.js';

/**
 * How a route is guarded.
 *
 * `guarded`: a guard runs before it for every request. `skipped`: left open on purpose, by a named exception or because the kit answers.
 * `open`: a request reaches it without a guard. `unknown`: cannot be determined, so it does not count as guarded.
 */
export type CoverageStatus = 'guarded' | 'skipped' | 'open' | 'unknown';

/** One route of an application, or a function that may answer in place of one. */
export interface CoveredRoute {
  /** Method and path as the table prints them and `allow` names them: `GET /cases`, and `USE / (session)` for a function. */
  route: string;
  status: CoverageStatus;
  /** Why the status is not obvious, in a few words. */
  why?: string | undefined;
  /** What the guard asks for in addition to a login with MFA; absent if nothing. */
  requirement?: Requirement | undefined;
}

/** Every route of an application, each once. */
export interface CoverageReport {
  routes: readonly CoveredRoute[];
}

/** What a team has reviewed and leaves open. */
export interface CoverageOptions {
  /**
   * Routes and functions exactly as the report names them, or patterns of these names: `['GET /healthz', /^GET \/docs\b/]`. An entry that
   * matches nothing unguarded is an error, too.
   */
  allow?: readonly (string | RegExp)[] | undefined;
}

/** What was found at one place of an application. */
export interface CoverageFinding extends CoveredRoute {
  /** A function, so another one of the same name is another row: `USE / (session)`, then `USE / (session #2)`. */
  isFunction?: boolean | undefined;
}

/** Worst first. */
const STATUSES = ['open', 'unknown', 'skipped', 'guarded'] as const;

/** Combines findings. If a route has several, the worst counts. */
export function buildCoverage(found: readonly CoverageFinding[]): CoverageReport {
  const routes = new Map<string, CoveredRoute>();
  for (const { isFunction, route, status, why, requirement } of found) {
    const name = isFunction ? unusedName(route, routes) : route;
    const known = routes.get(name);
    const weakest = known ? weaker(known.requirement, requirement) : requirement;
    const worst = known && rank(known) <= rank({ status }) ? known : { status, why };
    routes.set(name, {
      route: name,
      status: worst.status,
      ...(worst.why !== undefined && { why: worst.why }),
      ...(weakest && { requirement: weakest }),
    });
  }
  return { routes: [...routes.values()] };
}

/** The report as a table for people, the worst first. */
export function formatCoverage({ routes }: CoverageReport): string {
  const width = Math.max(0, ...routes.map(({ route }) => route.length));
  const lines = STATUSES.flatMap((status) =>
    routes
      .filter((one) => one.status === status)
      .map((one) => `${status.padEnd(9)}${one.route.padEnd(width)}  ${remarkOf(one)}`.trimEnd()),
  );
  const counts = STATUSES.map((status) => `${routes.filter((one) => one.status === status).length} ${status}`);
  return [...lines, '', `${routes.length} rows: ${counts.join(', ')}.`].join('\n');
}

/**
 * Throws an MfaError that lists open or unknown routes that are not allowed, each as a line for `allow`, and entries of `allow` that match
 * nothing. Throws if nothing is guarded, because such an application has no guard or no routes yet.
 */
export function assertCoverage({ routes }: CoverageReport, { allow = [] }: CoverageOptions = {}): void {
  checkAllow(allow);
  const unguarded = routes.filter(({ status }) => status !== 'guarded');
  const wrong = unguarded.filter(({ route, status }) => status !== 'skipped' && !allow.some((entry) => names(entry, route)));
  const stale = allow.filter((entry) => !unguarded.some(({ route }) => names(entry, route)));
  const lines: string[] = [];
  if (unguarded.length === routes.length) {
    lines.push(
      'No route is guarded. Call this after all routes are registered, with the application that serves them, and add a guard.',
    );
  }
  if (wrong.length > 0) {
    lines.push('Open or unknown. Guard each, or add its line to "allow" if it may answer without a second factor:');
    lines.push(
      ...wrong.map(({ route, status, why }) => `  ${quote(route)}, // ${why === undefined ? status : `${status}: ${why}`}`),
    );
  }
  if (stale.length > 0) {
    lines.push('Entries of "allow" that match nothing unguarded. Remove or correct them:');
    lines.push(...stale.map((entry) => `  ${typeof entry === 'string' ? quote(entry) : String(entry)}`));
  }
  if (lines.length > 0) throw new MfaError('host_setup', lines.join('\n'));
}

function unusedName(route: string, routes: ReadonlyMap<string, unknown>): string {
  let name = route;
  for (let count = 2; routes.has(name); count += 1) {
    name = route.endsWith(')') ? `${route.slice(0, -1)} #${count})` : `${route} #${count}`;
  }
  return name;
}

function rank({ status }: Pick<CoveredRoute, 'status'>): number {
  return STATUSES.indexOf(status);
}

/** What both ask for. */
function weaker(one: Requirement = {}, other: Requirement = {}): Requirement | undefined {
  const both: Requirement = {};
  if (one.maxAgeSeconds !== undefined && other.maxAgeSeconds !== undefined) {
    both.maxAgeSeconds = Math.max(one.maxAgeSeconds, other.maxAgeSeconds);
  }
  if (one.acceptRememberedDevice === false && other.acceptRememberedDevice === false) both.acceptRememberedDevice = false;
  return Object.keys(both).length === 0 ? undefined : both;
}

function remarkOf({ why, requirement = {} }: CoveredRoute): string {
  const { maxAgeSeconds, acceptRememberedDevice } = requirement;
  const remarks: string[] = [];
  if (maxAgeSeconds !== undefined) remarks.push(`a proof of the last ${maxAgeSeconds} s`);
  if (acceptRememberedDevice === false) remarks.push('no remembered device');
  if (why !== undefined) remarks.push(why);
  return remarks.join(', ');
}

function checkAllow(allow: readonly (string | RegExp)[]): void {
  const isEntry = (entry: unknown): boolean => typeof entry === 'string' || entry instanceof RegExp;
  if (Array.isArray(allow) && allow.every(isEntry)) return;
  throw new MfaError(
    'invalid_argument',
    'allow takes a list of names and patterns, for example ["GET /healthz", /^GET \\/docs\\b/].',
  );
}

function names(entry: string | RegExp, route: string): boolean {
  // Unlike `test`, `search` ignores where a global pattern stopped last.
  return typeof entry === 'string' ? entry === route : route.search(entry) >= 0;
}

function quote(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&').replace(/\n/g, '\\n')}'`;
}
