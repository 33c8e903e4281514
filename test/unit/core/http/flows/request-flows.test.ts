import { bindFlows } from '@mfa-kit/core/http';
import { createAuthenticator } from '@mfa-kit/core/testing';
import { describe, expect, it } from 'vitest';
import { ada, bob, expectOk, MINUTE, reasonOf } from '../../../../support/core-fixture.js';
import { type Client, createTestApp } from '../test-app.js';

const flowsOf = (client: Client) => bindFlows(client.kit, client.exchange());

describe('the flows bound to a request', () => {
  it('enroll, and remember from one call to the next what they began', async () => {
    const { logIn, clock } = await createTestApp();
    const flows = await flowsOf(await logIn(bob));
    const { enrollment } = expectOk(await flows.startEnrollment({ name: 'Phone' }));
    expect(expectOk(await flows.currentEnrollment()).enrollment).toEqual(enrollment);
    expectOk(await flows.cancelEnrollment({ enrollmentId: enrollment.id }));
    expect(reasonOf(await flows.currentEnrollment())).toBe('enrollment_expired');
    const next = expectOk(await flows.startEnrollment()).enrollment;
    const code = createAuthenticator(next.uri).code(clock.now());
    const confirmed = expectOk(await flows.confirmEnrollment({ enrollmentId: next.id, code }));
    expect(confirmed).toEqual({
      ok: true,
      authenticator: expect.objectContaining({ name: 'Authenticator app' }),
      recoveryCodes: expect.any(Array),
      recoveryCodesId: expect.any(String),
      assurance: flows.assurance,
      returnTo: '/home',
    });
    expect(expectOk(await flows.getStatus()).status.enrolled).toBe(true);
  });

  it('F57: use the filled one of the fields code and recoveryCode, and refuse two filled ones', async () => {
    const { logIn, code, recoveryCodes } = await createTestApp();
    const [recoveryCode = ''] = recoveryCodes;
    expect(reasonOf(await (await flowsOf(await logIn())).verify({ code: '', recoveryCode: '' }))).toBe('invalid_code');
    expect(reasonOf(await (await flowsOf(await logIn())).verify({ code: code(), recoveryCode }))).toBe('invalid_code');
    expect(expectOk(await (await flowsOf(await logIn())).verify({ code: code(), recoveryCode: '' })).assurance.via).toBe('otp');
    expect(expectOk(await (await flowsOf(await logIn())).verify({ code: '', recoveryCode })).assurance.via).toBe('recovery-code');
  });

  it('change enrollments, and the session continues in each new epoch', async () => {
    const { browser, session } = await createTestApp();
    const flows = await flowsOf(browser(ada, session));
    const [authenticator] = expectOk(await flows.getStatus()).status.authenticators;
    const authenticatorId = authenticator?.id ?? '';
    const unchanged = { ok: true, assurance: session.assurance };
    expect(await flows.renameAuthenticator({ authenticatorId, name: 'Phone' })).toEqual(unchanged);
    expect(await flows.revokeDevice({ deviceId: 'gone' })).toEqual(unchanged);
    expect(await flows.regenerateRecoveryCodes()).toEqual({
      ...unchanged,
      recoveryCodes: expect.any(Array),
      recoveryCodesId: expect.any(String),
    });
    expect(reasonOf(await flows.removeAuthenticator({ authenticatorId }))).toBe('not_allowed');
    expect(expectOk(await flows.endAllSessions()).assurance?.epoch).not.toBe(session.assurance.epoch);
    expect(reasonOf(await flows.endAllSessions())).toBe('ok');
    expect(await flows.checkAccess()).toMatchObject({ access: 'allow' });
  });

  it('F15: throw if the password changes and no session was ended', async () => {
    const { browser, session, faults } = await createTestApp();
    const flows = await flowsOf(browser(ada, session));
    faults.readsLeft = 0;
    await expect(flows.passwordChanged()).rejects.toMatchObject({ code: 'not_done', cause: { message: 'the storage is down' } });
    faults.readsLeft = Number.POSITIVE_INFINITY;
    expect(await flows.checkAccess()).toMatchObject({ access: 'allow' });
  });

  it('keep this session, and no other, when the password changes', async () => {
    const { browser, session, logIn } = await createTestApp();
    const client = browser(ada, session);
    const flows = await flowsOf(client);
    expect(await flows.passwordChanged()).toEqual({ ok: true, ended: true, assurance: flows.assurance });
    expect(client.state.assurance).not.toEqual(session.assurance);
    expect(client.session?.renewals).toBe(0);
    expect(await (await flowsOf(browser(ada, session))).checkAccess()).toMatchObject({ because: 'revoked' });
    const pending = await logIn();
    expect(await (await flowsOf(pending)).passwordChanged()).toEqual({ ok: true, ended: true });
    expect(await (await flowsOf(pending)).checkAccess()).toMatchObject({ access: 'challenge', because: 'missing' });
    expect(await (await flowsOf(browser(ada))).passwordChanged()).toEqual({ ok: true, ended: true });
    await expect((await flowsOf(browser(null))).passwordChanged()).rejects.toMatchObject({ code: 'host_setup' });
  });

  it('pass the host’s event context to the audit trail', async () => {
    const { browser, session, events, code, kit } = await createTestApp();
    const client = browser(ada, session);
    const context = { address: '192.0.2.7' };
    const flows = await bindFlows(kit, { ...client.exchange(), eventContext: () => context });
    await flows.verify({ code: code() });
    await flows.passwordChanged();
    await flows.beginLogin();
    await Promise.resolve();
    expect(events.map((event) => [event.name, event.context])).toEqual([
      ['verified', context],
      ['sessions_ended', context],
      ['login_begun', context],
    ]);
  });

  it('F46: keep a return path of this origin only, in a cookie and never in the session', async () => {
    const { logIn, browser, session, tool } = await createTestApp();
    const client = await logIn();
    const { state } = client;
    const exchange = client.exchange();
    const flows = await bindFlows(client.kit, exchange);
    for (const path of ['https://evil.example/', '//evil.example', '/login', '/mfa/challenge', '/mfa/assets/page.css']) {
      await flows.setReturnTo(path);
      expect([exchange.cookies, flows.returnTo()]).toEqual([[], '/home']);
    }
    for (const path of ['/cases', '/mfa', '/mfa/enroll']) {
      await flows.setReturnTo(path);
      expect(flows.returnTo()).toBe(path);
    }
    expect([client.state, exchange.cookies.length]).toEqual([state, 3]);
    await flows.setReturnTo('https://evil.example/');
    expect(flows.returnTo()).toBe('/mfa/enroll');
    const bearer = await flowsOf(tool(ada, session.assurance));
    await bearer.setReturnTo('/cases');
    expect([bearer.returnTo(), bearer.session]).toEqual(['/cases', expect.not.objectContaining({ returnTo: '/cases' })]);
    const empty = browser(ada);
    await (await flowsOf(empty)).setReturnTo('/cases');
    expect(empty.state).toBeUndefined();
    const nobody = await flowsOf(browser(null));
    await nobody.setReturnTo('/cases');
    expect(nobody.returnTo()).toBe('/home');
  });

  it('say whether the session stores the state', async () => {
    const { browser, session, tool } = await createTestApp();
    expect((await flowsOf(browser(ada, session))).hasSession).toBe(true);
    expect((await flowsOf(tool(ada))).hasSession).toBe(false);
    for (const [state, keeps] of [
      [session, true],
      [undefined, false],
    ] as const) {
      const both = browser(ada, state);
      const exchange = { ...both.exchange(), assurance: async () => session.assurance };
      expect((await bindFlows(both.kit, exchange)).hasSession).toBe(keeps);
    }
  });

  it('forget the return path of a step-up once it is done', async () => {
    const { browser, session, code, clock } = await createTestApp();
    const client = browser(ada, { ...session, returnTo: '/payouts' });
    const flows = await flowsOf(client);
    clock.advance(MINUTE);
    expect(expectOk(await flows.verify({ code: code() })).returnTo).toBe('/payouts');
    expect(expectOk(await flows.verify({ code: code() })).returnTo).toBe('/home');
  });
});
