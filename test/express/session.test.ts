import type { Assurance } from '@mfa-kit/core';
import { verifiedSession } from '@mfa-kit/core/testing';
import session from 'express-session';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Client, enroll, expectStatus, logIn } from './client.js';
import { FaultyStore, type Host, startHost, versions } from './host.js';

describe.each(versions)('the session on Express $version', ({ express }) => {
  let host: Host;

  beforeEach(async () => {
    host = await startHost({ express });
  });
  afterEach(() => host.close());

  it('T23, SES-1: has a new id after the proof, ends the old one and keeps the data of the host', async () => {
    const { code } = await enroll(host);
    const client = await logIn(host);
    expectStatus(await client.post('/cart'), 204);
    const old = new Client(host);
    old.cookies.set('sid', client.cookies.get('sid') ?? '');
    const before = (await client.get('/session')).body;
    const verified = expectStatus(await client.post('/mfa/verify', { code: code() }), 200);
    expect(verified.cookies.find((line) => line.startsWith('sid='))).toMatch(/Expires=/);
    const after = (await client.get('/session')).body;
    expect(after.id).not.toBe(before.id);
    expect(after.data).toMatchObject({ userId: 'user-ada', cart: ['book'], mfa: { state: 'verified' } });
    expect(after.data.cookie.originalMaxAge).toBeGreaterThan(6 * 86_400_000);
    expect((await old.get('/session')).body.data).not.toHaveProperty('userId');
    expect((await old.get('/cases')).status).toBe(401);
    expect(await host.store.ids()).not.toContain(before.id);
  });

  it('T23: has a new id after the enrollment and after the login', async () => {
    const client = new Client(host);
    await client.post('/cart');
    const ids = [(await client.get('/session')).body.id];
    await logIn(host, 'ada', client);
    ids.push((await client.get('/session')).body.id);
    await enroll(host, 'ada', client);
    ids.push((await client.get('/session')).body.id);
    expect(new Set(ids).size).toBe(3);
    expect((await client.get('/session')).body.data.cart).toEqual(['book']);
  });

  it('T36: stores ids and times of a pending login, but no code or secret', async () => {
    const client = await logIn(host);
    await client.post('/mfa/enroll', {});
    const { mfa } = (await client.get('/session')).body.data;
    expect(Object.keys(mfa).sort()).toEqual(['deviceEpoch', 'enrollmentIds', 'epoch', 'since', 'state', 'userId']);
  });

  it('SES-1, FLT-1: answers 503 and grants nothing if the store does not save the proof', async () => {
    const { code } = await enroll(host);
    for (const fault of ['failSets', 'failDestroys'] as const) {
      const client = await logIn(host);
      host.store[fault] = 1;
      const answer = await client.post('/mfa/verify', { code: code(), rememberDevice: true });
      expect(answer.body).toMatchObject({ status: 503, reason: 'unavailable' });
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
      expect(answer.text).not.toContain('INSERT');
      expect(answer.cookies.some((line) => line.startsWith('__Host-mfa_device'))).toBe(false);
      expect((await client.get('/cases')).status).toBe(401);
      expectStatus(await client.post('/mfa/verify', { code: code() }), 200);
      expectStatus(await client.get('/cases'), 200);
    }
  });

  it('a login that the store does not save fails and leaves no older proof', async () => {
    const { client } = await enroll(host);
    host.store.failSets = 1;
    expect((await client.post('/login?user=ada')).body.decision).toMatchObject({ access: 'unavailable' });
    expect((await client.get('/cases')).status).not.toBe(200);
  });

  it('T22, T33: another user in the same session, or the same user again, starts without a proof', async () => {
    const { client } = await enroll(host);
    await enroll(host, 'bob');
    await logIn(host, 'bob', client);
    expect((await client.get('/cases')).body).toMatchObject({ status: 401, reason: 'challenge' });
    await logIn(host, 'ada', client);
    expect((await client.get('/cases')).body).toMatchObject({ status: 401, reason: 'challenge' });
  });

  it('SES-3, T22: a proof no longer counts after sessions were ended elsewhere', async () => {
    const { client, code } = await enroll(host);
    const other = await logIn(host);
    expectStatus(await other.post('/mfa/verify', { code: code() }), 200);
    expectStatus(await other.post('/mfa/sessions/end', {}), 204);
    expectStatus(await other.get('/cases'), 200);
    expect((await client.get('/cases')).body).toMatchObject({ status: 401, because: 'revoked' });
  });

  it('TOTP-7: two identical submits of one form give one proof and a valid session', async () => {
    const { code } = await enroll(host);
    const client = await logIn(host);
    host.events.length = 0;
    const sent = { code: code() };
    const answers = await Promise.all([client.post('/mfa/verify', sent), client.post('/mfa/verify', sent)]);
    expect(answers.map(({ status }) => status).filter((status) => status === 200)).toHaveLength(1);
    expect(host.names().filter((name) => name === 'verified')).toHaveLength(1);
    expectStatus(await client.get('/cases'), 200);
  });
});

