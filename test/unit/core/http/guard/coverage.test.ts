import { assertCoverage, buildCoverage, type CoveredRoute, formatCoverage } from '@mfa-kit/core/http';
import { describe, expect, it } from 'vitest';

const routes: CoveredRoute[] = [
  { route: 'GET /cases', status: 'guarded' },
  { route: 'GET /healthz', status: 'open' },
  { route: 'GET /login', status: 'skipped', why: 'an exception' },
  { route: 'ALL /api', status: 'unknown', why: 'a router that cannot be seen' },
];

describe('buildCoverage and formatCoverage', () => {
  it.each([
    ['open', 'unknown'],
    ['unknown', 'skipped'],
    ['skipped', 'guarded'],
  ] as const)('T31: rank a route found twice as %s rather than %s, in either order', (worse, better) => {
    const found = [worse, better].map((status) => ({ route: 'GET /cases', status }));
    for (const order of [found, found.toReversed()]) expect(buildCoverage(order).routes).toEqual([found[0]]);
  });

  it('keep the first finding if a route was found twice with the same status', () => {
    const found = ['a router', 'another router'].map((why) => ({ route: 'GET /cases', status: 'unknown' as const, why }));
    expect(buildCoverage(found).routes).toEqual([found[0]]);
  });

  it('name each middleware before the guard once', () => {
    expect(buildCoverage(routes, ['session', 'json', 'session'])).toEqual({ routes, middleware: ['session', 'json'] });
    expect(buildCoverage([])).toEqual({ routes: [], middleware: [] });
  });

  it('print a table with the worst status first', () => {
    expect(formatCoverage(buildCoverage(routes, ['session', 'json']))).toBe(
      [
        'open     GET /healthz',
        'unknown  ALL /api      a router that cannot be seen',
        'skipped  GET /login    an exception',
        'guarded  GET /cases',
        '',
        '4 routes: 1 open, 1 unknown, 1 skipped, 1 guarded.',
        'Before any guard, on every request: session, json.',
      ].join('\n'),
    );
    expect(formatCoverage(buildCoverage([]))).toBe('\n0 routes: 0 open, 0 unknown, 0 skipped, 0 guarded.');
  });
});

describe('assertCoverage', () => {
  it('passes if every route is guarded, skipped or allowed', () => {
    assertCoverage(buildCoverage([]));
    assertCoverage(buildCoverage(routes), { allow: ['GET /healthz', 'ALL /api'] });
  });

  it('T31: names each route that is open or unknown, and each unused entry of allow', () => {
    const allow = ['GET /cases', 'GET /gone'];
    const message = [
      'Routes without a guard, or where none can be detected. Guard each one, or add it to "allow" exactly as shown here:',
      '  GET /healthz  (open)',
      '  ALL /api  (unknown: a router that cannot be seen)',
      'Entries of "allow" that match no unguarded route. Remove or correct them:',
      '  GET /cases',
      '  GET /gone',
    ].join('\n');
    const error = { code: 'host_setup', message };
    expect(() => assertCoverage(buildCoverage(routes), { allow })).toThrow(expect.objectContaining(error));
  });

  it('reports only what is wrong', () => {
    expect(() => assertCoverage(buildCoverage(routes))).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('Entries') }),
    );
    const allow = ['GET /healthz', 'ALL /api', 'GET /gone'];
    expect(() => assertCoverage(buildCoverage(routes), { allow })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('Routes without') }),
    );
  });
});
