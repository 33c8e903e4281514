import type { MfaSession } from '@mfa-kit/core';
import { describe, expect, it } from 'vitest';
import {
  ada,
  createAuthenticator,
  createEnrolled,
  createFixture,
  enrollAnother,
  expectOk,
  loginPending,
  loginWithCode,
  MINUTE,
  reasonOf,
  wrongCode,
} from '../../../../support/core-fixture.js';

const optional = { ...ada, mfa: 'optional' } as const;

describe('several devices, authenticators and enrollments', () => {
  it('THR-1: wrong codes from one device count for that device alone', async () => {
    const fixture = await createEnrolled();
    const { mfa, clock, authenticator } = fixture;
    const one = await loginWithCode(fixture);
    const other = await loginWithCode(fixture);
    clock.advance(2 * MINUTE);
    const session = await loginPending(mfa);
    const code = wrongCode(authenticator, clock.now());
    for (let tries = 0; tries < 5; tries++)
      await mfa.verify({ user: ada, session, proof: { kind: 'totp', code }, deviceToken: one.token });
    const tried = (deviceToken?: string) =>
      mfa.verify({ user: ada, session, proof: { kind: 'totp', code }, ...(deviceToken && { deviceToken }) });
    expect(reasonOf(await tried(one.token))).toBe('throttled');
    expect(reasonOf(await tried(other.token))).toBe('invalid_code');
    expect(reasonOf(await tried())).toBe('invalid_code');
  });

  it('a proof from the older of two devices names that device', async () => {
    const fixture = await createEnrolled();
    const older = await loginWithCode(fixture);
    const newer = await loginWithCode(fixture);
    const seen = fixture.clock.now();
    fixture.clock.advance(2 * MINUTE);
    const code = fixture.authenticator.code(fixture.clock.now());
    const session = await loginPending(fixture.mfa);
    expectOk(await fixture.mfa.verify({ user: ada, session, proof: { kind: 'totp', code }, deviceToken: older.token }));
    const { devices } = expectOk(await fixture.mfa.getStatus({ user: ada })).status;
    expect(devices.map(({ id, lastUsedAt }) => [id, lastUsedAt])).toEqual([
      [older.deviceId, fixture.clock.now()],
      [newer.deviceId, seen],
    ]);
  });

  it('markEnrolled is called for the first authenticator and for the removal of the last one, and not in between', async () => {
    const marks: boolean[] = [];
    const fixture = await createEnrolled(optional, { markEnrolled: (_userId, enrolled) => void marks.push(enrolled) });
    expect(marks).toEqual([true]);
    const { session, authenticatorId } = await enrollAnother(fixture, fixture.session, optional);
    const remove = (given: MfaSession, id: string) =>
      fixture.mfa.removeAuthenticator({ user: optional, session: given, authenticatorId: id });
    const left = expectOk(await remove(session, authenticatorId));
    expect(marks).toEqual([true, true]);
    const [first] = expectOk(await fixture.mfa.getStatus({ user: optional })).status.authenticators;
    const after = expectOk(await remove(left.session, first?.id ?? ''));
    expect(marks).toEqual([true, true, false]);
    expect(fixture.names()).not.toContain('mark_enrolled_failed');
    // The proof is still in force, so it starts the next enrollment.
    expectOk(await fixture.mfa.startEnrollment({ user: optional, session: after.session }));
  });

  it('an enrollment is canceled by its own id, with one event', async () => {
    const { mfa, events } = createFixture();
    const { enrollment, session } = expectOk(await mfa.startEnrollment({ user: ada, session: await loginPending(mfa) }));
    const canceled = () => events.filter(({ name }) => name === 'enrollment_canceled').length;
    expectOk(await mfa.cancelEnrollment({ user: ada, session, enrollmentId: 'another' }));
    expect(canceled()).toBe(0);
    expectOk(await mfa.currentEnrollment({ user: ada, session }));
    for (let times = 0; times < 2; times++) {
      expectOk(await mfa.cancelEnrollment({ user: ada, session, enrollmentId: enrollment.id }));
      expect(canceled()).toBe(1);
    }
    expect(reasonOf(await mfa.currentEnrollment({ user: ada, session }))).toBe('enrollment_expired');
  });

  it('a lockout is cleared for every device, and no device is forgotten', async () => {
    const fixture = await createEnrolled();
    const devices = [await loginWithCode(fixture), await loginWithCode(fixture)].map(({ deviceId }) => deviceId);
    expectOk(await fixture.mfa.clearLockout({ userId: ada.id, actor: 'support', reason: 'lost phone' }));
    const { status } = expectOk(await fixture.mfa.getStatus({ user: ada }));
    expect(status.devices.map(({ id }) => id).sort()).toEqual([...devices].sort());
  });
});

