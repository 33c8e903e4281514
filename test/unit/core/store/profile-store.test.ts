import '../../../support/driven-timers.js';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  ada,
  bob,
  createEnrolled,
  createFixture,
  expectOk,
  loginPending,
  MINUTE,
  reasonOf,
  SECOND,
  wrongCode,
} from '../../../support/core-fixture.js';
import { interleavingStorage } from '../../../support/interleaving-storage.js';

afterEach(() => {
  vi.useRealTimers();
});

describe('operations on one user', () => {
  it('run one after another within a process: twenty right and wrong ones at once, and none is busy', async () => {
    const fixture = await createEnrolled();
    const session = await loginPending(fixture.mfa);
    const answers = await Promise.all(
      fixture.recoveryCodes.flatMap((recoveryCode) => [
        fixture.mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: recoveryCode } }),
        fixture.mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: '0'.repeat(24) } }),
      ]),
    );
    expect(answers.map(reasonOf)).toEqual(fixture.recoveryCodes.flatMap(() => ['ok', 'invalid_code']));
  });

  it('from four processes in honest parallel use are never busy', async () => {
    const fixture = await createEnrolled();
    const processes = [1, 2, 3, 4].map(() => createFixture({ storage: fixture.storage, clock: fixture.clock.now }));
    const session = await loginPending(fixture.mfa);
    const answers = await Promise.all(
      fixture.recoveryCodes.map((recoveryCode, index) =>
        processes[index % 4]?.mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: recoveryCode } }),
      ),
    );
    expect(answers.map((answer) => answer && reasonOf(answer))).toEqual(fixture.recoveryCodes.map(() => 'ok'));
  });

  it('give out the device token of the attempt that was stored, not one that was signed while a lost write was on its way', async () => {
    const fixture = await createEnrolled();
    const storage = interleavingStorage(fixture.storage);
    const { mfa } = createFixture({ storage, clock: fixture.clock.now });
    const session = await loginPending(mfa);
    fixture.clock.advance(MINUTE);
    const code = fixture.authenticator.code(fixture.clock.now());
    storage.hold(({ method, at }) => method === 'write' && at === 'before');
    const verifying = mfa.verify({ user: ada, session, proof: { kind: 'totp', code }, rememberDevice: true });
    const held = await storage.nextHeld();
    storage.hold(() => false);
    await fixture.mfa.verify({
      user: ada,
      session,
      proof: { kind: 'totp', code: wrongCode(fixture.authenticator, fixture.clock.now()) },
    });
    // Long enough for the first attempt to sign its token.
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    held.release();
    const { device } = expectOk(await verifying);
    expect(device).toBeDefined();
    const login = await mfa.beginLogin({ user: ada, deviceToken: device?.token });
    expect(login).toMatchObject({ decision: { access: 'allow' } });
  });

  it('FLT-4: return a throttled answer without waiting for a write that hangs', async () => {
    const fixture = await createEnrolled();
    const storage = interleavingStorage(fixture.storage);
    const { mfa } = createFixture({ storage, clock: fixture.clock.now });
    const session = await loginPending(mfa);
    const code = wrongCode(fixture.authenticator, fixture.clock.now());
    for (let tries = 0; tries < 5; tries++) await mfa.verify({ user: ada, session, proof: { kind: 'totp', code } });
    storage.hold(({ method }) => method === 'write');
    const hanging = mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: fixture.recoveryCodes[0] } });
    const held = await storage.nextHeld();
    expect(reasonOf(await mfa.verify({ user: ada, session, proof: { kind: 'totp', code } }))).toBe('throttled');
    expect((await mfa.checkAccess({ user: ada, session })).access).toBe('challenge');
    held.release();
    expect(reasonOf(await hanging)).toBe('ok');
  });

  it('FLT-4: do not wait for a hanging write of another user', async () => {
    const fixture = await createEnrolled();
    const storage = interleavingStorage(fixture.storage);
    const { mfa } = createFixture({ storage, clock: fixture.clock.now });
    storage.hold(({ method, userId }) => method === 'write' && userId === ada.id);
    const hanging = mfa.passwordChanged({ userId: ada.id });
    const held = await storage.nextHeld();
    expect((await mfa.beginLogin({ user: bob })).decision.access).toBe('enroll');
    held.release();
    expectOk(await hanging);
  });

  it('I12, FLT-3, FLT-4: with a hanging storage are each answered within four seconds, none is evaluated later, and then all work', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const fixture = await createEnrolled();
    const session = await loginPending(fixture.mfa);
    let hangs = true;
    const storage = {
      ...fixture.storage,
      read: (id: string) => (hangs ? new Promise<null>(() => {}) : fixture.storage.read(id)),
    };
    const faulty = createFixture({ storage, clock: fixture.clock.now });
    const start = performance.now();
    const code = wrongCode(fixture.authenticator, fixture.clock.now());
    const ended: number[] = [];
    const answers = Array.from({ length: 30 }, async () => {
      const answer = await faulty.mfa.verify({ user: ada, session, proof: { kind: 'totp', code } });
      ended.push(performance.now() - start);
      return reasonOf(answer);
    });
    for (let elapsed = 0; elapsed < 5000; elapsed += 50) await vi.advanceTimersByTimeAsync(50);
    expect(new Set(await Promise.all(answers))).toEqual(new Set(['unavailable', 'busy']));
    expect(Math.max(...ended)).toBeLessThanOrEqual(4_100);
    hangs = false;
    vi.useRealTimers();
    expect(
      reasonOf(
        await faulty.mfa.verify({
          user: ada,
          session,
          proof: { kind: 'totp', code: fixture.authenticator.code(fixture.clock.now()) },
        }),
      ),
    ).toBe('ok');
    expect(fixture.events.filter((event) => event.name === 'verification_failed')).toEqual([]);
  });

  it('THR-6: are charged nothing for fifty faults of each kind', async () => {
    const fixture = await createEnrolled();
    const session = await loginPending(fixture.mfa);
    for (const method of ['read', 'write'] as const) {
      const storage = { ...fixture.storage, [method]: () => Promise.reject(new Error('down')) };
      const faulty = createFixture({ storage, clock: fixture.clock.now });
      if (method === 'write') vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
      const code = wrongCode(fixture.authenticator, fixture.clock.now());
      const answers = Array.from({ length: 50 }, () => faulty.mfa.verify({ user: ada, session, proof: { kind: 'totp', code } }));
      if (method === 'write') for (let elapsed = 0; elapsed < 5000; elapsed += 100) await vi.advanceTimersByTimeAsync(100);
      expect((await Promise.all(answers)).every((answer) => ['unavailable', 'busy'].includes(reasonOf(answer)))).toBe(true);
      vi.useRealTimers();
    }
    for (let tries = 0; tries < 5; tries++) {
      const code = wrongCode(fixture.authenticator, fixture.clock.now());
      expect(reasonOf(await fixture.mfa.verify({ user: ada, session, proof: { kind: 'totp', code } }))).toBe('invalid_code');
    }
  });

  it('get busy at once as the 501st in the queue', async () => {
    const fixture = await createEnrolled();
    const storage = interleavingStorage(fixture.storage);
    const { mfa } = createFixture({ storage, clock: fixture.clock.now });
    const session = await loginPending(mfa);
    storage.hold(({ method }) => method === 'write');
    const waiting = Array.from({ length: 501 }, () =>
      mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: '0'.repeat(24) } }),
    );
    expect(await Promise.race(waiting)).toEqual({ ok: false, reason: 'busy', retryAfterSeconds: 1 });
    storage.releaseAll();
    const reasons = (await Promise.all(waiting)).map(reasonOf);
    expect(reasons.filter((reason) => reason === 'invalid_code')).toHaveLength(500);
    expect(reasons.filter((reason) => reason === 'busy')).toHaveLength(1);
  });
});

