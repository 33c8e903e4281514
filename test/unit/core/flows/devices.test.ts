import { describe, expect, it } from 'vitest';
import {
  ada,
  type Browser,
  bob,
  createEnrolled,
  createFixture,
  DAY,
  type Enrolled,
  enrollAnother,
  expectOk,
  loginPending,
  loginWithCode,
  MINUTE,
  reasonOf,
  SECOND,
} from '../../../support/core-fixture.js';
import { proofOf } from '../../../support/proof-of.js';

async function access(fixture: Enrolled, deviceToken: string | string[], user = ada): Promise<string> {
  const { decision } = await fixture.mfa.beginLogin({ user, deviceToken });
  return decision.access === 'allow' ? decision.via : decision.access;
}

describe('remembering a device', () => {
  it('DEV-1: happens only on request', async () => {
    const fixture = await createEnrolled();
    const { token } = await loginWithCode(fixture);
    expect(await access(fixture, token)).toBe('challenge');
    expect(fixture.events.at(-2)).toMatchObject({ name: 'device_refused', why: 'not_remembered' });
    const bare = expectOk(
      await fixture.mfa.verify({
        user: ada,
        session: await loginPending(fixture.mfa),
        proof: { kind: 'totp', code: fixture.authenticator.code(fixture.clock.now() + 30 * SECOND) },
      }),
    );
    expect(bare.device).toBeUndefined();
  });

  it.each([
    ['the policy of the user', { policy: () => ({ rememberDevice: false }) }],
    ['the option', { rememberDevice: false as const }],
  ])('DEV-1: is turned off by %s', async (_, options) => {
    const fixture = await createEnrolled(ada, options);
    const { token } = await loginWithCode(fixture, { rememberDevice: true });
    expect(await access(fixture, token)).toBe('challenge');
    expect(fixture.names()).not.toContain('device_remembered');
  });

  it('DEV-1: is overridden by a policy that forbids it later, even for an open session', async () => {
    let rememberDevice = true;
    const fixture = await createEnrolled(ada, { policy: () => ({ rememberDevice }) });
    const { token } = await loginWithCode(fixture, { rememberDevice: true });
    const { session } = await fixture.mfa.beginLogin({ user: ada, deviceToken: token });
    rememberDevice = false;
    expect(await fixture.mfa.checkAccess({ user: ada, session })).toMatchObject({ access: 'challenge', because: 'revoked' });
    expect(await access(fixture, token)).toBe('challenge');
  });

  it('REC-7: never follows from a recovery code, which only makes the browser known', async () => {
    const fixture = await createEnrolled();
    const input = {
      user: ada,
      session: await loginPending(fixture.mfa),
      proof: proofOf({ recoveryCode: fixture.recoveryCodes[0] }),
    };
    const verified = expectOk(await fixture.mfa.verify({ ...input, rememberDevice: true, deviceLabel: 'Firefox' }));
    expect(verified.device).toMatchObject({ token: expect.any(String) });
    expect(verified.device?.rememberedUntil).toBeUndefined();
    expect(await access(fixture, verified.device?.token ?? '')).toBe('challenge');
  });

  it('DEV-6: has a fixed end: daily use does not extend it, and its session ends with it', async () => {
    const fixture = await createEnrolled();
    let { token } = await loginWithCode(fixture, { rememberDevice: true });
    const start = fixture.clock.now();
    for (let day = 1; day < 30; day++) {
      fixture.clock.set(start + day * DAY);
      const login = await fixture.mfa.beginLogin({ user: ada, deviceToken: token });
      expect(login.decision.access).toBe('allow');
      expect(login.device?.rememberedUntil).toBe(start + 30 * DAY);
      token = login.device?.token ?? token;
    }
    fixture.clock.set(start + 30 * DAY - SECOND);
    const { session, device } = await fixture.mfa.beginLogin({ user: ada, deviceToken: token });
    expect((await fixture.mfa.checkAccess({ user: ada, session })).access).toBe('allow');
    fixture.clock.advance(2 * SECOND);
    expect(await fixture.mfa.checkAccess({ user: ada, session })).toMatchObject({ access: 'challenge', because: 'expired' });
    expect(await access(fixture, device?.token ?? '')).toBe('challenge');
  });

  it('DEV-6, T27: needs a token that lives exactly 90 days, and the record decides within them', async () => {
    const fixture = await createEnrolled();
    const { token } = await loginWithCode(fixture, { rememberDevice: true });
    fixture.clock.advance(91 * DAY);
    expect(await access(fixture, token)).toBe('challenge');
    expect(fixture.events.at(-2)).toMatchObject({ name: 'device_refused', why: 'expired' });
  });

  it('DEV-6, FLT-5: does not count if a clock was ten years ahead or behind and is right again', async () => {
    for (const jump of [3650 * DAY, -3650 * DAY]) {
      const fixture = await createEnrolled();
      fixture.clock.advance(jump);
      const { token } = await loginWithCode(fixture, { rememberDevice: true });
      fixture.clock.advance(-jump);
      expect(await access(fixture, token)).toBe('challenge');
    }
  });

  it('FLT-5: is not affected by a clock that jumped and is right again', async () => {
    const fixture = await createEnrolled();
    const { token } = await loginWithCode(fixture, { rememberDevice: true });
    for (const jump of [3650 * DAY, -3650 * DAY]) {
      fixture.clock.advance(jump);
      expect(await access(fixture, token)).toBe('challenge');
      fixture.clock.advance(-jump);
    }
    expect(await access(fixture, token)).toBe('remembered-device');
  });

  it('DEV-6: with a policy of fewer days counts from the checkbox, for the login, the session and the list', async () => {
    const fixture = await createEnrolled();
    const { token } = await loginWithCode(fixture, { rememberDevice: true });
    const ticked = fixture.clock.now();
    const { session } = await fixture.mfa.beginLogin({ user: ada, deviceToken: token });
    const stricter = createFixture({ storage: fixture.storage, clock: fixture.clock.now, rememberDevice: { days: 7 } });
    const devices = async () => expectOk(await stricter.mfa.getStatus({ user: ada })).status.devices;
    fixture.clock.set(ticked + 7 * DAY - SECOND);
    expect((await devices())[0]?.rememberedUntil).toBe(ticked + 7 * DAY);
    expect((await stricter.mfa.checkAccess({ user: ada, session })).access).toBe('allow');
    for (const later of [7 * DAY, 8 * DAY, 29 * DAY]) {
      fixture.clock.set(ticked + later);
      expect((await devices())[0]?.rememberedUntil).toBeUndefined();
      expect(await stricter.mfa.checkAccess({ user: ada, session })).toMatchObject({ because: 'expired' });
      expect((await stricter.mfa.beginLogin({ user: ada, deviceToken: token })).decision.access).toBe('challenge');
    }
  });

  it('ends with a later login without the checkbox', async () => {
    const fixture = await createEnrolled();
    const first = await loginWithCode(fixture, { rememberDevice: true });
    fixture.clock.advance(30 * DAY);
    const second = await loginWithCode(fixture, { deviceToken: first.token });
    expect(second.deviceId).toBe(first.deviceId);
    expect(await access(fixture, second.token)).toBe('challenge');
  });

  it('is not affected by a step-up with or without the checkbox', async () => {
    const fixture = await createEnrolled();
    const first = await loginWithCode(fixture, { rememberDevice: true });
    for (const rememberDevice of [true, false]) {
      fixture.clock.advance(MINUTE);
      const code = fixture.authenticator.code(fixture.clock.now());
      const { session } = first;
      const deviceToken = first.token;
      const verified = expectOk(
        await fixture.mfa.verify({ user: ada, session, proof: { kind: 'totp', code }, rememberDevice, deviceToken }),
      );
      expect(verified.device?.rememberedUntil ?? first).toBeTruthy();
    }
    expect(await access(fixture, first.token)).toBe('remembered-device');
  });
});