describe('features that are turned off', () => {
  it('a proof begun before MFA was turned off needs a new login', async () => {
    const { mfa, clock, authenticator } = await createEnrolled();
    const session = await loginPending(mfa);
    const code = authenticator.code(clock.now());
    expect(reasonOf(await mfa.verify({ user: { ...ada, mfa: 'off' }, session, proof: { kind: 'totp', code } }))).toBe(
      'login_again',
    );
    expectOk(await mfa.verify({ user: ada, session, proof: { kind: 'totp', code } }));
  });

  it('an enrollment returns no recovery codes and remembers no device if both are off', async () => {
    const { mfa, clock, names } = createFixture({ recoveryCodes: false, rememberDevice: false });
    const { enrollment, session } = expectOk(await mfa.startEnrollment({ user: ada, session: await loginPending(mfa) }));
    const code = createAuthenticator(enrollment.uri).code(clock.now());
    const given = {
      user: ada,
      session,
      enrollmentId: enrollment.id,
      proof: { kind: 'totp' as const, code },
      rememberDevice: true,
    };
    const confirmed = expectOk(await mfa.confirmEnrollment(given));
    expect(confirmed).not.toHaveProperty('recoveryCodes');
    expect(confirmed.device?.rememberedUntil).toBeUndefined();
    expect(names()).not.toContain('device_remembered');
    expect(reasonOf(await mfa.regenerateRecoveryCodes({ user: ada, session: confirmed.session }))).toBe('not_allowed');
  });

  it('a user without an authenticator has nothing to change', async () => {
    const { mfa } = createFixture();
    const session = await loginPending(mfa);
    expect(reasonOf(await mfa.endAllSessions({ user: ada, session }))).toBe('not_enrolled');
  });
});

describe('events and the report', () => {
  it('LOG-1: say whether there is an authenticator', async () => {
    const fresh = createFixture();
    await fresh.mfa.beginLogin({ user: ada });
    expect(fresh.events.at(-1)).toMatchObject({ name: 'login_begun', enrolled: false });
    const fixture = await createEnrolled();
    await fixture.mfa.beginLogin({ user: ada });
    expect(fixture.events.at(-1)).toMatchObject({ name: 'login_begun', enrolled: true });
    await fixture.mfa.afterRestore();
    expect(fixture.events.at(-1)).toMatchObject({ name: 'recovery_codes_revoked', enrolled: true });
  });

  it('LOG-4: report a missing record once, and nothing for what is not allowed', async () => {
    const { mfa, events } = createFixture();
    const session = await loginPending(mfa);
    events.length = 0;
    await mfa.checkAccess({ user: { ...ada, mayEnroll: false }, session });
    expect(events).toEqual([]);
  });

  it('report few recovery codes at the number of the option, with a notice to the user', async () => {
    const { mfa, recoveryCodes, notices } = await createEnrolled(ada, { recoveryCodes: { count: 5, lowAt: 4 } });
    expect((await mfa.report()).recoveryCodes).toEqual({ none: 0, few: 0, enough: 1 });
    expectOk(
      await mfa.verify({ user: ada, session: await loginPending(mfa), proof: { kind: 'recovery-code', code: recoveryCodes[0] } }),
    );
    expect((await mfa.report()).recoveryCodes).toEqual({ none: 0, few: 1, enough: 0 });
    expect(notices.map(({ name }) => name)).toEqual(['recovery_code_used', 'recovery_codes_low']);
  });
});
