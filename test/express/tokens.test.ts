import { type Assurance, assuranceClaims, assuranceFromClaims } from '@mfa-kit/core';
import { createAuthenticator } from '@mfa-kit/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Client, enroll, expectStatus, logIn } from './client.js';
import { type Host, startHost, versions } from './host.js';

/** A client without browser, session or cookie. */
function tool(host: Host): Client {
  const client = new Client(host, { 'user-agent': 'acme-cli/1.0' });
  return client;
}

describe.each(versions)('a client with pending tokens on Express $version', ({ express }) => {
  let host: Host;

  beforeEach(async () => {
    host = await startHost({ express });
  });
  afterEach(() => host.close());

  async function beginLogin(name: string): Promise<string> {
    const user = host.users.get(name);
    if (!user) throw new Error('no such user');
    return (await host.mfa.beginLogin({ user })).pendingToken ?? '';
  }

  it('enrolls and verifies without a session, and each token works once', async () => {
    const client = tool(host);
    const pendingToken = await beginLogin('ada');
    const started = expectStatus(await client.post('/mfa/enroll', { pendingToken }), 201).body;
    const authenticator = createAuthenticator(started.uri);
    const sent = { pendingToken, enrollmentId: started.enrollmentId, code: authenticator.code(host.clock.now()) };
    const confirmed = expectStatus(await client.post('/mfa/enroll/confirm', sent), 200);
    expect(confirmed.body).toMatchObject({ assurance: { via: 'otp' }, recoveryCodes: expect.any(Array) });
    expect(confirmed.cookies).toEqual([]);
    host.clock.advance(60_000);
    const again = await beginLogin('ada');
    const code = authenticator.code(host.clock.now());
    expectStatus(await client.post('/mfa/verify', { pendingToken: again, code }), 200);
    host.clock.advance(60_000);
    const next = authenticator.code(host.clock.now());
    expect((await client.post('/mfa/verify', { pendingToken: again, code: next })).body).toMatchObject({
      status: 401,
      reason: 'pending_token_invalid',
    });
    client.cookies.clear();
    expect((await client.get('/cases')).status).toBe(401);
  });

  it('T21: is refused with anything but a pending token, and with one if a session user is logged in', async () => {
    const { client, code, recoveryCodes } = await enroll(host);
    const device = [...client.cookies].find(([name]) => name.includes('mfa_device'))?.[1] ?? '';
    const pendingToken = await beginLogin('ada');
    for (const token of ['', 'x', 'a.b.c', device, `${pendingToken}x`, pendingToken.split('.').slice(0, 2).join('.')]) {
      const answer = await tool(host).post('/mfa/verify', { pendingToken: token, recoveryCode: recoveryCodes[0] });
      expect(answer.body).toMatchObject({ status: 401, reason: 'pending_token_invalid' });
    }
    expect((await client.post('/mfa/verify', { pendingToken, code: code() })).body.reason).toBe('pending_token_invalid');
    const bob = await logIn(host, 'bob');
    expect((await bob.post('/mfa/enroll', { pendingToken })).body.reason).toBe('pending_token_invalid');
    expectStatus(await tool(host).post('/mfa/verify', { pendingToken, recoveryCode: recoveryCodes[0] }), 200);
  });

  it('does not bypass the origin check for a browser', async () => {
    const pendingToken = await beginLogin('ada');
    const headers = [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }, { cookie: 'x=1' }] as Record<
      string,
      string
    >[];
    for (const sent of headers) {
      expect((await tool(host).post('/mfa/enroll', { pendingToken }, sent)).body.reason).toBe('cross_site');
    }
    expect((await tool(host).post('/mfa/sessions/end', { pendingToken })).body.reason).toBe('cross_site');
  });

  it('stores its device token itself and sends it in a header', async () => {
    const { code } = await enroll(host);
    const client = tool(host);
    const pendingToken = await beginLogin('ada');
    const sent = { pendingToken, code: code(), rememberDevice: true };
    const verified = expectStatus(await client.post('/mfa/verify', sent, { 'mfa-device': '' }), 200);
    expect(verified.body.deviceToken).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
    expect(verified.cookies).toEqual([]);
    const login = await client.post('/login?user=ada', undefined, { 'mfa-device': verified.body.deviceToken });
    expect(login.body).toMatchObject({ decision: { access: 'allow', via: 'remembered-device' } });
    const user = host.users.get('bob');
    expect(user).toBeDefined();
    const other = await tool(host).post('/login?user=bob', undefined, { 'mfa-device': verified.body.deviceToken });
    expect(other.body.decision.access).toBe('enroll');
  });

  it('creates no device if it cannot store its token', async () => {
    const { client, code } = await enroll(host);
    for (let index = 0; index < 3; index++) {
      await tool(host).post('/mfa/verify', { pendingToken: await beginLogin('ada'), code: code() });
    }
    expect((await client.get('/mfa')).body.devices).toHaveLength(1);
  });
});

