import '../../support/driven-timers.js';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { faultyStorage, peek, WRITE_FAULTS } from '../../faults/core-faulty-storage.js';
import {
  ada,
  bob,
  createBench,
  createEnrolled,
  DAY,
  good,
  HOUR,
  loginPending,
  loginWithCode,
  MINUTE,
  reasonOf,
  SECOND,
  wrongCode,
} from '../../support/core-fixture.js';
import { idOf, plant, populated } from '../../support/population.js';
import { afterTheBackup, tryEverything } from '../../support/restored.js';

afterEach(() => {
  vi.useRealTimers();
});

describe('a restored backup', () => {
  it('without afterRestore brings back what was used and ended since: this is what it is for', async () => {
    const story = await afterTheBackup(await createEnrolled());
    await story.restore();
    expect(await tryEverything(story)).toEqual({
      usedRecoveryCode: 'ok',
      usedCode: 'ok',
      endedSession: 'allow',
      endedDevice: 'allow',
      revokedDevice: 'allow',
      pendingToken: 'ok',
      untouchedRecoveryCode: 'ok',
    });
  });

  it('I2, I6, DEV-5: after afterRestore none of it works; nobody needs support to log in', async () => {
    const story = await afterTheBackup(await createEnrolled());
    const { bench, restore } = story;
    await restore();
    bench.events.length = 0;
    bench.notices.length = 0;
    const handled = await bench.mfa.afterRestore();
    expect(handled).toEqual({
      complete: true,
      dryRun: false,
      restoredAt: bench.clock.now(),
      users: 1,
      handled: 1,
      already: 0,
      devicesRemoved: 2,
      recoveryCodesRevoked: 1,
      unreadable: { count: 0, userIds: [] },
      failed: { count: 0, userIds: [] },
    });
    expect(bench.events).toEqual([
      { name: 'restore_handled', devicesRemoved: 2, userId: ada.id, at: bench.clock.now(), enrolled: true },
      { name: 'recovery_codes_revoked', because: 'restored', userId: ada.id, at: bench.clock.now(), enrolled: true },
    ]);
    expect(bench.notices.map(({ name }) => name)).toEqual(['recovery_codes_revoked']);
    expect(await tryEverything(story)).toEqual({
      usedRecoveryCode: 'invalid_code',
      usedCode: 'invalid_code',
      endedSession: 'challenge',
      endedDevice: 'challenge',
      revokedDevice: 'challenge',
      pendingToken: 'login_again',
      untouchedRecoveryCode: 'invalid_code',
    });

    // The login as ever, and new recovery codes by it.
    const browser = await loginWithCode(bench, { user: { ...ada, enrolled: true }, rememberDevice: true });
    expect((await bench.mfa.checkAccess({ user: ada, session: browser.session })).access).toBe('allow');
    const made = good(await bench.mfa.regenerateRecoveryCodes({ user: ada, session: browser.session }));
    const session = await loginPending(bench.mfa);
    expect(
      reasonOf(await bench.mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: made.recoveryCodes[0] } })),
    ).toBe('ok');
  });

  it('TOTP-2: no code that can have been used is good; each next one is, within a minute', async () => {
    const bench = await createEnrolled();
    await bench.mfa.afterRestore();
    const session = await loginPending(bench.mfa);
    for (const ahead of [-30, 0, 30]) {
      const code = bench.authenticator.code(bench.clock.now() + ahead * SECOND);
      expect(reasonOf(await bench.mfa.verify({ user: ada, session, proof: { kind: 'totp', code } }))).toBe('invalid_code');
    }
    bench.clock.advance(MINUTE);
    const code = bench.authenticator.code(bench.clock.now());
    expect(reasonOf(await bench.mfa.verify({ user: ada, session, proof: { kind: 'totp', code } }))).toBe('ok');
    expect(bench.names()).not.toContain('clock_anomaly');
  });

  it('a browser whose token had moved on since is asked, and not taken for a thief', async () => {
    const bench = await createEnrolled();
    const { token } = await loginWithCode(bench, { rememberDevice: true });
    const story = await afterTheBackup(bench);
    let newest = token;
    for (let day = 0; day < 3; day++) {
      bench.clock.advance(DAY / 24);
      newest = (await bench.mfa.beginLogin({ user: ada, deviceToken: newest })).device?.token ?? newest;
    }
    await story.restore();
    await bench.mfa.afterRestore();
    bench.events.length = 0;
    expect((await bench.mfa.beginLogin({ user: ada, deviceToken: newest })).decision.access).toBe('challenge');
    expect(bench.names()).toEqual(['device_refused', 'login_begun']);
  });

  it('STO-6: who enrolled since is gone with it: the host remembers, and nobody enrolls in their place', async () => {
    const bench = createBench();
    await loginPending(bench.mfa, bob);
    // Reset before the backup, enrolled again after it: for a week an empty record would explain itself.
    const story = await createEnrolled(ada, { storage: bench.storage, clock: bench.clock.now });
    good(await story.mfa.resetMfa({ userId: ada.id, actor: 'support', reason: 'lost phone' }));
    bench.clock.advance(HOUR);
    const user = { ...ada, enrolled: true };
    expect((await bench.mfa.beginLogin({ user })).decision.access).toBe('enroll');
    expect(await bench.mfa.afterRestore()).toMatchObject({ users: 2, handled: 2, recoveryCodesRevoked: 0 });
    expect((await bench.mfa.beginLogin({ user })).decision).toEqual({ access: 'refuse', reason: 'profile_missing' });
    expect((await bench.mfa.beginLogin({ user: { ...bob, enrolled: true } })).decision.access).toBe('refuse');
    // Who was not enrolled is as before.
    expect((await bench.mfa.beginLogin({ user: bob })).decision.access).toBe('enroll');
    expect(bench.notices).toEqual([]);
  });

  it('keeps authenticators, guess limits and the deadline for enrollment', async () => {
    const bench = await createEnrolled({ ...ada, enrollBy: 1_900_000_000_000 });
    const session = await loginPending(bench.mfa);
    const code = wrongCode(bench.authenticator, bench.clock.now());
    for (let tries = 0; tries < 5; tries++) await bench.mfa.verify({ user: ada, session, proof: { kind: 'totp', code } });
    const before = await peek(bench.storage, ada.id);
    await bench.mfa.afterRestore();
    const after = await peek(bench.storage, ada.id);
    expect(after?.budget).toEqual(before?.budget);
    expect(after?.enrollBy).toBe(before?.enrollBy);
    expect(after?.authenticators.map(({ id, name, createdAt }) => ({ id, name, createdAt }))).toEqual(
      before?.authenticators.map(({ id, name, createdAt }) => ({ id, name, createdAt })),
    );
  });
});