describe.each(versions)('a login without beginLogin(), on Express $version', ({ express }) => {
  it('is challenged at its first guarded request, warns once for each cause, and enrolls only after a new login', async () => {
    const warnings: string[] = [];
    const onWarning = (warning: Error & { code?: string }) => {
      if (warning.code === 'MFA_KIT_NO_BEGIN_LOGIN') warnings.push(warning.message);
    };
    process.on('warning', onWarning);
    const host = await startHost({ express, forgetBeginLogin: true });
    try {
      for (let session = 0; session < 2; session++) {
        expect((await (await logIn(host)).get('/cases')).body).toMatchObject({ status: 403, reason: 'enroll' });
      }
      // Another user logs in within the same session, which still holds the state of the first.
      const client = await logIn(host);
      for (const user of ['ada', 'bob', 'ada', 'bob']) {
        await logIn(host, user, client);
        expect((await client.get('/cases')).body).toMatchObject({ reason: 'enroll' });
        // The kit's own pages begin the login; the guard writes nothing.
        expect((await client.post('/mfa/enroll', {})).body).toMatchObject({ reason: 'login_again' });
      }
      const page = await client.page('GET', '/mfa/enroll');
      expect(page.status).toBe(401);
      expect(page.text).toContain('Your login is too old for this step.');
      expect(page.text).toContain('<a class="primary" href="/login">');
      expect((await client.post('/mfa/enroll', {})).body).toMatchObject({ status: 401, reason: 'login_again' });
      await new Promise(setImmediate);
      expect(warnings).toEqual([
        expect.stringMatching(/^A session had no MFA state of its user at its first guarded request\. .*beginLogin\(\)/),
        expect.stringMatching(/^A session had the MFA state of another user .*beginLogin\(\)/),
      ]);
    } finally {
      process.off('warning', onWarning);
      await host.close();
    }
  });

  it('challenges an enrolled user and accepts the code', async () => {
    const host = await startHost({ express, forgetBeginLogin: true });
    try {
      const { mfa, clock } = host;
      const ada = host.users.get('ada');
      if (!ada) throw new Error('no ada');
      const { authenticator } = await verifiedSession(mfa, ada);
      clock.advance(60_000);
      const client = await logIn(host);
      expect((await client.post('/mfa/verify', { code: authenticator.code(clock.now()) })).status).toBe(200);
      expectStatus(await client.get('/cases'), 200);
    } finally {
      await host.close();
    }
  });
});

it.each(versions)('two functions support another session middleware, on Express $version', async ({ express }) => {
  const states = new Map<string, unknown>();
  const renewals: string[] = [];
  const store = new FaultyStore();
  const host = await startHost({
    express,
    session: session({ secret: 'x', resave: false, saveUninitialized: false, store, name: 'sid' }),
    kit: {
      session: {
        read: (req) => states.get(String(req.session.userId)),
        async write(req, next, { renew }) {
          if (renew) renewals.push(String(req.session.userId));
          states.set(String(req.session.userId), JSON.parse(JSON.stringify(next ?? null)));
        },
      },
    },
  });
  const { client } = await enroll(host);
  expect((await client.get('/cases')).body.via).toBe('otp');
  expect(renewals).toEqual(['user-ada', 'user-ada']);
  await host.close();
});

describe.each(versions)('a session together with tokens on Express $version', ({ express }) => {
  it.each([
    ['null', null],
    ['undefined', undefined],
  ])('SES-1, SES-3, F45: an Authorization header changes nothing if assurance() returns %s', async (_what, given) => {
    const host = await startHost({ express, kit: { assurance: () => given } });
    try {
      const headers = { authorization: 'Bearer x', 'sec-fetch-site': 'same-origin' };
      const { client, code } = await enroll(host);
      const thief = new Client(host, headers);
      thief.cookies.set('sid', client.cookies.get('sid') ?? '');
      expectStatus(await thief.get('/cases'), 200);
      await host.mfa.passwordChanged({ userId: 'user-ada' });
      expect((await thief.get('/cases')).body).toMatchObject({ status: 401, reason: 'challenge' });

      const again = await logIn(host);
      expectStatus(await again.post('/mfa/verify', { code: code() }), 200);
      const before = (await again.get('/session')).body.id;
      expectStatus(await again.post('/login?user=ada', undefined, headers), 200);
      const after = (await again.get('/session')).body;
      expect([after.id === before, after.data.mfa.state]).toEqual([false, 'pending']);
      expect((await again.get('/cases')).body).toMatchObject({ status: 401, reason: 'challenge' });
    } finally {
      await host.close();
    }
  });

  it('F45: a token counts if the session has no state, and nothing is written', async () => {
    const tokens: Assurance[] = [];
    const host = await startHost({
      express,
      kit: {
        user: (req) => {
          const id = req.session.userId ?? (req.headers.authorization ? 'user-ada' : undefined);
          return id === undefined ? null : { id, name: id };
        },
        assurance: ({ headers: { authorization } }) => (authorization ? (tokens[0] ?? null) : undefined),
      },
    });
    try {
      const { session } = await verifiedSession(host.mfa, { id: 'user-ada', name: 'user-ada' });
      const api = new Client(host, { authorization: 'Bearer x' });
      const refused = await api.get('/cases');
      expect([refused.body.reason, refused.cookies]).toEqual(['challenge', []]);
      tokens.push(session.assurance);
      const answer = expectStatus(await api.get('/cases'), 200);
      expect([answer.body.via, answer.cookies]).toEqual(['otp', []]);
    } finally {
      await host.close();
    }
  });
});
