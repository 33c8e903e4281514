import type { Mfa, MfaEvent, MfaSession } from '@mfa-kit/core';
import { describe, expect, it } from 'vitest';
import {
  ada,
  createEnrolled,
  createFixture,
  DAY,
  expectOk,
  loginPending,
  loginWithCode,
  MINUTE,
  type TestUser,
  wrongCode,
} from '../../../../support/core-fixture.js';
import { proofOf } from '../../../../support/proof-of.js';

/** The events without their common fields. */
function details(events: readonly MfaEvent[]): object[] {
  return events.map(({ at: _at, userId: _user, enrolled: _enrolled, context: _context, ...detail }) => detail);
}

type Call = (mfa: Mfa<TestUser>, user: TestUser, session: MfaSession | undefined) => Promise<unknown>;

const withSession: [string, Call][] = [
  ['verify', (mfa, user, session) => mfa.verify({ user, session, proof: { kind: 'totp', code: '123456' } })],
  ['start_enrollment', (mfa, user, session) => mfa.startEnrollment({ user, session })],
  ['current_enrollment', (mfa, user, session) => mfa.currentEnrollment({ user, session })],
  [
    'confirm_enrollment',
    (mfa, user, session) => mfa.confirmEnrollment({ user, session, enrollmentId: 'e', proof: { kind: 'totp', code: '123456' } }),
  ],
  ['cancel_enrollment', (mfa, user, session) => mfa.cancelEnrollment({ user, session, enrollmentId: 'e' })],
  ['rename_authenticator', (mfa, user, session) => mfa.renameAuthenticator({ user, session, authenticatorId: 'a', name: 'b' })],
  ['remove_authenticator', (mfa, user, session) => mfa.removeAuthenticator({ user, session, authenticatorId: 'a' })],
  ['regenerate_recovery_codes', (mfa, user, session) => mfa.regenerateRecoveryCodes({ user, session })],
  ['revoke_device', (mfa, user, session) => mfa.revokeDevice({ user, session, deviceId: 'd' })],
  ['end_all_sessions', (mfa, user, session) => mfa.endAllSessions({ user, session })],
];

const withUser: [string, Call][] = [
  ...withSession,
  ['check_access', (mfa, user, session) => mfa.checkAccess({ user, session })],
  ['begin_login', (mfa, user) => mfa.beginLogin({ user })],
  ['get_status', (mfa, user) => mfa.getStatus({ user })],
];

describe('LOG-1: a refused call:', () => {
  it.each(withSession)('%s without a state causes one event that names the operation', async (operation, call) => {
    const { mfa, events } = createFixture();
    expect(await call(mfa, ada, undefined)).toStrictEqual({ ok: false, reason: 'login_again' });
    expect(details(events)).toStrictEqual([{ name: 'refused', operation, reason: 'login_again' }]);
  });

  it.each(withSession)('T34: %s of a user whose record is gone says so', async (_operation, call) => {
    const { mfa, events } = createFixture();
    const session = await loginPending(mfa);
    events.length = 0;
    expect(await call(mfa, { ...ada, enrolled: true }, session)).toStrictEqual({ ok: false, reason: 'profile_missing' });
    expect(events.map(({ name }) => name)).toContain('profile_missing');
  });

  it.each(withUser)('%s without a user throws, because the programmer must fix it', async (_operation, call) => {
    const { mfa } = createFixture();
    for (const user of [undefined, null, { name: 'ada' }, { id: '', name: 'ada' }]) {
      await expect(call(mfa, user as never, undefined)).rejects.toMatchObject({ code: 'invalid_argument' });
    }
  });

  it.each(withUser.filter(([name]) => name !== 'check_access'))(
    '%s where policy throws denies, and keeps the cause',
    async (_operation, call) => {
      const cause = new Error('the directory is down');
      const { mfa } = createFixture({
        policy: () => {
          throw cause;
        },
      });
      const session: MfaSession = { state: 'pending', userId: ada.id, epoch: 'e', deviceEpoch: 'd', since: 0, enrollmentIds: [] };
      await expect(call(mfa, ada, session)).rejects.toMatchObject({ code: 'host_callback_failed', cause });
      await expect(call(mfa, ada, session)).rejects.toThrowError('"policy"');
    },
  );
});

it('an enrollment needs the name that the app shows', async () => {
  const { mfa } = createFixture();
  const session = await loginPending(mfa);
  const starting = mfa.startEnrollment({ user: { id: ada.id } as never, session });
  await expect(starting).rejects.toMatchObject({ code: 'invalid_argument', message: expect.stringContaining('"name"') });
});