describe('round trips', () => {
  it('of every operation are as designed', async () => {
    const fixture = await createEnrolled();
    const { mfa, session } = fixture;
    const counted = async (act: () => Promise<unknown>) => {
      fixture.resetCounts();
      await act();
      return [fixture.counts.reads, fixture.counts.writes];
    };
    const pending = await loginPending(mfa);
    fixture.clock.advance(MINUTE);
    expect(await counted(() => mfa.beginLogin({ user: ada }))).toEqual([1, 0]);
    expect(await counted(() => mfa.checkAccess({ user: ada, session }))).toEqual([1, 0]);
    expect(await counted(() => mfa.getStatus({ user: ada }))).toEqual([1, 0]);
    expect(await counted(() => mfa.verify({ user: ada, session: pending, proof: { kind: 'totp', code: '000000' } }))).toEqual([
      1, 1,
    ]);
    const code = fixture.authenticator.code(fixture.clock.now());
    expect(await counted(() => mfa.verify({ user: ada, session: pending, proof: { kind: 'totp', code } }))).toEqual([1, 1]);
    const recoveryCode = fixture.recoveryCodes[0];
    expect(
      await counted(() => mfa.verify({ user: ada, session: pending, proof: { kind: 'recovery-code', code: recoveryCode } })),
    ).toEqual([1, 1]);
    expect(await counted(() => mfa.currentEnrollment({ user: ada, session }))).toEqual([1, 0]);
    expect(await counted(() => mfa.beginLogin({ user: { ...ada, mfa: 'off' } }))).toEqual([0, 0]);
    expect(await counted(() => mfa.checkAccess({ user: { ...ada, mfa: 'off' }, session }))).toEqual([0, 0]);
    expect(await counted(() => mfa.openPendingToken('x'))).toEqual([0, 0]);
    fixture.clock.advance(SECOND);
  });
});
