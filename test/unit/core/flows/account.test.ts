import type { MfaSession } from '@mfa-kit/core';
import { describe, expect, it } from 'vitest';
import {
  ada,
  bob,
  createEnrolled,
  createFixture,
  expectOk,
  loginPending,
  loginWithCode,
  MINUTE,
  OTHER_KEY,
  reasonOf,
  wrongCode,
} from '../../../support/core-fixture.js';

const by = { userId: ada.id, actor: 'support-7', reason: 'lost phone, seen in person' };

describe('passwordChanged', () => {
  it('SES-3: ends every other state and keeps the acting one', async () => {
    const fixture = await createEnrolled();
    const [own, other] = [await loginWithCode(fixture), await loginWithCode(fixture)];
    const pending = await loginPending(fixture.mfa);
    fixture.events.length = 0;
    const { session } = expectOk(
      await fixture.mfa.passwordChanged({ userId: ada.id, keep: own.session, context: { ip: '::1' } }),
    );
    expect((await fixture.mfa.checkAccess({ user: ada, session })).access).toBe('allow');
    expect(await fixture.mfa.checkAccess({ user: ada, session: other.session })).toMatchObject({ because: 'revoked' });
    expect((await fixture.mfa.checkAccess({ user: ada, session: pending })).access).toBe('login-again');
    expect(fixture.events).toMatchObject([{ name: 'sessions_ended', because: 'password_changed', context: { ip: '::1' } }]);
    expect(fixture.notices.at(-1)).toMatchObject({ name: 'sessions_ended' });
  });

  it('keeps a pending login too, but not a state that was not passed, belongs to another user or was void before', async () => {
    const fixture = await createEnrolled();
    const pending = await loginPending(fixture.mfa);
    const kept = expectOk(await fixture.mfa.passwordChanged({ userId: ada.id, keep: pending })).session;
    expect((await fixture.mfa.checkAccess({ user: ada, session: kept })).access).toBe('challenge');
    expect(expectOk(await fixture.mfa.passwordChanged({ userId: ada.id })).session).toBeUndefined();
    const void_ = kept as MfaSession;
    expect(expectOk(await fixture.mfa.passwordChanged({ userId: ada.id, keep: void_ })).session).toBeUndefined();
    const foreign = await loginPending(fixture.mfa, bob);
    expect(expectOk(await fixture.mfa.passwordChanged({ userId: ada.id, keep: foreign })).session).toBeUndefined();
  });

  it('changes nothing for an unknown user', async () => {
    const fixture = createFixture();
    expect(await fixture.mfa.passwordChanged({ userId: 'nobody' })).toEqual({ ok: true, ended: false });
    expect(fixture.counts).toEqual({ reads: 1, writes: 0, removes: 0, lists: 0 });
  });
});

describe('endAllSessions', () => {
  it('I6: is final: nothing issued before works afterwards, except the acting session', async () => {
    const fixture = await createEnrolled();
    const [own, other] = [await loginWithCode(fixture), await loginWithCode(fixture)];
    const begun = await fixture.mfa.beginLogin({ user: ada });
    const { session } = expectOk(await fixture.mfa.endAllSessions({ user: ada, session: own.session }));
    expect((await fixture.mfa.checkAccess({ user: ada, session })).access).toBe('allow');
    for (const dead of [own.session, other.session, begun.session]) {
      expect((await fixture.mfa.checkAccess({ user: ada, session: dead })).access).not.toBe('allow');
    }
    const opened = expectOk(await fixture.mfa.openPendingToken(begun.pendingToken ?? ''));
    fixture.clock.advance(MINUTE);
    const code = fixture.authenticator.code(fixture.clock.now());
    expect(reasonOf(await fixture.mfa.verify({ user: ada, session: opened.session, proof: { kind: 'totp', code } }))).toBe(
      'login_again',
    );
    expect(fixture.events.filter((event) => event.name === 'sessions_ended')).toMatchObject([{ because: 'user' }]);
  });
});