describe('DEV-5, T26: all remembered devices end immediately after', () => {
  const reset = { userId: ada.id, actor: 'support', reason: 'lost phone' };
  const changes: [string, 'known' | 'gone', (fixture: Enrolled, own: Browser) => Promise<unknown>][] = [
    ['a password change', 'known', (fixture) => fixture.mfa.passwordChanged({ userId: ada.id })],
    ['another authenticator', 'known', (fixture, own) => enrollAnother(fixture, own.session)],
    [
      'a removed authenticator',
      'known',
      async (fixture, own) => {
        const { session, authenticatorId } = await enrollAnother(fixture, own.session);
        const again = await loginAgain(fixture);
        await expectRemembered(fixture, again);
        return fixture.mfa.removeAuthenticator({ user: ada, session, authenticatorId });
      },
    ],
    [
      'a recovery code used',
      'known',
      async (fixture) => {
        const session = await loginPending(fixture.mfa);
        return fixture.mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: fixture.recoveryCodes[3] } });
      },
    ],
    ['the end of all sessions', 'known', (fixture, own) => fixture.mfa.endAllSessions({ user: ada, session: own.session })],
    ['a reset', 'gone', (fixture) => fixture.mfa.resetMfa(reset)],
    ['the user forgotten', 'gone', (fixture) => fixture.mfa.forgetUser({ userId: ada.id })],
    [
      'the device revoked',
      'gone',
      (fixture, own) => fixture.mfa.revokeDevice({ user: ada, session: own.session, deviceId: own.deviceId }),
    ],
  ];

  async function loginAgain(fixture: Enrolled): Promise<Browser> {
    return loginWithCode(fixture, { rememberDevice: true });
  }
  async function expectRemembered(fixture: Enrolled, { token }: Browser): Promise<void> {
    expect(await access(fixture, token)).toBe('remembered-device');
  }

  it.each(changes)('%s', async (_, left, change) => {
    const fixture = await createEnrolled();
    const own = await loginAgain(fixture);
    await expectRemembered(fixture, own);
    const { session } = await fixture.mfa.beginLogin({ user: ada, deviceToken: own.token });
    await change(fixture, own);
    expect(await access(fixture, own.token)).not.toBe('remembered-device');
    expect((await fixture.mfa.checkAccess({ user: ada, session })).access).not.toBe('allow');
    const { status } = expectOk(await fixture.mfa.getStatus({ user: ada }));
    expect(status.devices.map((device) => device.id).includes(own.deviceId)).toBe(left === 'known');
    expect(status.devices.every((device) => device.rememberedUntil === undefined)).toBe(true);
  });

  it.each(changes.filter(([name]) => name === 'another authenticator' || name === 'a recovery code used'))(
    'a login begun before %s remembers nothing, and goes on',
    async (_, __, change) => {
      const fixture = await createEnrolled();
      const own = await loginAgain(fixture);
      const before = await loginPending(fixture.mfa);
      await change(fixture, own);
      fixture.clock.advance(MINUTE);
      const code = fixture.authenticator.code(fixture.clock.now());
      const input = { user: ada, session: before, proof: { kind: 'totp' as const, code }, rememberDevice: true };
      const verified = expectOk(await fixture.mfa.verify(input));
      expect(verified.device?.rememberedUntil).toBeUndefined();
      expect(await access(fixture, verified.device?.token ?? '')).toBe('challenge');
    },
  );

  it.each(changes.filter(([name]) => /password|end of all|removed|reset/.test(name)))(
    'a login begun before %s must begin again',
    async (_, __, change) => {
      const fixture = await createEnrolled();
      const own = await loginAgain(fixture);
      const session = await loginPending(fixture.mfa);
      await change(fixture, own);
      fixture.clock.advance(MINUTE);
      const code = fixture.authenticator.code(fixture.clock.now());
      expect(
        reasonOf(await fixture.mfa.verify({ user: ada, session, proof: { kind: 'totp', code }, rememberDevice: true })),
      ).toBe('login_again');
    },
  );

  it('but not after new recovery codes or a new name', async () => {
    const fixture = await createEnrolled();
    const own = await loginAgain(fixture);
    const [authenticator] = expectOk(await fixture.mfa.getStatus({ user: ada })).status.authenticators;
    expectOk(await fixture.mfa.regenerateRecoveryCodes({ user: ada, session: own.session }));
    const renamed = { user: ada, session: own.session, authenticatorId: authenticator?.id ?? '', name: 'Phone' };
    expectOk(await fixture.mfa.renameAuthenticator(renamed));
    await expectRemembered(fixture, own);
  });
});

