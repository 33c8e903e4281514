import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { memoryStorage } from '@mfa-kit/core/storage/memory';
import { createAuthenticator, createClock } from '@mfa-kit/core/testing';
import { type RequestMfa, requestMfa } from '@mfa-kit/express';
import express, { type Request } from 'express';
import session, { MemoryStore } from 'express-session';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Client, expectStatus } from '../express/client.js';
import { DAY, KEY, MINUTE, NOON, orders } from './pair.js';
import { present, type Release, release1 } from './releases.js';

const users = [{ id: 'user-ada', name: 'ada@example.com' }];

/** An application of each release, on one profile store and one session store, as with a load balancer. */
async function openCluster() {
  const clock = createClock(NOON);
  const [profiles, sessions] = [memoryStorage(), new MemoryStore()];
  const servers: Server[] = [];
  const start = async (release: Release): Promise<string> => {
    const flows = release.createMfa({ issuer: 'Acme', keys: [KEY], storage: profiles, clock: clock.now });
    const byId = (id: string | undefined) => users.find((user) => user.id === id) ?? null;
    const kit = release.express.expressMfa(flows as never, {
      user: (req) => byId((req.session as { userId?: string } | undefined)?.userId),
      userById: byId,
      loginUrl: '/login',
    });
    const app = express();
    app.use(session({ secret: 'cat', resave: false, saveUninitialized: false, store: sessions, name: 'sid' }));
    app.use('/mfa', kit.router);
    app.post('/login', (req, res, next) => {
      (req.session as { userId?: string }).userId = 'user-ada';
      kit
        .mfaFor(req, res)
        .then((bound) => bound.beginLogin())
        .then((begun) => res.json(begun))
        .catch(next);
    });
    app.post('/password', (req, res, next) => {
      kit
        .mfaFor(req, res)
        .then((bound) => bound.passwordChanged())
        .then(() => res.json({}))
        .catch(next);
    });
    app.get('/cases', kit.requireMfa(), (req, res) => void res.json({ via: viaOf(req) }));
    app.post('/payouts', kit.requireMfa({ maxAgeSeconds: 300 }), (_req, res) => void res.json({}));
    const server = createServer(app);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const origins = { old: await start(release1), now: await start(present) };
  return {
    clock,
    /** A browser that sends its next request to `to`. */
    browser() {
      const balancer = { origin: origins.old };
      const client = new Client(balancer);
      return {
        cookies: client.cookies,
        to: (side: 'old' | 'now') => {
          balancer.origin = origins[side];
          return client;
        },
      };
    },
    async close() {
      for (const server of servers) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
}

describe.each(orders)(
  'UPG-1: sessions and cookies of Express work in both: $first begins, $second continues',
  ({ first, second }) => {
    let cluster: Awaited<ReturnType<typeof openCluster>>;
    beforeEach(async () => {
      cluster = await openCluster();
    });
    afterEach(() => cluster.close());

    async function enroll(browser = cluster.browser()) {
      expectStatus(await browser.to(first).post('/login'), 200);
      const started = expectStatus(await browser.to(second).post('/mfa/enroll', {}), 201);
      expect((await browser.to(first).get('/mfa/enroll')).body.uri).toBe(started.body.uri);
      const app = createAuthenticator(started.body.uri);
      const { enrollmentId } = started.body;
      const sent = { enrollmentId, code: app.code(cluster.clock.now()), rememberDevice: true };
      expectStatus(await browser.to(first).post('/mfa/enroll/confirm', sent), 200);
      const code = () => {
        cluster.clock.advance(MINUTE);
        return app.code(cluster.clock.now());
      };
      return { browser, code };
    }

    it('an enrollment, a proof and a step-up work with each request at the other release', async () => {
      const { browser, code } = await enroll();
      for (const side of [second, first]) expect((await browser.to(side).get('/cases')).body, side).toEqual({ via: 'otp' });
      cluster.clock.advance(10 * MINUTE);
      for (const side of [first, second]) expect((await browser.to(side).post('/payouts')).body.because, side).toBe('expired');
      expectStatus(await browser.to(first).post('/mfa/verify', { code: code() }), 200);
      expectStatus(await browser.to(second).post('/payouts'), 200);
      expectStatus(await browser.to(second).post('/mfa/verify', { code: code() }), 200);
      expectStatus(await browser.to(first).post('/payouts'), 200);
    });

    it('the cookie of a remembered device is rotated alternately', async () => {
      const { browser } = await enroll();
      const names = [...browser.cookies.keys()].filter((name) => name.includes('mfa_device'));
      for (const side of [second, first, second, first]) {
        cluster.clock.advance(DAY);
        browser.cookies.delete('sid');
        const before = browser.cookies.get(names[0] ?? '');
        const begun = expectStatus(await browser.to(side).post('/login'), 200);
        expect(begun.body.decision, side).toMatchObject({ access: 'allow', via: 'remembered-device' });
        expect(browser.cookies.get(names[0] ?? '')).not.toBe(before);
        expect([...browser.cookies.keys()].filter((name) => name.includes('mfa_device'))).toEqual(names);
        for (const other of [first, second]) {
          expect((await browser.to(other).get('/cases')).body).toEqual({ via: 'remembered-device' });
        }
      }
    });

    it('a login that one release began is proven at the other, and a new password ends the other sessions at both', async () => {
      const { browser, code } = await enroll();
      const other = cluster.browser();
      expectStatus(await other.to(first).post('/login'), 200);
      expect((await other.to(second).get('/cases')).body).toMatchObject({ status: 401, reason: 'challenge' });
      expectStatus(await other.to(second).post('/mfa/verify', { code: code() }), 200);
      expectStatus(await browser.to(second).get('/cases'), 200);
      expectStatus(await other.to(first).post('/password'), 200);
      for (const side of [first, second]) {
        expect((await browser.to(side).get('/cases')).body, side).toMatchObject({ status: 401, because: 'revoked' });
        expectStatus(await other.to(side).get('/cases'), 200);
      }
    });

    it('a device that is revoked at one release is challenged at both', async () => {
      const { browser, code } = await enroll();
      const other = cluster.browser();
      expectStatus(await other.to(first).post('/login'), 200);
      expectStatus(await other.to(first).post('/mfa/verify', { code: code() }), 200);
      const { devices } = (await other.to(second).get('/mfa')).body;
      const id = devices.find((device: { current: boolean }) => !device.current).id;
      expectStatus(await other.to(second).post('/mfa/devices/revoke', { id }), 204);
      for (const side of [first, second]) {
        browser.cookies.delete('sid');
        expect((await browser.to(side).post('/login')).body.decision, side).toMatchObject({ access: 'challenge' });
      }
    });
  },
);

/** Release 1 kept what its guard found in `req.mfa`. */
function viaOf(req: Request): string | undefined {
  return (requestMfa(req) ?? (req as { mfa?: RequestMfa }).mfa)?.decision.via;
}
