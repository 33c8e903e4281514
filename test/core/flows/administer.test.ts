import type { MfaSession } from '@mfa-kit/core';
import { describe, expect, it } from 'vitest';
import {
  ada,
  bob,
  createBench,
  createEnrolled,
  good,
  loginPending,
  loginWithCode,
  MINUTE,
  OTHER_KEY,
  reasonOf,
  wrongCode,
} from '../../support/core-fixture.js';

const by = { userId: ada.id, actor: 'support-7', reason: 'lost phone, seen in person' };

describe('passwordChanged', () => {
  it('SES-3: ends every other state and keeps the acting one', async () => {
    const bench = await createEnrolled();
    const [own, other] = [await loginWithCode(bench), await loginWithCode(bench)];
    const pending = await loginPending(bench.mfa);
    bench.events.length = 0;
    const { session } = good(await bench.mfa.passwordChanged({ userId: ada.id, keep: own.session, context: { ip: '::1' } }));
    expect((await bench.mfa.checkAccess({ user: ada, session })).access).toBe('allow');
    expect(await bench.mfa.checkAccess({ user: ada, session: other.session })).toMatchObject({ because: 'revoked' });
    expect((await bench.mfa.checkAccess({ user: ada, session: pending })).access).toBe('login-again');
    expect(bench.events).toMatchObject([{ name: 'sessions_ended', because: 'password_changed', context: { ip: '::1' } }]);
    expect(bench.notices.at(-1)).toMatchObject({ name: 'sessions_ended' });
  });

  it('keeps a half-done login too, but not what it is not given, what is of another user or what was void before', async () => {
    const bench = await createEnrolled();
    const pending = await loginPending(bench.mfa);
    const kept = good(await bench.mfa.passwordChanged({ userId: ada.id, keep: pending })).session;
    expect((await bench.mfa.checkAccess({ user: ada, session: kept })).access).toBe('challenge');
    expect(good(await bench.mfa.passwordChanged({ userId: ada.id })).session).toBeUndefined();
    const void_ = kept as MfaSession;
    expect(good(await bench.mfa.passwordChanged({ userId: ada.id, keep: void_ })).session).toBeUndefined();
    const foreign = await loginPending(bench.mfa, bob);
    expect(good(await bench.mfa.passwordChanged({ userId: ada.id, keep: foreign })).session).toBeUndefined();
  });

  it('of a user who is not known changes nothing', async () => {
    const bench = createBench();
    expect(await bench.mfa.passwordChanged({ userId: 'nobody' })).toEqual({ ok: true, ended: false });
    expect(bench.counts).toEqual({ reads: 1, writes: 0, removes: 0, lists: 0 });
  });
});

describe('endAllSessions', () => {
  it('I6: is final: nothing given out before works after it, but for the acting session', async () => {
    const bench = await createEnrolled();
    const [own, other] = [await loginWithCode(bench), await loginWithCode(bench)];
    const begun = await bench.mfa.beginLogin({ user: ada });
    const { session } = good(await bench.mfa.endAllSessions({ user: ada, session: own.session }));
    expect((await bench.mfa.checkAccess({ user: ada, session })).access).toBe('allow');
    for (const dead of [own.session, other.session, begun.session]) {
      expect((await bench.mfa.checkAccess({ user: ada, session: dead })).access).not.toBe('allow');
    }
    const opened = good(await bench.mfa.openPendingToken(begun.pendingToken ?? ''));
    bench.clock.advance(MINUTE);
    const code = bench.authenticator.code(bench.clock.now());
    expect(reasonOf(await bench.mfa.verify({ user: ada, session: opened.session, proof: { kind: 'totp', code } }))).toBe(
      'login_again',
    );
    expect(bench.events.filter((event) => event.name === 'sessions_ended')).toMatchObject([{ because: 'user' }]);
  });
});