describe('device tokens', () => {
  it('T25, DEV-3: do not work for another user’s login', async () => {
    const fixture = await createEnrolled();
    const { token } = await loginWithCode(fixture, { rememberDevice: true });
    const other = await createEnrolled(bob, { storage: fixture.storage, clock: fixture.clock.now });
    for (const user of [
      bob,
      { ...bob, name: ada.name },
      { id: 'user-adA', name: ada.name },
      { id: 'user-ada ', name: ada.name },
    ]) {
      const { decision } = await other.mfa.beginLogin({ user, deviceToken: token });
      expect(decision.access).toMatch(/challenge|enroll/);
    }
    expect(other.events.find((event) => event.name === 'device_refused')).toMatchObject({ userId: bob.id, why: 'other_user' });
  });

  it('T25: do not work for an id that is used again after its user was forgotten', async () => {
    const fixture = await createEnrolled();
    const { token, session } = await loginWithCode(fixture, { rememberDevice: true });
    expectOk(await fixture.mfa.forgetUser({ userId: ada.id }));
    expect(await access(fixture, token)).toBe('enroll');
    expect((await fixture.mfa.checkAccess({ user: ada, session })).access).toBe('login-again');
  });

  it('DEV-4: with a valid signature but no entry are an unknown device', async () => {
    const fixture = await createEnrolled();
    const { token, session, deviceId } = await loginWithCode(fixture, { rememberDevice: true });
    expectOk(await fixture.mfa.revokeDevice({ user: ada, session, deviceId }));
    fixture.events.length = 0;
    expect(await access(fixture, token)).toBe('challenge');
    expect(fixture.events[0]).toMatchObject({ name: 'device_refused', why: 'unknown_device' });
  });

  it('T28: that are old and stolen end the device for both, and the user is notified', async () => {
    const fixture = await createEnrolled();
    const { token: stolen } = await loginWithCode(fixture, { rememberDevice: true });
    fixture.clock.advance(DAY);
    const second = (await fixture.mfa.beginLogin({ user: ada, deviceToken: stolen })).device?.token ?? '';
    fixture.clock.advance(DAY);
    const third = (await fixture.mfa.beginLogin({ user: ada, deviceToken: second })).device?.token ?? '';
    fixture.clock.advance(DAY);
    expect(await access(fixture, stolen)).toBe('challenge');
    expect(fixture.notices.map((notice) => notice.name)).toContain('device_token_reused');
    expect(await access(fixture, third)).toBe('challenge');
    expect(expectOk(await fixture.mfa.getStatus({ user: ada })).status.devices).toEqual([]);
  });

  it('T28: cause no alarm after a lost response', async () => {
    const fixture = await createEnrolled();
    const { token } = await loginWithCode(fixture, { rememberDevice: true });
    for (let lost = 0; lost < 5; lost++) {
      fixture.clock.advance(DAY);
      expect(await access(fixture, token)).toBe('remembered-device');
    }
    expect(fixture.names()).not.toContain('device_token_reused');
  });

  it('T28: pass in fifty parallel logins with one token, and create one successor', async () => {
    const fixture = await createEnrolled();
    const { token } = await loginWithCode(fixture, { rememberDevice: true });
    fixture.clock.advance(DAY);
    const logins = await Promise.all(Array.from({ length: 50 }, () => fixture.mfa.beginLogin({ user: ada, deviceToken: token })));
    expect(new Set(logins.map((login) => login.decision.access))).toEqual(new Set(['allow']));
    expect(logins.filter((login) => login.device)).toHaveLength(1);
  });

  it('from several cookies use the live one, and at most four are checked', async () => {
    const fixture = await createEnrolled();
    const { token } = await loginWithCode(fixture, { rememberDevice: true });
    expect(await access(fixture, ['', 'x.y.z', token])).toBe('remembered-device');
    expect(await access(fixture, ['1', '2', '3', '4', token])).toBe('challenge');
  });

  it('of two users in one browser work separately', async () => {
    const fixture = await createEnrolled();
    const hers = await loginWithCode(fixture, { rememberDevice: true });
    const his = await createEnrolled(bob, { storage: fixture.storage });
    his.clock.set(fixture.clock.now() + DAY);
    const other = await loginWithCode(his, { user: bob, rememberDevice: true });
    expect(await access(fixture, [hers.token, other.token])).toBe('remembered-device');
    expect((await his.mfa.beginLogin({ user: bob, deviceToken: [hers.token, other.token] })).decision.access).toBe('allow');
  });

  it('cost one read and one write for a remembered login, and one read for a login that asks', async () => {
    const fixture = await createEnrolled();
    const { token } = await loginWithCode(fixture, { rememberDevice: true });
    fixture.resetCounts();
    await access(fixture, token);
    expect(fixture.counts).toEqual({ reads: 1, writes: 1, removes: 0, lists: 0 });
    fixture.resetCounts();
    await access(fixture, []);
    expect(fixture.counts).toEqual({ reads: 1, writes: 0, removes: 0, lists: 0 });
  });

  it('STO-1: work for twenty browsers; the least recently used one is forgotten', async () => {
    const fixture = await createEnrolled();
    const browsers: Browser[] = [];
    for (let count = 0; count < 21; count++) browsers.push(await loginWithCode(fixture, { rememberDevice: true }));
    expect(expectOk(await fixture.mfa.getStatus({ user: ada })).status.devices).toHaveLength(20);
    expect(await access(fixture, browsers[0]?.token ?? '')).toBe('challenge');
    expect(await access(fixture, browsers[1]?.token ?? '')).toBe('remembered-device');
  });

  it.each([undefined, [], '', 'x', 'a.b.c', ['a', 'b'], '\0', 'é'.repeat(9000)])(
    'hostile tokens are no error: %j',
    async (deviceToken) => {
      const fixture = await createEnrolled();
      expect(await access(fixture, deviceToken as string)).toBe('challenge');
    },
  );
});