describe.each(versions)('a bearer API on Express $version', ({ express }) => {
  let host: Host;
  const tokens = new Map<string, Record<string, unknown>>();
  let counter = 0;

  function issue(claims: Record<string, unknown>): string {
    counter += 1;
    tokens.set(`token-${counter}`, claims);
    return `token-${counter}`;
  }

  beforeEach(async () => {
    const claimsOf = (authorization: string | undefined) => tokens.get(authorization?.replace('Bearer ', '') ?? '');
    const byId = (id: unknown) => [...(host?.users.values() ?? [])].find((user) => user.id === id) ?? null;
    host = await startHost({
      express,
      session: null,
      kit: {
        user: (req) => byId(claimsOf(req.headers.authorization)?.sub),
        assurance: (req) => assuranceFromClaims(claimsOf(req.headers.authorization) ?? {}),
        onVerified: (_req, { user, assurance, endpoint }) => ({ accessToken: accessToken(user.id, assurance), endpoint }),
      },
    });
  });
  afterEach(() => host.close());

  function accessToken(sub: string, assurance: Assurance): string {
    return issue({ sub, ...assuranceClaims(assurance, ['pwd']) });
  }

  function bearer(token: string): Client {
    return new Client(host, { authorization: `Bearer ${token}` });
  }

  async function enrollTool() {
    const ada = host.users.get('ada');
    if (!ada) throw new Error('no ada');
    const { pendingToken } = await host.mfa.beginLogin({ user: ada });
    const started = expectStatus(await tool(host).post('/mfa/enroll', { pendingToken }), 201).body;
    const authenticator = createAuthenticator(started.uri);
    const sent = { pendingToken, enrollmentId: started.enrollmentId, code: authenticator.code(host.clock.now()) };
    const confirmed = expectStatus(await tool(host).post('/mfa/enroll/confirm', sent), 200);
    expect(confirmed.body.endpoint).toBe('enroll');
    const code = () => {
      host.clock.advance(60_000);
      return authenticator.code(host.clock.now());
    };
    return { token: String(confirmed.body.accessToken), code };
  }

  it('reads the assurance from the token, without a session', async () => {
    const { token } = await enrollTool();
    const answer = expectStatus(await bearer(token).get('/cases'), 200);
    expect([answer.body.via, answer.cookies]).toEqual(['otp', []]);
    expect((await bearer('unknown').get('/cases')).body).toMatchObject({ status: 401, reason: 'login_again' });
  });

  it('SES-6, STP-2: challenges a token without facts and issues a new one after the step-up', async () => {
    const { code } = await enrollTool();
    const plain = bearer(issue({ sub: 'user-ada', amr: ['pwd'] }));
    const refused = await plain.get('/cases');
    expect(refused.body).toMatchObject({ status: 401, reason: 'challenge' });
    expect(refused.headers.get('www-authenticate')).toContain('insufficient_user_authentication');
    expect((await plain.post('/mfa/verify', { code: '000000' })).status).toBe(422);
    const verified = expectStatus(await plain.post('/mfa/verify', { code: code() }), 200);
    expect(verified.body.endpoint).toBe('verify');
    expectStatus(await bearer(verified.body.accessToken).post('/payouts', {}), 201);
  });

  it('T33: ignores an assurance of another user', async () => {
    const { token } = await enrollTool();
    const claims = tokens.get(token);
    const forged = bearer(issue({ ...claims, sub: 'user-bob' }));
    expect((await forged.get('/cases')).status).not.toBe(200);
  });

  it('gets a new token from a change that ends the old ones', async () => {
    const { token } = await enrollTool();
    const ended = expectStatus(await bearer(token).post('/mfa/sessions/end', {}), 200);
    expect(ended.body.endpoint).toBe('manage');
    expect((await bearer(token).get('/cases')).status).toBe(401);
    expectStatus(await bearer(ended.body.accessToken).get('/cases'), 200);
  });
});
