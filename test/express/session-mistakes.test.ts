import type { RequestHandler } from 'express';
import session from 'express-session';
import { afterEach, describe, expect, it } from 'vitest';
import { watchWarnings } from '../support/warnings.js';
import { Client, enroll, expectStatus, logIn } from './client.js';
import { type Host, type HostOptions, startHost, versions } from './host.js';

const warnings = watchWarnings();
let host: Host | undefined;
let toldOfRevival = false;
afterEach(async () => {
  await host?.close();
  host = undefined;
});

describe.each(versions)('SES-4: a wrong session denies and says what is wrong, on Express $version', ({ express }) => {
  async function start(given: Omit<HostOptions, 'express'> = {}): Promise<Host> {
    host = await startHost({ express, ...given });
    return host;
  }

  it('no session', async () => {
    const { errors, origin } = await start({ session: null });
    const client = new Client({ origin });
    for (const path of ['/cases', '/mfa', '/mfa/challenge']) expectStatus(await client.get(path), 500);
    expectStatus(await client.post('/mfa/verify', { code: '123456' }), 500);
    expect(errors).toHaveLength(4);
    for (const error of errors) {
      expect(error).toMatchObject({ name: 'MfaError', code: 'host_setup' });
      expect(String(error)).toMatch(/no session on this request\. Mount app\.use\(session\(\.\.\.\)\) before the kit, its guard/);
    }
  });

  it('the guard before the session', async () => {
    const early: { guard?: RequestHandler } = {};
    const { errors, origin, requireMfa } = await start({
      before: [(req, res, next) => (req.path === '/cases' && early.guard ? early.guard(req, res, next) : next())],
    });
    early.guard = requireMfa();
    expectStatus(await new Client({ origin }).get('/cases'), 500);
    expect(errors[0]).toMatchObject({ name: 'MfaError', code: 'host_setup' });
    expect(String(errors[0])).toMatch(/Mount app\.use\(session\(\.\.\.\)\) before the kit, its guard and the login/);
  });

  it('F85: a session that a slow request saves after its id was renewed', async () => {
    const waiting: (() => void)[] = [];
    const served = await start({
      routes: ({ app }) => {
        app.get('/slow', async (req, res) => {
          Object.assign(req.session, { seen: waiting.length });
          if (req.query.save !== undefined) await new Promise<void>((resolve) => req.session.save(() => resolve()));
          await new Promise<void>((resolve) => waiting.push(resolve));
          res.sendStatus(204);
        });
      },
    });
    const { client, code } = await enroll(served);
    /** Runs a step-up during a slow request. Returns the browser with the old session id. */
    const overtake = async (path: string): Promise<Client> => {
      const old = new Client(served);
      for (const [name, value] of client.cookies) old.cookies.set(name, value);
      const before = waiting.length;
      const slow = old.get(path);
      await expect.poll(() => waiting.length).toBe(before + 1);
      expectStatus(await client.post('/mfa/verify', { code: code() }), 200);
      waiting[before]?.();
      expectStatus(await slow, 204);
      return old;
    };
    const saved = await overtake('/slow?save');
    expect((await saved.get('/cases')).body.reason).toBe('login_again');
    expect(warnings.filter((line) => line.startsWith('MFA_KIT_SESSION_REVIVED'))).toEqual([]);
    const revived = await overtake('/slow');
    expect((await revived.get('/session')).body.data.userId).toBe('user-ada');
    expect((await revived.get('/cases')).body).toMatchObject({ status: 401, reason: 'challenge', because: 'missing' });
    expectStatus(await client.get('/cases'), 200);
    expectStatus(await client.post('/logout'), 204);
    expect((await revived.get('/cases')).status).toBe(401);
    // The warning is emitted once per process.
    toldOfRevival ||= warnings.some((line) =>
      line.startsWith('MFA_KIT_SESSION_REVIVED: A session was used after its id was renewed'),
    );
    expect(toldOfRevival).toBe(true);
  });

  it('F85: a request of another tab during a step-up neither restores the old session id nor removes the new one', async () => {
    let hold: Promise<void> | undefined;
    let held = 0;
    const served = await start({
      kit: {
        user: async (req) => {
          const user = served.users.get(req.session.userId?.replace('user-', '') ?? '');
          if (req.get('x-slow') !== undefined && hold) {
            held += 1;
            await hold;
          }
          return user;
        },
      },
    });
    const { client, code } = await enroll(served);
    for (const [method, path] of [
      ['get', '/mfa/challenge'],
      ['post', '/mfa/enroll'],
      ['post', '/mfa/sessions/end'],
    ] as const) {
      let release = () => {};
      hold = new Promise((resolve) => {
        release = resolve;
      });
      const tab = new Client(served);
      for (const [name, value] of client.cookies) tab.cookies.set(name, value);
      const before = held;
      const slow = method === 'get' ? tab.get(path, { headers: { 'x-slow': '1' } }) : tab.post(path, {}, { 'x-slow': '1' });
      await expect.poll(() => held).toBe(before + 1);
      expectStatus(await client.post('/mfa/verify', { code: code() }), 200);
      const ids = (await served.store.ids()).sort();
      release();
      const answer = await slow;
      expect([path, answer.status, answer.headers.getSetCookie().filter((line) => line.startsWith('sid='))]).toEqual([
        path,
        503,
        [],
      ]);
      expect([path, (await served.store.ids()).sort()]).toEqual([path, ids]);
      expectStatus(await client.get('/cases'), 200);
    }
  });

  it('a session that some guarded paths do not have', async () => {
    const sessions = session({ secret: 'cat', resave: false, saveUninitialized: false, name: 'sid' });
    const served = await start({
      session: (req, res, next) => (req.path.startsWith('/payouts') ? next() : sessions(req, res, next)),
    });
    const { client } = await enroll(served);
    expectStatus(await client.get('/cases'), 200);
    expectStatus(await client.post('/payouts', {}), 500);
    expect(served.errors[0]).toMatchObject({ name: 'MfaError', code: 'host_setup' });
    expect(String(served.errors[0])).toMatch(/Mount app\.use\(session\(\.\.\.\)\) before the kit, its guard/);
  });

  it('a session that cannot be renewed, as with cookie-session', async () => {
    const kept: Record<string, unknown> = {};
    const { errors, origin } = await start({
      session: (req, _res, next) => {
        Object.assign(req, { session: kept });
        next();
      },
    });
    const client = new Client({ origin });
    expectStatus(await client.post('/login?user=ada'), 500);
    for (const path of ['/cases', '/mfa', '/mfa/challenge']) expectStatus(await client.get(path), 500);
    for (const error of errors) expect(error).toMatchObject({ name: 'MfaError', code: 'host_setup' });
    expect(String(errors[0])).toContain('Use express-session, or set the option session: { read, write }');
    expect(kept).not.toHaveProperty('mfa');
  });

  it('a session store that fails', async () => {
    const served = await start();
    const { code } = await enroll(served);
    const client = await logIn(served);
    served.store.failSets = 1;
    const answer = await client.post('/mfa/verify', { code: code() });
    expect(answer.body).toMatchObject({ status: 503, reason: 'unavailable' });
    expect((await client.get('/cases')).body).toMatchObject({ status: 401, reason: 'challenge' });
    expect(warnings).toEqual([expect.stringMatching(/^MFA_KIT_SESSION_STORE: The session store did not take the MFA state/)]);
    expect(warnings[0]).not.toContain('INSERT');
  });
});
