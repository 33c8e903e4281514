import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
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

/** Sends a URL that clients of a test would rewrite. */
async function statusOfUrl(app: RequestListener, url: string): Promise<number | undefined> {
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.write(`GET ${url} HTTP/1.1\r\nHost: host\r\nConnection: close\r\n\r\n`);
  const [head] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  server.close();
  return Number(head.toString().split(' ')[1]);
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
    loading.param('id', function load(_req, res) {
      res.send('answered');
    });
    loading.get('/:id', requireMfa(), answer);
    app.use('/loaded', loading);
    const exact = express.Router({ caseSensitive: true });
    exact.use('/spelled', requireMfa());
    app.use(exact);
    app.get('/spelled', answer);
    app.route('/head').get(requireMfa(), answer).head(answer);
    for (const route of ['GET /resumed', 'GET /skipped/route', 'PARAM :id (load)', 'GET /spelled', 'HEAD /head']) {
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
    const held = version === 4 ? 'open' : 'guarded';
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

  it('assertMfaCoverage lists open routes, and entries that match nothing', () => {
    const app = express();
    app.get('/healthz', answer);
    app.get('/planted', answer);
    app.get('/cases', requireMfa(), answer);
    expect(() => assertMfaCoverage(app, { allow: ['GET /healthz'] })).toThrowError("'GET /planted', // open");
    expect(() => assertMfaCoverage(app, { allow: ['GET /healthz', /planted$/] })).not.toThrow();
    expect(() => assertMfaCoverage(app, { allow: ['GET /healthz', 'GET /planted', 'GET /gone'] })).toThrowError('GET /gone');
    expect(() => assertMfaCoverage(app, { allow: ['GET /healthz', 'GET /planted', 'GET /cases'] })).toThrowError('GET /cases');
    expect(formatCoverage(mfaCoverage(app))).toContain('3 rows: 2 open, 0 unknown, 0 skipped, 1 guarded.');
    expect(() => mfaCoverage({})).toThrowError('express()');
  });

  it('F63: a guard mounted at a list of paths counts only where this version of Express runs it', async () => {
    const app = express();
    app.use(['/', '/admin'], requireMfa());
    app.get('/cases', answer).get('/admin/cases', answer);
    const [cases, admin] = ['GET /cases', 'GET /admin/cases'].map((route) => statusOf(app, route));
    expect([cases, admin]).toEqual([version === 4 ? 'guarded' : 'open', 'guarded']);
    expect((await request(app).get('/cases')).text === 'answered').toBe(version === 5);
  });

  it('F64: with strict routing, a guard of /admin does not guard /admin/', async () => {
    const app = express();
    app.enable('strict routing');
    app.all('/admin', requireMfa());
    app.get('/admin/', answer).get('/admin', answer);
    expect([statusOf(app, 'GET /admin/'), statusOf(app, 'GET /admin')]).toEqual(['open', 'guarded']);
    expect((await request(app).get('/admin/')).text).toBe('answered');
  });

  it('F65: a function that runs before the guard is a row, and fails until allow names it', () => {
    const app = express();
    app.use(function vhost(_req, _res, next) {
      next();
    });
    app.use((_req, _res, next) => next());
    app.use((_req, _res, next) => next());
    app.use(requireMfa());
    app.get('/cases', answer);
    const allow = ['USE / (vhost)', 'USE / (anonymous)'];
    expect(() => assertMfaCoverage(app, { allow })).toThrowError(
      "\n  'USE / (anonymous #2)', // unknown: runs before any guard, and may answer itself",
    );
    expect(() => assertMfaCoverage(app, { allow: [...allow, 'USE / (anonymous #2)'] })).not.toThrow();
  });

  it('F66: a guard of a route does not count after an error handler of that route', async () => {
    const { mfa: other } = createFixture();
    const user = (): never => {
      throw new Error('the store of users is down');
    };
    const { requireMfa: failing } = expressMfa(other, { user, loginUrl: '/login', session: false });
    const app = express();
    const resume: ErrorRequestHandler = (_error, _req, _res, next) => next();
    app.all('/x', failing(), resume as never);
    app.get('/x', answer);
    const why = 'an error handler after the guard may go on without it';
    expect(mfaCoverage(app).routes).toContainEqual({ route: 'GET /x', status: 'unknown', why });
    expect((await request(app).get('/x')).text).toBe('answered');
  });

  it('T31: names the request that reaches a guarded route without the guard', () => {
    const strict = express();
    strict.enable('strict routing');
    strict.all('/admin', requireMfa());
    strict.use('/admin', answer);
    expect(statusOf(strict, 'USE /admin (answer)')).toBe('unknown');
    strict.get(['/admin', '/ADMIN'], answer);
    expect(statusOf(strict, 'GET /ADMIN')).toBe('guarded');
    const sensitive = express();
    const exact = express.Router({ caseSensitive: true });
    sensitive.use(exact.all('/admin', requireMfa()));
    sensitive.get('/admin', answer);
    const why = 'GET /ADMIN reaches it without a guard';
    expect(mfaCoverage(sensitive).routes).toEqual([{ route: 'GET /admin', status: 'open', why }]);
  });

  it('T31: a function that copies the properties of a router, or a router with a handle of its own, is not read', async () => {
    const router = express.Router();
    router.use(requireMfa());
    const wrapper: RequestHandler = (req, res, next) => (req.query.skip ? next() : router(req, res, next));
    const copied = express();
    copied.use(Object.assign(wrapper, router));
    copied.get('/cases', answer);
    await request(copied).get('/cases?skip=1').expect(200, 'answered');
    expect(statusOf(copied, 'GET /cases')).toBe('open');

    const replaced = express();
    const other = express.Router();
    other.use(requireMfa());
    replaced.use(Object.assign(other, { handle: (_req: unknown, _res: unknown, next: () => void) => next() }));
    replaced.get('/cases', answer);
    await request(replaced).get('/cases').expect(200, 'answered');
    expect(statusOf(replaced, 'GET /cases')).toBe('open');
  });

  it('T31: a guard in a mounted router does not guard what is outside, because a request without a path there passes by', async () => {
    const app = express();
    const router = express.Router();
    router.use(requireMfa());
    router.get('/list', answer);
    app.use('/admin', router);
    app.get('/admin', answer);
    // After the mount is removed nothing is left that is a path.
    expect(await statusOfUrl(app, 'x://host/admin')).toBe(200);
    expect(statusOf(app, 'GET /admin')).toBe('unknown');
    expect(statusOf(app, 'GET /admin/list')).toBe('guarded');
  });

  it('T31: a guard of a path does not guard what is after a mount with parameters, which may change the path', async () => {
    const tenant = express.Router();
    tenant.get('/admin/list', answer);
    const inside = express();
    inside.use('/:tenant/admin', requireMfa());
    inside.use('/:tenant', tenant);
    const behind = express();
    behind.use('/:tenant/admin', requireMfa());
    behind.use('/:tenant', (_req, _res, next) => next());
    behind.get('/:tenant/admin/list', answer);
    for (const app of [inside, behind]) {
      expect(await statusOfUrl(app, '/{{/one/admin/list#')).toBe(200);
      expect(statusOf(app, 'GET /:tenant/admin/list')).not.toBe('guarded');
    }

    const whole = express();
    whole.use('/:tenant', requireMfa(), tenant);
    expect(statusOf(whole, 'GET /:tenant/admin/list')).toBe('guarded');
    const literal = express();
    literal.use('/admin', requireMfa());
    literal.use('/:page', (_req, _res, next) => next());
    literal.get('/admin/list', answer);
    expect(statusOf(literal, 'GET /admin/list')).toBe('guarded');
  });

  it('T31: a callback of param() also runs after an error of the guard, unless the layer is a route', async () => {
    const load: Parameters<ReturnType<typeof express.Router>['param']>[1] = (_req, res) => void res.send('answered');
    const app = express();
    const { requireMfa: failing } = expressMfa(mfa, {
      user: () => {
        throw new Error('the store of users is down');
      },
      loginUrl: '/login',
      session: false,
    });
    app.use(failing());
    app.param('id', load);
    app.get('/routes/:id', answer);
    expect(mfaCoverage(app).routes).toEqual([{ route: 'GET /routes/:id', status: 'guarded' }]);
    app.use('/mounts/:id', answer);
    expect(statusOf(app, 'PARAM :id (load)')).toBe('unknown');
    expect((await request(app).get('/mounts/1')).text).toBe('answered');
  });

  it('T31: shows the strictest requirement of the guards on the way', () => {
    const app = express();
    app.use(requireMfaExcept(['/'], { acceptRememberedDevice: false }));
    app.post('/payouts', requireMfa({ maxAgeSeconds: 600 }), requireMfa({ maxAgeSeconds: 300 }), answer);
    const requirement = { acceptRememberedDevice: false, maxAgeSeconds: 300 };
    expect(mfaCoverage(app).routes).toEqual([{ route: 'POST /payouts', status: 'guarded', requirement }]);
  });

  it('T31: names what leaves a route open on purpose', () => {
    const app = express();
    app.use(requireMfaExcept(['/about', '/files/public']));
    app.get('/about', answer).get('/files/:name', answer).get('/login', answer);
    expect(mfaCoverage(app).routes.map(({ why }) => why)).toEqual(
      ['/about', '/files/public', '/login'].map((path) => `requireMfaExcept: ${path}`),
    );
  });
});