describe('afterRestore', () => {
  it('in a dry run stores nothing, tells nobody, and says what it would do', async () => {
    const story = await afterTheBackup(await createEnrolled());
    await story.restore();
    story.bench.events.length = 0;
    story.bench.resetCounts();
    const dry = await story.bench.mfa.afterRestore({ dryRun: true });
    expect(dry).toMatchObject({ dryRun: true, handled: 1, devicesRemoved: 2, recoveryCodesRevoked: 1 });
    expect(story.bench.counts.writes).toBe(0);
    expect(story.bench.events).toEqual([]);
  });

  it('begun again for the same restore leaves alone what it has handled, new recovery codes too; a later restore does not', async () => {
    const bench = await createEnrolled();
    const { restoredAt } = await bench.mfa.afterRestore();
    const { session } = await loginWithCode(bench);
    const made = good(await bench.mfa.regenerateRecoveryCodes({ user: ada, session }));
    expect(await bench.mfa.afterRestore({ restoredAt, dryRun: true })).toMatchObject({ handled: 0, already: 1 });
    expect(await bench.mfa.afterRestore({ restoredAt })).toMatchObject({ handled: 0, already: 1, recoveryCodesRevoked: 0 });
    expect((await bench.mfa.checkAccess({ user: ada, session: made.session })).access).toBe('allow');
    bench.clock.advance(DAY);
    expect(await bench.mfa.afterRestore()).toMatchObject({ handled: 1, already: 0, recoveryCodesRevoked: 1 });
    expect((await bench.mfa.checkAccess({ user: ada, session: made.session })).access).toBe('challenge');
  });

  it('interrupted goes on by its cursor and its instant', async () => {
    const storage = await populated(250);
    await plant(storage, 'with-codes', { recoveryCodes: { key: 'a', digests: ['b'], createdAt: 0 } });
    const abort = new AbortController();
    const { mfa, events } = createBench({ storage });
    const first = await mfa.afterRestore({ signal: abort.signal, onPage: () => abort.abort() });
    expect(first).toMatchObject({ complete: false, users: 100, handled: 100 });
    const again = await mfa.afterRestore({ restoredAt: first.restoredAt, cursor: first.cursor as string });
    expect(again).toMatchObject({ complete: true, users: 151, handled: 151, recoveryCodesRevoked: 1 });
    const whole = await mfa.afterRestore({ restoredAt: first.restoredAt });
    expect(whole).toMatchObject({ complete: true, users: 251, handled: 0, already: 251 });
    expect(events.filter(({ name }) => name === 'restore_handled')).toHaveLength(251);
  });

  it.each(WRITE_FAULTS)('FLT-1: where a write %s the epoch changes, and it is told once', async (fault) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const bench = await createEnrolled();
    const before = await peek(bench.storage, ada.id);
    const faulty = createBench({ storage: faultyStorage(bench.storage, { at: 1, fault }), clock: bench.clock.now });
    const walking = faulty.mfa.afterRestore();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await walking).toMatchObject({ complete: true, users: 1, failed: { count: 0 } });
    const after = await peek(bench.storage, ada.id);
    expect(after).toMatchObject({ devices: [], recoveryCodes: null });
    expect(after?.epoch).not.toBe(before?.epoch);
    // Buried, it is found done: by whom, the record does not say any more.
    const told = fault === 'commits, is buried, then throws' ? 0 : 1;
    expect(faulty.names().filter((name) => name === 'restore_handled')).toHaveLength(told);
  });

  it('beside live traffic ends what was given out before a profile was reached, and nothing after', async () => {
    const bench = await createEnrolled();
    const early = await loginWithCode(bench);
    const [handled, races] = await Promise.all([
      bench.mfa.afterRestore(),
      Promise.all(
        bench.recoveryCodes.map(async (recoveryCode) => {
          const session = await loginPending(bench.mfa);
          return reasonOf(await bench.mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: recoveryCode } }));
        }),
      ),
    ]);
    expect(handled).toMatchObject({ handled: 1 });
    for (const reason of races) expect(['ok', 'login_again', 'invalid_code']).toContain(reason);
    expect((await bench.mfa.checkAccess({ user: ada, session: early.session })).access).toBe('challenge');
    expect(good(await bench.mfa.getStatus({ user: ada })).status).toMatchObject({ recoveryCodesLeft: 0, devices: [] });
    const late = await loginWithCode(bench);
    expect((await bench.mfa.checkAccess({ user: ada, session: late.session })).access).toBe('allow');
  });

  it('handles each of many users', async () => {
    const storage = await populated(210);
    const { mfa } = createBench({ storage });
    const epochs = new Map<string, string>();
    for (let index = 0; index < 210; index++) epochs.set(idOf(index), (await peek(storage, idOf(index)))?.epoch ?? '');
    expect(await mfa.afterRestore()).toMatchObject({ users: 210, handled: 210 });
    for (const [userId, epoch] of epochs) expect((await peek(storage, userId))?.epoch).not.toBe(epoch);
  });
});