describe('LOG-4: the event of a refused proof', () => {
  it('says for a code: malformed, wrong, throttled', async () => {
    const { mfa, clock, authenticator, events } = await createEnrolled();
    const session = await loginPending(mfa);
    events.length = 0;
    expect(await mfa.verify({ user: ada, session, proof: proofOf({ code: '12345' }) })).toStrictEqual({
      ok: false,
      reason: 'invalid_code',
    });
    const code = wrongCode(authenticator, clock.now());
    for (let tries = 0; tries < 6; tries++) await mfa.verify({ user: ada, session, proof: { kind: 'totp', code } });
    const failed = { name: 'verification_failed', factor: 'totp', endpoint: 'verify' };
    expect(details(events)).toStrictEqual([
      { ...failed, why: 'malformed' },
      ...Array.from({ length: 3 }, () => ({ ...failed, why: 'wrong' })),
      { name: 'guessing_suspected', level: 'repeated' },
      ...Array.from({ length: 2 }, () => ({ ...failed, why: 'wrong' })),
      { name: 'throttled', factor: 'totp', endpoint: 'verify', retryAfterSeconds: 30 },
    ]);
  });

  it('says for a recovery code: malformed, wrong, used, one of a flood', async () => {
    const { mfa, recoveryCodes, events } = await createEnrolled();
    const session = await loginPending(mfa);
    events.length = 0;
    await mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: 'no code' } });
    const failed = { name: 'verification_failed', factor: 'recovery-code', endpoint: 'verify' };
    const wrong = '0000-'.repeat(6);
    expect(await mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: wrong } })).toStrictEqual({
      ok: false,
      reason: 'invalid_code',
    });
    expect(details(events)).toStrictEqual([
      { ...failed, why: 'malformed' },
      { ...failed, why: 'wrong' },
    ]);
    events.length = 0;
    expectOk(await mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: recoveryCodes[0] } }));
    expect(details(events)).toStrictEqual([
      { name: 'verified', via: 'recovery-code' },
      { name: 'recovery_code_used', recoveryCodesLeft: 9 },
    ]);
    const again = await loginPending(mfa);
    for (let tries = 0; tries < 99; tries++)
      await mfa.verify({ user: ada, session: again, proof: { kind: 'recovery-code', code: wrong } });
    events.length = 0;
    expect(await mfa.verify({ user: ada, session: again, proof: { kind: 'recovery-code', code: wrong } })).toStrictEqual({
      ok: false,
      reason: 'invalid_code',
    });
    expect(details(events)).toStrictEqual([{ name: 'recovery_codes_flooded', tries: 1 }]);
    expectOk(await mfa.verify({ user: ada, session: again, proof: { kind: 'recovery-code', code: recoveryCodes[1] } }));
  });

  it('THR-2: never counts a used code as a guess, however often it comes', async () => {
    const { mfa, clock, authenticator, events } = await createEnrolled();
    for (let hour = 0; hour < 21; hour++) {
      clock.advance(60 * MINUTE);
      const code = authenticator.code(clock.now());
      expectOk(await mfa.verify({ user: ada, session: await loginPending(mfa), proof: { kind: 'totp', code } }));
      expect((await mfa.verify({ user: ada, session: await loginPending(mfa), proof: { kind: 'totp', code } })).ok).toBe(false);
    }
    expect(
      events.filter(({ name }) => name === 'verification_failed').every((event) => 'why' in event && event.why === 'replayed'),
    ).toBe(true);
    expect(events.map(({ name }) => name)).not.toContain('guessing_suspected');
  });

  it('says for a code at an enrollment: malformed, wrong, throttled', async () => {
    const { mfa, clock, events } = createFixture();
    const { enrollment, session } = expectOk(await mfa.startEnrollment({ user: ada, session: await loginPending(mfa) }));
    const { authenticator } = await createEnrolled();
    events.length = 0;
    const confirm = (code: unknown) =>
      mfa.confirmEnrollment({ user: ada, session, enrollmentId: enrollment.id, proof: { kind: 'totp', code: code as string } });
    expect(await confirm('12345')).toStrictEqual({ ok: false, reason: 'invalid_code' });
    for (let tries = 0; tries < 6; tries++) await confirm(wrongCode(authenticator, clock.now()));
    const failed = { name: 'verification_failed', factor: 'totp', endpoint: 'enroll' };
    expect(details(events)).toStrictEqual([
      { ...failed, why: 'malformed' },
      ...Array.from({ length: 5 }, () => ({ ...failed, why: 'wrong' })),
      { name: 'throttled', factor: 'totp', endpoint: 'enroll', retryAfterSeconds: 30 },
    ]);
  });
});

describe('the session after a proof', () => {
  it('keeps the enrollments that it began after a step-up, and has none after a login', async () => {
    const fixture = await createEnrolled();
    const { session } = await loginWithCode(fixture);
    expect(session).not.toHaveProperty('enrollmentIds');
    const started = expectOk(await fixture.mfa.startEnrollment({ user: ada, session }));
    expect(started.session.enrollmentIds).toEqual([started.enrollment.id]);
    fixture.clock.advance(MINUTE);
    const code = fixture.authenticator.code(fixture.clock.now());
    const verified = expectOk(await fixture.mfa.verify({ user: ada, session: started.session, proof: { kind: 'totp', code } }));
    expect(verified.session.enrollmentIds).toEqual([started.enrollment.id]);
  });

  it('DEV-1: remembers the browser for 30 days after an enrollment with the checkbox, and otherwise not', async () => {
    for (const rememberDevice of [true, false]) {
      const { mfa, clock, events } = createFixture();
      const { enrollment, session } = expectOk(await mfa.startEnrollment({ user: ada, session: await loginPending(mfa) }));
      const { createAuthenticator } = await import('@mfa-kit/core/testing');
      const code = createAuthenticator(enrollment.uri).code(clock.now());
      const given = {
        user: ada,
        session,
        enrollmentId: enrollment.id,
        proof: { kind: 'totp' as const, code },
        deviceLabel: 'Firefox',
        rememberDevice,
      };
      const confirmed = expectOk(await mfa.confirmEnrollment(given));
      expect(confirmed.device?.token).toEqual(expect.any(String));
      expect(confirmed.device?.rememberedUntil).toBe(rememberDevice ? clock.now() + 30 * DAY : undefined);
      expect(events.some(({ name }) => name === 'device_remembered')).toBe(rememberDevice);
      const login = await mfa.beginLogin({ user: ada, deviceToken: confirmed.device?.token ?? '' });
      expect(login.decision.access).toBe(rememberDevice ? 'allow' : 'challenge');
    }
  });
});
