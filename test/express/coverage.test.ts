import { expressMfa } from '@mfa-kit/express';
import { assertMfaCoverage, formatCoverage, mfaCoverage } from '@mfa-kit/express/coverage';
import type { ErrorRequestHandler, RequestHandler } from 'express';
import request from 'supertest';
import { describe, expect, it } from 'vitest';
import { createFixture } from '../support/core-fixture.js';
import { versions } from './host.js';

const { mfa } = createFixture();
/** Nobody is logged in, so every handler that answers has no guard before it. */
const {
  requireMfa,
  requireMfaExcept,
  router: endpoints,
} = expressMfa(mfa, { user: () => null, loginUrl: '/login', session: false });
const answer: RequestHandler = (_req, res) => void res.send('answered');

function statusOf(app: unknown, route: string): string | undefined {
  return mfaCoverage(app).routes.find((one) => one.route === route)?.status;
}

describe.each(versions)('the coverage report on Express $version', ({ express, version }) => {
  it('T31: distinguishes guarded, skipped and open routes, in the order in which they were added', () => {
    const app = express();
    app.get('/before', answer);
    app.use('/mfa', endpoints);
    app.use(requireMfaExcept(['/', '/about']));
    app.get('/', answer);
    app.get('/about', answer);
    app.get('/cases/:id', answer);
    app.post('/payouts', requireMfa({ maxAgeSeconds: 300 }), answer);
    const statuses = Object.fromEntries(mfaCoverage(app).routes.map(({ route, status }) => [route, status]));
    expect(statuses).toEqual({
      'GET /before': 'open',
      'USE /mfa (mfa-kit)': 'skipped',
      'GET /': 'skipped',
      'GET /about': 'skipped',
      'GET /cases/:id': 'guarded',
      'POST /payouts': 'guarded',
    });
  });

  it('a guard of a mount guards only paths below it', () => {
    const app = express();
    const inner = express.Router();
    inner.get('/list', answer);
    app.use('/admin', requireMfa(), inner);
    app.use('/public', inner);
    expect(statusOf(app, 'GET /admin/list')).toBe('guarded');
    expect(statusOf(app, 'GET /public/list')).toBe('open');
  });

  it('a guard of one method does not guard another, and app.all guards all', () => {
    const app = express();
    app.route('/a').get(requireMfa(), answer).post(answer);
    app.all('/b', requireMfa());
    app.post('/b', answer);
    expect(statusOf(app, 'GET /a')).toBe('guarded');
    expect(statusOf(app, 'POST /a')).toBe('open');
    expect(statusOf(app, 'POST /b')).toBe('guarded');
  });

  it('a route that it cannot inspect is unknown, never guarded', () => {
    const app = express();
    app.get('/late', answer, requireMfa(), answer);
    app.use('/sub', express().get('/x', answer));
    app.use('/files', express.static('.'));
    const report = mfaCoverage(app);
    expect(statusOf(app, 'GET /late')).toBe('unknown');
    for (const { route, status } of report.routes)
      if (route.startsWith('USE')) expect([route, status]).toEqual([route, 'unknown']);
    expect(report.routes.some(({ route }) => route.includes('/sub'))).toBe(true);
    expect(report.routes.some(({ route }) => route.includes('/files'))).toBe(true);
  });

  it('a guard does not count if an error, a command or another spelling bypasses it', () => {
    const app = express();
    const resume: ErrorRequestHandler = (_error, _req, _res, next) => next();
    const skip: RequestHandler = (_req, _res, next) => next('router');
    app.get('/resumed', requireMfa(), resume, answer);
    const inner = express.Router();
    inner.use(skip, requireMfa());
    app.use('/skipped', inner);
    app.get('/skipped/route', answer);
    const loading = express.Router();
    loading.param('id', (_req, res) => void res.send('answered'));
    loading.get('/:id', requireMfa(), answer);
    app.use('/loaded', loading);
    const exact = express.Router({ caseSensitive: true });
    exact.use('/spelled', requireMfa());
    app.use(exact);
    app.get('/spelled', answer);
    app.route('/head').get(requireMfa(), answer).head(answer);
    for (const route of ['GET /resumed', 'GET /skipped/route', 'GET /loaded/:id', 'GET /spelled', 'HEAD /head']) {
      expect([route, statusOf(app, route)]).toEqual([route, expect.stringMatching(/^(open|unknown)$/)]);
    }
  });

  it('a double slash after a mount, which only Express 4 removes, bypasses a guard without that mount', async () => {
    const app = express();
    app.all('/a/b', requireMfa());
    app.use('/a/c', requireMfa());
    const inner = express.Router();
    inner.get('/b', answer).get('/c/d', answer).get('/e', requireMfa(), answer);
    app.use('/a', inner);
    const held = version === 4 ? 'unknown' : 'guarded';
    expect(['GET /a/b', 'GET /a/c/d', 'GET /a/e'].map((route) => statusOf(app, route))).toEqual([held, held, 'guarded']);
    expect((await request(app).get('/a//b')).text === 'answered').toBe(version === 4);
  });

  it('a wrapper that looks like a guard does not count', () => {
    const app = express();
    const guard = requireMfa();
    const lookAlike: RequestHandler = (_req, _res, next) => next();
    app.use(Object.assign(lookAlike, guard, { toString: () => String(guard) }));
    app.get('/cases', answer);
    expect(statusOf(app, 'GET /cases')).toBe('open');
  });

  it('assertMfaCoverage lists open routes, how to fix them, and entries that match nothing', () => {
    const app = express();
    app.get('/healthz', answer);
    app.get('/planted', answer);
    app.get('/cases', requireMfa(), answer);
    expect(() => assertMfaCoverage(app, { allow: ['GET /healthz'] })).toThrowError(/GET \/planted {2}\(open\)/);
    expect(() => assertMfaCoverage(app, { allow: ['GET /healthz', 'GET /planted'] })).not.toThrow();
    expect(() => assertMfaCoverage(app, { allow: ['GET /healthz', 'GET /planted', 'GET /gone'] })).toThrowError('GET /gone');
    expect(() => assertMfaCoverage(app, { allow: ['GET /healthz', 'GET /planted', 'GET /cases'] })).toThrowError('GET /cases');
    expect(formatCoverage(mfaCoverage(app))).toContain('3 routes: 2 open, 0 unknown, 0 skipped, 1 guarded.');
    expect(() => mfaCoverage({})).toThrowError('express()');
  });
});
