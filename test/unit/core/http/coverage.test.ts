import { assertCoverage, buildCoverage, type CoveredRoute, formatCoverage } from '@mfa-kit/core/http/coverage';
import { describe, expect, it } from 'vitest';

const routes: CoveredRoute[] = [
  { route: 'GET /cases', status: 'guarded' },
  { route: 'GET /healthz', status: 'open' },
  { route: 'GET /login', status: 'skipped', why: 'an exception' },
  { route: 'ALL /api', status: 'unknown', why: 'a router that cannot be read' },
];
const allow = ['GET /healthz', 'ALL /api'];

function messageOf(report: readonly CoveredRoute[], options?: Parameters<typeof assertCoverage>[1]): string {
  try {
    assertCoverage({ routes: report }, options);
  } catch (error) {
    expect(error).toMatchObject({ name: 'MfaError', code: 'host_setup' });
    return (error as Error).message;
  }
  return '';
}

describe('buildCoverage', () => {
  it.each([
    ['open', 'unknown'],
    ['unknown', 'skipped'],
    ['skipped', 'guarded'],
  ] as const)('T31: rank a route found twice as %s rather than %s, in either order', (worse, better) => {
    const found = [worse, better].map((status) => ({ route: 'GET /cases', status }));
    for (const order of [found, found.toReversed()]) expect(buildCoverage(order).routes).toEqual([found[0]]);
  });

  it('keeps the first finding if a route was found twice with the same status', () => {
    const found = ['a router', 'another router'].map((why) => ({ route: 'GET /cases', status: 'unknown' as const, why }));
    expect(buildCoverage(found).routes).toEqual([found[0]]);
  });

  it('T31: gives each function a row of its own, so that allowing one does not allow a second one of the same name', () => {
    const found = { route: 'USE / (anonymous)', status: 'unknown' as const, isFunction: true };
    expect(buildCoverage([found, found, found]).routes.map(({ route }) => route)).toEqual([
      'USE / (anonymous)',
      'USE / (anonymous #2)',
      'USE / (anonymous #3)',
    ]);
  });

  it.each([
    [{ maxAgeSeconds: 60 }, { maxAgeSeconds: 300 }, { maxAgeSeconds: 300 }],
    [{ maxAgeSeconds: 60 }, undefined, undefined],
    [{ acceptRememberedDevice: false }, { acceptRememberedDevice: false, maxAgeSeconds: 60 }, { acceptRememberedDevice: false }],
  ])('shows what %o and %o of one route both ask for', (one, other, both) => {
    const found = [one, other].map((requirement) => ({ route: 'GET /cases', status: 'guarded' as const, requirement }));
    for (const order of [found, found.toReversed()]) expect(buildCoverage(order).routes[0]?.requirement).toEqual(both);
  });
});

describe('formatCoverage', () => {
  it('prints a table with the worst status first, and what a guard asks for', () => {
    const fresh = { route: 'POST /pay', status: 'guarded', requirement: { maxAgeSeconds: 300, acceptRememberedDevice: false } };
    expect(formatCoverage(buildCoverage([...routes, fresh as CoveredRoute]))).toBe(
      [
        'open     GET /healthz',
        'unknown  ALL /api      a router that cannot be read',
        'skipped  GET /login    an exception',
        'guarded  GET /cases',
        'guarded  POST /pay     a proof of the last 300 s, no remembered device',
        '',
        '5 rows: 1 open, 1 unknown, 1 skipped, 2 guarded.',
      ].join('\n'),
    );
    expect(formatCoverage(buildCoverage([]))).toBe('\n0 rows: 0 open, 0 unknown, 0 skipped, 0 guarded.');
  });
});

describe('assertCoverage', () => {
  it('passes if every route is guarded, skipped or allowed', () => {
    expect(messageOf(routes, { allow })).toBe('');
  });

  it('T31: names each route that is open or unknown as a line for allow, and each entry that matches nothing', () => {
    const quoted = { route: "USE /it's (a\\b)", status: 'unknown' as const };
    expect(messageOf([...routes, quoted], { allow: ['GET /cases', 'GET /gone', /^GET \/docs/] })).toBe(
      [
        'Open or unknown. Guard each, or add its line to "allow" if it may answer without a second factor:',
        "  'GET /healthz', // open",
        "  'ALL /api', // unknown: a router that cannot be read",
        "  'USE /it\\'s (a\\\\b)', // unknown",
        'Entries of "allow" that match nothing unguarded. Remove or correct them:',
        "  'GET /cases'",
        "  'GET /gone'",
        '  /^GET \\/docs/',
      ].join('\n'),
    );
  });

  it('F70: takes patterns, with any flags', () => {
    const docs = ['GET /docs', 'GET /docs/swagger-ui.css'].map((route) => ({ route, status: 'open' as const }));
    const report = [...docs, { route: 'GET /', status: 'guarded' as const }];
    for (const pattern of [/^GET \/docs/, /^get \/docs/i, /\/docs/g, /GET \/docs/y]) {
      expect(messageOf(report, { allow: [pattern] })).toBe('');
      expect(messageOf(report, { allow: [pattern] })).toBe('');
    }
    expect(messageOf(report, { allow: [/^GET \/docs$/] })).toContain("'GET /docs/swagger-ui.css'");
  });

  it.each([[[]], [routes.filter(({ status }) => status !== 'guarded')]])('F69: fails if nothing is guarded: %o', (report) => {
    expect(messageOf(report, report.length === 0 ? {} : { allow })).toContain('No route is guarded.');
  });

  it.each([['GET /'], [[1]], [[null]], [{}]])('refuses %o as allow', (wrong) => {
    const assert = (): void => assertCoverage({ routes }, { allow: wrong as never });
    expect(assert).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
  });
});
