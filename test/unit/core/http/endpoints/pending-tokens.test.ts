import type { Assurance } from '@mfa-kit/core';
import type { VerifiedRequest } from '@mfa-kit/core/http';
import { createAuthenticator } from '@mfa-kit/core/testing';
import { describe, expect, it } from 'vitest';
import { ada, bob, MINUTE, type TestUser, wrongCode } from '../../../../support/core-fixture.js';
import { createTestApp, enrollBy } from '../test-app.js';

/** A host that issues a new access token for every proof. */
async function setUp() {
  const calls: [string, VerifiedRequest<TestUser>][] = [];
  const app = await createTestApp({
    onVerified: (request, verified) => {
      calls.push([request, verified]);
      return { accessToken: `for ${verified.user.name}`, assurance: 'not mine', returnTo: 'nor mine' };
    },
  });
  return { ...app, calls };
}

const INVALID = { status: 401, reason: 'pending_token_invalid' };

describe('a client with a pending token', () => {
  it('proves a code once, and gets the assurance and the fields that the host adds', async () => {
    const { tool, pendingToken, code, calls } = await setUp();
    const token = await pendingToken();
    const client = tool();
    const answer = await client.post('/verify', { pendingToken: token, code: code() });
    expect(answer.status).toBe(200);
    const assurance = expect.objectContaining({ userId: ada.id, via: 'otp' });
    expect(answer.body).toEqual({ accessToken: 'for ada@example.com', assurance, returnTo: '/home' });
    expect(calls).toEqual([['request', { user: ada, assurance: answer.body.assurance, endpoint: 'verify' }]]);
    expect(answer.cookies).toEqual([]);
    const again = await client.post('/verify', { pendingToken: token, code: code() });
    expect(again.body).toMatchObject(INVALID);
    expect(again.header('www-authenticate')).toBe('Bearer error="invalid_token"');
  });

  it('enrolls', async () => {
    const { tool, pendingToken, clock, calls } = await setUp();
    const token = await pendingToken(bob);
    const client = tool();
    const canceled = (await client.post('/enroll', { pendingToken: token })).body.enrollmentId;
    const dropped = await client.post('/enroll/cancel', { pendingToken: token, enrollmentId: canceled });
    expect([dropped.status, dropped.text]).toEqual([204, '']);
    const confirmed = await enrollBy(client, clock.now, { pendingToken: token, name: 'Phone' });
    expect(confirmed.body).toMatchObject({
      authenticator: { name: 'Phone' },
      recoveryCodes: expect.any(Array),
      assurance: { userId: bob.id },
      accessToken: 'for bob@example.com',
    });
    expect(calls).toEqual([['request', { user: bob, assurance: confirmed.body.assurance, endpoint: 'enroll' }]]);
  });

  it('leaves no device behind that it could not show again, unless it keeps one', async () => {
    const { tool, pendingToken, code, mfa, session, browser } = await setUp();
    await tool().post('/verify', { pendingToken: await pendingToken(), code: code() });
    expect((await browser(ada, session).get('')).body.devices).toEqual([]);
    const own = { 'mfa-device': '' };
    const first = await tool().post('/verify', { pendingToken: await pendingToken(), code: code() }, own);
    expect([first.body.deviceToken, first.cookies]).toEqual([expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/), []]);
    const sent = { pendingToken: await pendingToken(), code: code(), rememberDevice: true };
    const next = await tool().post('/verify', sent, { 'mfa-device': first.body.deviceToken });
    expect(next.body.deviceToken).not.toBe(first.body.deviceToken);
    const begun = await mfa.beginLogin({ user: ada, deviceToken: next.body.deviceToken });
    expect(begun.decision).toMatchObject({ access: 'allow', via: 'remembered-device' });
    expect((await browser(ada, session).get('')).body.devices).toHaveLength(1);
  });

  it('is denied if the host cannot find its user, with an error that names the option', async () => {
    const cause = new Error('down');
    const { tool, pendingToken, code } = await createTestApp({ userById: () => Promise.reject(cause) });
    const asked = tool().post('/verify', { pendingToken: await pendingToken(), code: code() });
    await expect(asked).rejects.toMatchObject({
      code: 'host_callback_failed',
      message: expect.stringContaining('userById'),
      cause,
    });
  });

  it('T21: is refused with anything that is not a pending token', async () => {
    const { tool, pendingToken } = await setUp();
    const token = await pendingToken();
    for (const bad of ['', 'x', 'a.b.c', `${token}x`, token.split('.').slice(0, 2).join('.')]) {
      expect((await tool().post('/verify', { pendingToken: bad, code: '123456' })).body).toMatchObject(INVALID);
    }
    const page = await tool().page('POST', '/verify', { pendingToken: 'x', code: '123456' });
    expect([page.status, page.body.page.heading, page.body.frame.brand]).toEqual([401, 'Log in again', 'MFA']);
    expect(page.body.page.action).toEqual({ href: '/login', text: 'Log in' });
  });

  it('T21: gets a page that says that its token was used', async () => {
    const { tool, pendingToken, code } = await setUp();
    const sent = { pendingToken: await pendingToken(), code: code() };
    expect((await tool().page('POST', '/verify', sent)).header('location')).toBe('/home');
    const page = await tool().page('POST', '/verify', { ...sent, code: code() });
    expect([page.status, page.body.page.name, page.body.page.heading]).toEqual([401, 'message', 'Log in again']);
    expect([page.body.page.text, page.body.frame.account]).toEqual([
      'This login has expired or was already used. Log in again.',
      ada.name,
    ]);
  });

  it('T21: is refused after ten minutes', async () => {
    const { tool, pendingToken, clock } = await setUp();
    const token = await pendingToken(bob);
    clock.advance(11 * MINUTE + 1000);
    expect((await tool().post('/enroll', { pendingToken: token })).body).toMatchObject(INVALID);
  });

  it('T21: is refused next to a session user, even the same one', async () => {
    const { logIn, pendingToken, code } = await setUp();
    for (const user of [ada, bob]) {
      const client = await logIn(user);
      const before = client.state;
      expect((await client.post('/verify', { pendingToken: await pendingToken(), code: code() })).body).toMatchObject(INVALID);
      expect(client.state).toBe(before);
    }
  });

  it.each<[string, () => TestUser | null | undefined]>([
    ['knows nobody of', () => null],
    ['finds nobody for', () => undefined],
    ['loads somebody else for', () => bob],
  ])('is refused if the host %s its id', async (_what, userById) => {
    const { tool, pendingToken, code } = await createTestApp({ userById });
    expect((await tool().post('/verify', { pendingToken: await pendingToken(), code: code() })).body).toMatchObject(INVALID);
  });

  it('is refused if the host does not load users', async () => {
    const { tool, pendingToken, code, kit } = await createTestApp();
    const { userById: _, ...options } = kit.options;
    const client = tool();
    Object.assign(client, { kit: { ...kit, options } });
    expect((await client.post('/verify', { pendingToken: await pendingToken(), code: code() })).body).toMatchObject(INVALID);
  });

  it('gets an error of the host if it loads something that is not a user', async () => {
    const { tool, pendingToken } = await createTestApp({ userById: () => ({ id: ada.id }) as TestUser });
    const asked = tool().post('/enroll', { pendingToken: await pendingToken() });
    await expect(asked).rejects.toMatchObject({ code: 'host_callback_failed' });
  });

  it('has no user at the endpoints that change what is enrolled', async () => {
    const { browser, pendingToken } = await setUp();
    const sent = { pendingToken: await pendingToken(), id: 'A'.repeat(22), name: 'x' };
    for (const path of [
      '/recovery-codes',
      '/authenticators/rename',
      '/authenticators/remove',
      '/devices/revoke',
      '/sessions/end',
    ])
      expect((await browser(null).post(path, sent)).body).toMatchObject({ status: 401, reason: 'login_again' });
  });
});