describe('resetMfa', () => {
  it('removes what the user lost, keeps the counters, and records who did it and why', async () => {
    const fixture = await createEnrolled();
    const { session } = await loginWithCode(fixture, { rememberDevice: true });
    for (let tries = 0; tries < 5; tries++) {
      await fixture.mfa.verify({
        user: ada,
        session,
        proof: { kind: 'totp', code: wrongCode(fixture.authenticator, fixture.clock.now()) },
      });
    }
    fixture.events.length = 0;
    expectOk(await fixture.mfa.resetMfa({ ...by, context: { request: 7 } }));
    expect(fixture.events).toMatchObject([
      { name: 'mfa_reset', actor: by.actor, reason: by.reason, enrolled: false, context: { request: 7 } },
    ]);
    expect(fixture.notices.at(-1)).toMatchObject({ name: 'mfa_reset' });
    const { status } = expectOk(await fixture.mfa.getStatus({ user: ada }));
    expect(status).toMatchObject({ enrolled: false, authenticators: [], devices: [], recoveryCodesLeft: 0, waitSeconds: 30 });
    expect((await fixture.mfa.checkAccess({ user: ada, session })).access).toBe('login-again');
    expect((await fixture.mfa.beginLogin({ user: ada })).decision.access).toBe('enroll');
  });

  it('STO-6: is the only way to continue if the record is gone and the host remembers the enrollment', async () => {
    const fixture = await createEnrolled();
    const user = { ...ada, enrolled: true };
    await fixture.storage.remove(ada.id, (await fixture.storage.read(ada.id))?.version ?? '');
    expect((await fixture.mfa.beginLogin({ user })).decision).toEqual({ access: 'refuse', reason: 'profile_missing' });
    expect((await fixture.mfa.beginLogin({ user })).session).toBeUndefined();
    expectOk(await fixture.mfa.resetMfa(by));
    expect((await fixture.mfa.beginLogin({ user })).decision.access).toBe('enroll');
  });

  it.each([
    ['resetMfa', (fixture: Awaited<ReturnType<typeof createEnrolled>>) => fixture.mfa.resetMfa(by)],
    ['forgetUser', (fixture: Awaited<ReturnType<typeof createEnrolled>>) => fixture.mfa.forgetUser({ userId: ada.id })],
  ])('T34: %s works on a record that does not open', async (_, act) => {
    const fixture = await createEnrolled(ada, { keys: [OTHER_KEY] });
    const stored = await fixture.storage.read(ada.id);
    await fixture.storage.write(ada.id, { version: 'damaged', value: 'AAAA' }, stored?.version ?? null);
    expect((await fixture.mfa.beginLogin({ user: ada })).decision.access).toBe('unavailable');
    expect(await act(fixture)).toMatchObject({ ok: true });
    expect((await fixture.mfa.beginLogin({ user: ada })).decision.access).toBe('enroll');
  });

  it.each([
    ['an actor', { ...by, actor: '' }],
    ['an actor', { ...by, actor: undefined }],
    ['a reason', { ...by, reason: '  ' }],
    ['a reason', { ...by, reason: 7 }],
    ['a user id', { ...by, userId: '' }],
  ])('LOG-1: resetMfa and clearLockout need %s', async (_, input) => {
    const fixture = await createEnrolled();
    await expect(fixture.mfa.resetMfa(input as never)).rejects.toMatchObject({ name: 'MfaError', code: 'invalid_argument' });
    await expect(fixture.mfa.clearLockout(input as never)).rejects.toMatchObject({ code: 'invalid_argument' });
    expect(expectOk(await fixture.mfa.getStatus({ user: ada })).status.enrolled).toBe(true);
  });
});

describe('forgetUser', () => {
  it('LOG-3: leaves nothing behind, and succeeds if there is nothing', async () => {
    const fixture = await createEnrolled();
    expectOk(await fixture.mfa.forgetUser({ userId: ada.id }));
    expect(await fixture.storage.read(ada.id)).toBeNull();
    expect((await fixture.storage.listUserIds()).userIds).toEqual([]);
    expect(fixture.events.at(-1)).toMatchObject({ name: 'user_forgotten', userId: ada.id });
    expectOk(await fixture.mfa.forgetUser({ userId: ada.id }));
  });

  it('is not undone by a slow request of an older session', async () => {
    const fixture = await createEnrolled();
    const { session } = await loginWithCode(fixture);
    expectOk(await fixture.mfa.forgetUser({ userId: ada.id }));
    for (const answer of [
      await fixture.mfa.verify({
        user: ada,
        session,
        proof: { kind: 'totp', code: fixture.authenticator.code(fixture.clock.now()) },
      }),
      await fixture.mfa.startEnrollment({ user: ada, session }),
      await fixture.mfa.endAllSessions({ user: ada, session }),
    ]) {
      expect(reasonOf(answer)).toBe('login_again');
    }
    expect(await fixture.storage.read(ada.id)).toBeNull();
  });
});

describe('user ids', () => {
  const bad: [string, unknown][] = [
    ['empty', ''],
    ['a number', 7],
    ['missing', undefined],
    ['with U+0000', 'a\0b'],
    ['with half a surrogate pair', 'a\ud800'],
    ['of 256 bytes', 'é'.repeat(128)],
    ['an object', { id: 'x' }],
  ];

  it.each(bad)('STO-5: an id that is %s is refused by every method, with an error that says so', async (_, id) => {
    const { mfa } = createFixture();
    const user = { id: id as string, name: 'x' };
    const session = undefined;
    for (const call of [
      () => mfa.beginLogin({ user }),
      () => mfa.checkAccess({ user, session }),
      () => mfa.verify({ user, session, proof: { kind: 'totp', code: '123456' } }),
      () => mfa.startEnrollment({ user, session }),
      () => mfa.confirmEnrollment({ user, session, enrollmentId: 'x', proof: { kind: 'totp', code: '123456' } }),
      () => mfa.getStatus({ user }),
      () => mfa.endAllSessions({ user, session }),
      () => mfa.passwordChanged({ userId: user.id }),
      () => mfa.forgetUser({ userId: user.id }),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'invalid_argument', message: expect.stringContaining('user id') });
    }
  });

  it.each(['x'.repeat(255), `${'é'.repeat(127)}x`])('STO-5: an id of 255 bytes is valid: %s', async (id) => {
    const { mfa } = createFixture();
    expect((await mfa.beginLogin({ user: { id, name: 'x' } })).decision.access).toBe('enroll');
  });

  it('STO-5: ids that differ in a byte are different users', async () => {
    const fixture = await createEnrolled({ id: 'é', name: 'x' });
    for (const id of ['e\u0301', 'É', 'é ', ' é', 'e']) {
      expect((await fixture.mfa.beginLogin({ user: { id, name: 'x' } })).decision.access).toBe('enroll');
    }
    expect((await fixture.mfa.beginLogin({ user: { id: 'é', name: 'x' } })).decision.access).toBe('challenge');
  });
});