describe('resetMfa', () => {
  it('removes what the user lost, keeps what was counted, and says who did it and why', async () => {
    const bench = await createEnrolled();
    const { session } = await loginWithCode(bench, { rememberDevice: true });
    for (let tries = 0; tries < 5; tries++) {
      await bench.mfa.verify({
        user: ada,
        session,
        proof: { kind: 'totp', code: wrongCode(bench.authenticator, bench.clock.now()) },
      });
    }
    bench.events.length = 0;
    good(await bench.mfa.resetMfa({ ...by, context: { request: 7 } }));
    expect(bench.events).toMatchObject([
      { name: 'mfa_reset', actor: by.actor, reason: by.reason, enrolled: false, context: { request: 7 } },
    ]);
    expect(bench.notices.at(-1)).toMatchObject({ name: 'mfa_reset' });
    const { status } = good(await bench.mfa.getStatus({ user: ada }));
    expect(status).toMatchObject({ enrolled: false, authenticators: [], devices: [], recoveryCodesLeft: 0, waitSeconds: 30 });
    expect((await bench.mfa.checkAccess({ user: ada, session })).access).toBe('login-again');
    expect((await bench.mfa.beginLogin({ user: ada })).decision.access).toBe('enroll');
  });

  it('STO-6: is the only way on where the record is gone and the host remembers', async () => {
    const bench = await createEnrolled();
    const user = { ...ada, enrolled: true };
    await bench.storage.remove(ada.id, (await bench.storage.read(ada.id))?.version ?? '');
    expect((await bench.mfa.beginLogin({ user })).decision).toEqual({ access: 'refuse', reason: 'profile_missing' });
    expect((await bench.mfa.beginLogin({ user })).session).toBeUndefined();
    good(await bench.mfa.resetMfa(by));
    expect((await bench.mfa.beginLogin({ user })).decision.access).toBe('enroll');
  });

  it.each([
    ['resetMfa', (bench: Awaited<ReturnType<typeof createEnrolled>>) => bench.mfa.resetMfa(by)],
    ['forgetUser', (bench: Awaited<ReturnType<typeof createEnrolled>>) => bench.mfa.forgetUser({ userId: ada.id })],
  ])('T34: %s works on a record that does not open', async (_, act) => {
    const bench = await createEnrolled(ada, { keys: [OTHER_KEY] });
    const stored = await bench.storage.read(ada.id);
    await bench.storage.write(ada.id, { version: 'damaged', value: 'AAAA' }, stored?.version ?? null);
    expect((await bench.mfa.beginLogin({ user: ada })).decision.access).toBe('unavailable');
    expect(await act(bench)).toMatchObject({ ok: true });
    expect((await bench.mfa.beginLogin({ user: ada })).decision.access).toBe('enroll');
  });

  it.each([
    ['an actor', { ...by, actor: '' }],
    ['an actor', { ...by, actor: undefined }],
    ['a reason', { ...by, reason: '  ' }],
    ['a reason', { ...by, reason: 7 }],
    ['a user id', { ...by, userId: '' }],
  ])('LOG-1: resetMfa and clearLockout need %s', async (_, input) => {
    const bench = await createEnrolled();
    await expect(bench.mfa.resetMfa(input as never)).rejects.toMatchObject({ name: 'MfaError', code: 'invalid_argument' });
    await expect(bench.mfa.clearLockout(input as never)).rejects.toMatchObject({ code: 'invalid_argument' });
    expect(good(await bench.mfa.getStatus({ user: ada })).status.enrolled).toBe(true);
  });
});

describe('forgetUser', () => {
  it('LOG-3: leaves nothing behind, and is no error when there is nothing', async () => {
    const bench = await createEnrolled();
    good(await bench.mfa.forgetUser({ userId: ada.id }));
    expect(await bench.storage.read(ada.id)).toBeNull();
    expect((await bench.storage.listUserIds()).userIds).toEqual([]);
    expect(bench.events.at(-1)).toMatchObject({ name: 'user_forgotten', userId: ada.id });
    good(await bench.mfa.forgetUser({ userId: ada.id }));
  });

  it('a slow request of a session from before brings nothing back', async () => {
    const bench = await createEnrolled();
    const { session } = await loginWithCode(bench);
    good(await bench.mfa.forgetUser({ userId: ada.id }));
    for (const answer of [
      await bench.mfa.verify({ user: ada, session, proof: { kind: 'totp', code: bench.authenticator.code(bench.clock.now()) } }),
      await bench.mfa.startEnrollment({ user: ada, session }),
      await bench.mfa.endAllSessions({ user: ada, session }),
    ]) {
      expect(reasonOf(answer)).toBe('login_again');
    }
    expect(await bench.storage.read(ada.id)).toBeNull();
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

  it.each(bad)('STO-5: an id that is %s is refused with an error that says so, at every door', async (_, id) => {
    const { mfa } = createBench();
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

  it.each(['x'.repeat(255), `${'é'.repeat(127)}x`])('STO-5: an id of 255 bytes is one: %s', async (id) => {
    const { mfa } = createBench();
    expect((await mfa.beginLogin({ user: { id, name: 'x' } })).decision.access).toBe('enroll');
  });

  it('STO-5: ids that differ in a byte are different users', async () => {
    const bench = await createEnrolled({ id: 'é', name: 'x' });
    for (const id of ['e\u0301', 'É', 'é ', ' é', 'e']) {
      expect((await bench.mfa.beginLogin({ user: { id, name: 'x' } })).decision.access).toBe('enroll');
    }
    expect((await bench.mfa.beginLogin({ user: { id: 'é', name: 'x' } })).decision.access).toBe('challenge');
  });
});