describe('a client with bearer tokens', () => {
  const bearer = { authorization: 'Bearer t' };

  it('is asked for a code, not sent to a login, if its token has no proof', async () => {
    const { tool, code } = await setUp();
    const client = tool(ada);
    expect((await client.get('', bearer)).body).toMatchObject({ status: 401, reason: 'challenge', because: 'missing' });
    expect((await client.get('/challenge', bearer)).body.challenge).toMatchObject({ because: 'missing' });
    const verified = await client.post('/verify', { code: code() }, bearer);
    expect(verified.body).toMatchObject({ accessToken: 'for ada@example.com', assurance: { via: 'otp' } });
  });

  it('gets a token with the new assurance from a change', async () => {
    const { tool, session, calls } = await setUp();
    const client = (assurance: Assurance) => tool(ada, assurance);
    const ended = await client(session.assurance).post('/sessions/end', {}, bearer);
    expect(ended.status).toBe(200);
    const assurance = expect.objectContaining({ userId: ada.id, verifiedAt: session.assurance.verifiedAt });
    expect(ended.body).toEqual({ accessToken: 'for ada@example.com', returnTo: 'nor mine', assurance });
    expect(calls).toEqual([['request', { user: ada, assurance: ended.body.assurance, endpoint: 'manage' }]]);
    expect((await client(session.assurance).get('', bearer)).body).toMatchObject({ because: 'revoked' });
    expect((await client(ended.body.assurance).get('', bearer)).status).toBe(200);
    const codes = await client(ended.body.assurance).post('/recovery-codes', {}, bearer);
    expect(codes.body).toMatchObject({ accessToken: 'for ada@example.com', recoveryCodes: expect.any(Array) });
    expect(codes.body.assurance).toEqual(ended.body.assurance);
    expect(calls[1]).toEqual(['request', { user: ada, assurance: codes.body.assurance, endpoint: 'manage' }]);
  });

  it('ENR-5: enrolls another authenticator with a proof of the last five minutes, and shows by the id that it began it', async () => {
    const { tool, session, clock, calls } = await setUp();
    const client = tool(ada, session.assurance);
    const started = await client.post('/enroll', { name: 'Tablet' }, bearer);
    const { enrollmentId, uri } = started.body;
    expect((await client.get('/enroll', bearer)).status).toBe(404);
    const code = createAuthenticator(uri).code(clock.now());
    const wrong = wrongCode(createAuthenticator(uri), clock.now());
    expect((await client.post('/enroll/confirm', { enrollmentId, code: wrong }, bearer)).body.reason).toBe('invalid_code');
    const confirmed = await client.post('/enroll/confirm', { enrollmentId, code }, bearer);
    expect(confirmed.body).toMatchObject({ authenticator: { name: 'Tablet' }, accessToken: 'for ada@example.com' });
    expect(calls.at(-1)?.[1].endpoint).toBe('enroll');
    const other = (await client.post('/enroll', {}, bearer)).body.enrollmentId;
    const canceled = await client.post('/enroll/cancel', { enrollmentId: other }, bearer);
    expect(canceled.body).toMatchObject({ assurance: { userId: ada.id }, accessToken: 'for ada@example.com' });
    const gone = await client.post('/enroll/confirm', { enrollmentId: other, code }, bearer);
    expect(gone.body.reason).toBe('enrollment_expired');
    clock.advance(5 * MINUTE);
    expect((await client.post('/enroll', {}, bearer)).body.reason).toBe('assurance_required');
  });

  it('ENR-4: does not confirm what another login began if nothing was proven', async () => {
    const { tool, logIn, clock } = await setUp();
    const { enrollmentId, uri } = (await (await logIn(bob)).post('/enroll')).body;
    const code = createAuthenticator(uri).code(clock.now());
    const answer = await tool(bob).post('/enroll/confirm', { enrollmentId, code }, bearer);
    expect(answer.body.reason).toBe('enrollment_expired');
  });

  it('F30: has nothing to confirm if MFA is off for its user', async () => {
    const { tool } = await setUp();
    const client = tool({ ...bob, mfa: 'off' });
    const answer = await client.post('/enroll/confirm', { enrollmentId: 'A'.repeat(22), code: '123456' }, bearer);
    expect(answer.body).toMatchObject({ status: 403, reason: 'not_allowed' });
  });

  it('works if the host adds no fields', async () => {
    for (const onVerified of [undefined, () => undefined]) {
      const { tool, session } = await createTestApp(onVerified ? { onVerified } : {});
      const ended = await tool(ada, session.assurance).post('/sessions/end', {}, bearer);
      expect(Object.keys(ended.body)).toEqual(['assurance']);
      const codes = await tool(ada, ended.body.assurance).post('/recovery-codes', {}, bearer);
      expect(Object.keys(codes.body)).toEqual(['recoveryCodes', 'recoveryCodesId', 'assurance']);
    }
  });

  it('T33: cannot use another user’s proof', async () => {
    const { tool, session } = await setUp();
    const answer = await tool(bob, session.assurance).get('', bearer);
    expect(answer.status).not.toBe(200);
    expect((await tool(ada, { ...session.assurance, epoch: '' }).get('', bearer)).body.reason).toBe('challenge');
  });
});

it('onVerified is called for a session’s proofs, and adds nothing to a change', async () => {
  const { logIn, code, calls } = await setUp();
  const client = await logIn();
  expect((await client.post('/verify', { code: code() })).body.accessToken).toBe('for ada@example.com');
  expect((await client.post('/sessions/end')).text).toBe('');
  expect(Object.keys((await client.post('/recovery-codes')).body)).toEqual(['recoveryCodes', 'recoveryCodesId']);
  expect(calls.map(([, { endpoint }]) => endpoint)).toEqual(['verify']);
});
