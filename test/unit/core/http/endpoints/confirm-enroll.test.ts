import { createAuthenticator } from '@mfa-kit/core/testing';
import { describe, expect, it } from 'vitest';
import { ada, bob, MINUTE, wrongCode } from '../../../../support/core-fixture.js';
import { createTestApp, enrollBy, redirectOf } from '../test-app.js';

describe('confirming an enrollment', () => {
  it('SES-1: returns the authenticator, the recovery codes and the assurance, under a new session id', async () => {
    const { logIn, clock } = await createTestApp();
    const client = await logIn(bob);
    const confirmed = await enrollBy(client, clock.now);
    expect(confirmed.status).toBe(200);
    const createdAt = clock.now();
    expect(confirmed.body).toEqual({
      authenticator: { id: expect.any(String), kind: 'totp', name: 'Authenticator app', createdAt, lastUsedAt: createdAt },
      recoveryCodes: expect.arrayContaining([expect.stringMatching(/^([0-9A-Z]{4}-){5}[0-9A-Z]{4}$/)]),
      recoveryCodesId: expect.stringMatching(/^[\w-]{22}$/),
      assurance: expect.objectContaining({ userId: bob.id, via: 'otp' }),
      returnTo: '/home',
    });
    expect(client.state).toEqual({ state: 'verified', assurance: confirmed.body.assurance });
    expect([client.session?.renewals, confirmed.cookies.length]).toEqual([1, 1]);
    const another = await enrollBy(client, clock.now, { name: 'Tablet' });
    expect(another.body).not.toHaveProperty('recoveryCodes');
  });

  it('shows a browser its recovery codes in the same answer, with a link to continue', async () => {
    const { browser, mfa, clock } = await createTestApp();
    const client = browser(bob, { ...(await mfa.beginLogin({ user: bob })).session, returnTo: '/cases' });
    const { enrollmentId, manualKey } = (await client.page('GET', '/enroll')).body.page;
    const code = createAuthenticator(manualKey.replaceAll(' ', '')).code(clock.now());
    const page = await client.page('POST', '/enroll/confirm', { enrollmentId, code, rememberDevice: 'on' });
    expect([page.status, page.body.frame.account]).toEqual([200, bob.name]);
    expect(page.body.page).toEqual({
      name: 'recovery-codes',
      recoveryCodes: expect.any(Array),
      recoveryCodesId: expect.stringMatching(/^[\w-]{22}$/),
      continueTo: '/mfa/done',
      fileName: 'acme-recovery-codes.txt',
    });
    expect(page.body.page.recoveryCodes).toHaveLength(10);
    expect((await client.page('GET', '/done')).header('refresh')).toBe('0; url=/cases');
    const { decision } = await mfa.beginLogin({ user: bob, deviceToken: [...client.cookies.values()] });
    expect(decision).toMatchObject({ access: 'allow', via: 'remembered-device' });
  });

  it('leads a browser to the overview if there is nothing to show', async () => {
    const { browser, session, clock } = await createTestApp();
    const client = browser(ada, session);
    const { enrollmentId, manualKey } = (await client.page('GET', '/enroll')).body.page;
    const code = createAuthenticator(manualKey.replaceAll(' ', '')).code(clock.now());
    const sent = { enrollmentId, code };
    expect(redirectOf(await client.page('POST', '/enroll/confirm', sent))).toEqual([303, '/mfa?notice=authenticator_added']);
    expect(redirectOf(await client.page('POST', '/enroll/confirm', sent))).toEqual([303, '/mfa?notice=already_confirmed']);
    expect((await client.post('/enroll/confirm', sent)).body).toMatchObject({ status: 409, reason: 'already_confirmed' });
  });

  it.each([{}, { code: '123456' }, { enrollmentId: 'A'.repeat(22) }, { enrollmentId: '', code: '123456' }])(
    'needs the enrollment and a code: %j is malformed',
    async (fields) => {
      const { logIn } = await createTestApp();
      const client = await logIn(bob);
      const detail = 'The fields "enrollmentId" and "code" are needed.';
      expect((await client.post('/enroll/confirm', fields)).body).toMatchObject({ status: 400, reason: 'malformed', detail });
      expect((await client.page('POST', '/enroll/confirm', fields as Record<string, string>)).status).toBe(400);
    },
  );

  it('with a wrong code is asked for again on the same page', async () => {
    const { logIn, clock } = await createTestApp();
    const client = await logIn(bob);
    const shown = (await client.page('GET', '/enroll')).body.page;
    const authenticator = createAuthenticator(shown.manualKey.replaceAll(' ', ''));
    const sent = { enrollmentId: shown.enrollmentId, code: wrongCode(authenticator, clock.now()) };
    const page = await client.page('POST', '/enroll/confirm', sent);
    expect([page.status, page.body.page, page.body.frame.notice.tone]).toEqual([422, shown, 'error']);
    expect((await client.post('/enroll/confirm', { ...sent, code: '' })).body).toMatchObject({ reason: 'invalid_code' });
    expect(client.state.state).toBe('pending');
  });

  it('of an expired enrollment begins another one', async () => {
    const { logIn, clock } = await createTestApp();
    const client = await logIn(bob);
    const shown = (await client.page('GET', '/enroll')).body.page;
    clock.advance(10 * MINUTE);
    const sent = { enrollmentId: shown.enrollmentId, code: '123456' };
    expect((await client.post('/enroll/confirm', sent)).body).toMatchObject({ status: 409, reason: 'enrollment_expired' });
    const page = await client.page('POST', '/enroll/confirm', sent);
    expect([page.status, page.body.page.name]).toEqual([409, 'enroll']);
    expect(page.body.page.enrollmentId).not.toBe(shown.enrollmentId);
    expect(page.body.frame.notice.text).toContain('has expired');
  });

  it('FLT-1: fails while the storage is down, with a page that says so', async () => {
    const { logIn, faults } = await createTestApp();
    const client = await logIn(bob);
    const { enrollmentId } = (await client.page('GET', '/enroll')).body.page;
    faults.readsLeft = 0;
    const page = await client.page('POST', '/enroll/confirm', { enrollmentId, code: '123456' });
    expect([page.status, page.body.page.heading]).toEqual([503, 'Temporarily unavailable']);
    expect((await client.post('/enroll/confirm', { enrollmentId, code: '123456' })).body.reason).toBe('unavailable');
  });

  it('THR-7: waits after too many wrong codes, and says so even if the page cannot be drawn again', async () => {
    const { logIn, clock, faults } = await createTestApp();
    const client = await logIn(bob);
    const shown = (await client.page('GET', '/enroll')).body.page;
    const authenticator = createAuthenticator(shown.manualKey.replaceAll(' ', ''));
    const sent = { enrollmentId: shown.enrollmentId, code: wrongCode(authenticator, clock.now()) };
    for (let tries = 0; tries < 5; tries++) await client.post('/enroll/confirm', sent);
    const text = 'Too many wrong codes. Try again in 30 seconds.';
    const drawn = await client.page('POST', '/enroll/confirm', sent);
    expect([drawn.status, drawn.body.page.name, drawn.body.frame.notice.text]).toEqual([429, 'enroll', text]);
    faults.readsLeft = 1;
    const said = await client.page('POST', '/enroll/confirm', sent);
    expect([said.status, said.body.page.name, said.body.page.text]).toEqual([429, 'message', text]);
    expect([drawn.header('retry-after'), said.header('retry-after')]).toEqual(['30', '30']);
  });

  it('ENR-5: of one more authenticator needs the proof it was started with', async () => {
    const { browser, session, mfa } = await createTestApp();
    const { enrollmentId } = (await browser(ada, session).post('/enroll')).body;
    const client = browser(ada, { ...(await mfa.beginLogin({ user: ada })).session, enrollmentIds: [enrollmentId] });
    const sent = { enrollmentId, code: '123456' };
    expect((await client.post('/enroll/confirm', sent)).body).toMatchObject({ status: 403, reason: 'assurance_required' });
    expect(redirectOf(await client.page('POST', '/enroll/confirm', sent))).toEqual([303, '/mfa/challenge?maxAge=300']);
    expect(client.way).toBe('/mfa/enroll');
  });
});

describe('canceling an enrollment', () => {
  it('drops it', async () => {
    const { logIn } = await createTestApp();
    const client = await logIn(bob);
    const { enrollmentId } = (await client.post('/enroll')).body;
    const answer = await client.post('/enroll/cancel', { enrollmentId });
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect(answer.header('cache-control')).toBe('no-store');
    expect((await client.get('/enroll')).status).toBe(404);
    expect(redirectOf(await client.page('POST', '/enroll/cancel', { enrollmentId }))).toEqual([303, '/mfa']);
  });

  it('needs its id and a logged-in user', async () => {
    const { logIn, browser } = await createTestApp();
    const detail = 'The field "enrollmentId" is needed.';
    for (const fields of [{}, { enrollmentId: '' }]) {
      expect((await (await logIn(bob)).post('/enroll/cancel', fields)).body).toMatchObject({ status: 400, detail });
    }
    expect((await browser(null).post('/enroll/cancel', { enrollmentId: 'A'.repeat(22) })).body).toMatchObject({ status: 401 });
  });
});
