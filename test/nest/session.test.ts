import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Client, enroll, expectStatus, logIn } from '../express/client.js';
import { type Host, startHost, userOf } from './host.js';

const kinds = [
  { platform: 'express', session: 'express-session', stored: true },
  { platform: 'fastify', session: '@fastify/session', stored: true },
  { platform: 'fastify', session: '@fastify/secure-session', stored: false },
] as const;

describe.each(kinds)('$session on Nest with $platform', ({ stored, ...given }) => {
  let host: Host;
  beforeEach(async () => {
    host = await startHost(given);
  });
  afterEach(() => host.close());

  it('T23, SES-1: is renewed at the proof, keeps the data of the host, and the old one proves nothing', async () => {
    const { code } = await enroll(host);
    const client = await logIn(host);
    expectStatus(await client.post('/cart'), 204);
    const old = new Client(host);
    old.cookies.set('sid', client.cookies.get('sid') ?? '');
    const before = (await client.get('/session')).body;
    expectStatus(await client.post('/mfa/verify', { code: code() }), 200);
    expect(client.cookies.get('sid')).not.toBe(old.cookies.get('sid'));
    const after = (await client.get('/session')).body;
    expect(after.data).toMatchObject({ userId: 'user-ada', cart: ['book'], mfa: { state: 'verified' } });
    expectStatus(await client.get('/cases'), 200);
    expect((await old.get('/cases')).status).toBe(401);
    if (!stored) return;
    expect(after.id).not.toBe(before.id);
    expect(await host.store.ids()).not.toContain(before.id);
    expect((await old.get('/session')).body.data ?? {}).not.toHaveProperty('userId');
  });

  it.runIf(stored)('keeps the lifetime that the host gave its cookie', async () => {
    const { code } = await enroll(host);
    const client = await logIn(host);
    expectStatus(await client.post('/cart'), 204);
    const { cookies } = expectStatus(await client.post('/mfa/verify', { code: code() }), 200);
    expect(cookies.find((line) => line.startsWith('sid='))).toMatch(/Expires=/);
    expect((await client.get('/session')).body.data.cookie.originalMaxAge).toBeGreaterThan(6 * 86_400_000);
  });

  it('T22, T33: of another user, or of the same user again, starts without a proof', async () => {
    const { client } = await enroll(host);
    await enroll(host, 'bob');
    await logIn(host, 'bob', client);
    expect((await client.get('/cases')).body).toMatchObject({ status: 401, reason: 'challenge' });
    await logIn(host, 'ada', client);
    expect((await client.get('/cases')).body).toMatchObject({ status: 401, reason: 'challenge' });
  });

  it('SES-3: no longer counts after sessions were ended elsewhere, even the cookie of a stateless one', async () => {
    const { client, code } = await enroll(host);
    const other = await logIn(host);
    expectStatus(await other.post('/mfa/verify', { code: code() }), 200);
    expectStatus(await other.post('/mfa/sessions/end', {}), 204);
    expectStatus(await other.get('/cases'), 200);
    expect((await client.get('/cases')).body).toMatchObject({ status: 401, because: 'revoked' });
  });

  it('ends at the logout', async () => {
    const { client } = await enroll(host);
    expectStatus(await client.post('/logout'), 204);
    expect((await client.get('/cases')).body).toMatchObject({ status: 401, reason: 'login_again' });
  });

  it.runIf(stored)('SES-1, FLT-1: gets 503 and nothing is granted if its store does not save it', async () => {
    const { code } = await enroll(host);
    for (const fault of ['failSets', 'failDestroys'] as const) {
      const client = await logIn(host);
      host.store[fault] = 1;
      const answer = await client.post('/mfa/verify', { code: code(), rememberDevice: true });
      expect(answer.body).toMatchObject({ status: 503, reason: 'unavailable' });
      expect(answer.cookies.some((line) => line.startsWith('__Host-mfa_device'))).toBe(false);
      expect((await client.get('/cases')).status).toBe(401);
    }
  });
});

describe.each(['express', 'fastify'] as const)('two functions in place of a session, on Nest with %s', (platform) => {
  it('store the state where the host says, synchronously or asynchronously', async () => {
    const states = new Map<string, unknown>();
    const renewals: boolean[] = [];
    const host = await startHost({
      platform,
      session: 'none',
      kit: {
        user: ({ request }) => {
          const id = request.headers['x-user'];
          return id === undefined ? null : { id, name: id };
        },
        session: {
          read: async (request) => states.get(String(request.headers['x-user'])),
          async write(request, next, { renew }) {
            renewals.push(renew);
            states.set(String(request.headers['x-user']), JSON.parse(JSON.stringify(next ?? null)));
          },
        },
      },
    });
    try {
      const client = new Client(host, { 'sec-fetch-site': 'same-origin', 'x-user': 'user-ada' });
      const { code } = await enroll(host, 'ada', client);
      expect((await client.get('/cases')).body).toEqual({ via: 'otp', userId: 'user-ada' });
      await client.post('/login?user=ada');
      expect((await client.get('/cases')).status).toBe(401);
      expectStatus(await client.post('/mfa/verify', { code: code() }), 200);
      expect(renewals.filter(Boolean)).toHaveLength(4);
    } finally {
      await host.close();
    }
  });
});

describe.each(['express', 'fastify'] as const)('no sessions but tokens, on Nest with %s', (platform) => {
  it('the assurance of a verified token counts, and a pending token leads to one', async () => {
    const minted: { assurance?: never }[] = [];
    const host: Host = await startHost({
      platform,
      session: 'none',
      kit: {
        session: false,
        user: (caller) => (caller.request.headers.authorization ? (host.users.get('ada') ?? null) : userOf(new Map(), caller)),
        assurance: (request) => minted[Number(request.headers.authorization?.slice('Bearer '.length))]?.assurance,
        onVerified: (_request, { assurance }) => ({ token: `Bearer ${minted.push({ assurance: assurance as never }) - 1}` }),
      },
    });
    try {
      const ada = host.users.get('ada');
      if (!ada) throw new Error('no ada');
      const { pendingToken } = await host.mfa.beginLogin({ user: ada });
      const client = new Client(host, {});
      const started = expectStatus(await client.post('/mfa/enroll', { pendingToken }), 201).body;
      const { createAuthenticator } = await import('@mfa-kit/core/testing');
      const code = createAuthenticator(started.uri).code(host.clock.now());
      const sent = { pendingToken, enrollmentId: started.enrollmentId, code };
      const { token } = expectStatus(await client.post('/mfa/enroll/confirm', sent), 200).body;
      expect((await client.get('/cases', { headers: { authorization: token } })).body).toMatchObject({ via: 'otp' });
      expect((await client.get('/cases', { headers: { authorization: 'Bearer 9' } })).body).toMatchObject({
        reason: 'challenge',
      });
      expect((await client.get('/cases')).body).toMatchObject({ reason: 'login_again' });
    } finally {
      await host.close();
    }
  });
});

describe.each(kinds)('$session together with tokens on Nest with $platform', ({ platform, session }) => {
  it.each([
    ['null', null],
    ['undefined', undefined],
  ])('SES-1, SES-3, F45: an Authorization header changes nothing if assurance() returns %s', async (_what, given) => {
    const host = await startHost({ platform, session, kit: { assurance: () => given } });
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
      expectStatus(await again.post('/login?user=ada', undefined, headers), 200);
      expect((await again.get('/cases')).body).toMatchObject({ status: 401, reason: 'challenge' });
    } finally {
      await host.close();
    }
  });
});
