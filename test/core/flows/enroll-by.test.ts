import type { MfaSession } from '@mfa-kit/core';
import { describe, expect, it } from 'vitest';
import { peek, poke } from '../../faults/core-faulty-storage.js';
import {
  ada,
  type Bench,
  createBench,
  createEnrolled,
  DAY,
  good,
  loginPending,
  loginWithCode,
  type TestUser,
} from '../../support/core-fixture.js';

const account = { userId: ada.id, actor: 'support-7', reason: 'the customer asked for two weeks' };

async function access(bench: Bench, user: TestUser): Promise<unknown> {
  const { decision } = await bench.mfa.beginLogin({ user });
  return decision.access === 'allow' ? [decision.via, decision.enrollBy] : decision.access;
}

/** A user whose deadline has passed, and who logs in with a policy that was moved since. */
async function overdue(): Promise<{ bench: Bench; user: (enrollBy?: number) => TestUser }> {
  const bench = createBench();
  const first = bench.clock.now() + DAY;
  await loginPending(bench.mfa, { ...ada, enrollBy: first });
  bench.clock.advance(2 * DAY);
  return { bench, user: (enrollBy = first) => ({ ...ada, enrollBy }) };
}

describe('F29: setEnrollBy', () => {
  it('gives a user whose deadline has passed another one, whatever policy says, with who did it and why', async () => {
    const { bench, user } = await overdue();
    const now = bench.clock.now();
    expect(await access(bench, user(now + 14 * DAY))).toBe('enroll');
    bench.events.length = 0;
    const enrollBy = now + 14 * DAY;
    expect(await bench.mfa.setEnrollBy({ ...account, enrollBy, context: { request: 7 } })).toEqual({ ok: true, enrollBy });
    const told = { name: 'enroll_by_set', enrollBy, actor: account.actor, reason: account.reason, enrolled: false };
    expect(bench.events).toMatchObject([{ ...told, context: { request: 7 } }]);
    expect(bench.notices).toMatchObject([told]);
    for (const policy of [user(), user(now + DAY), user(now + 80 * DAY), ada]) {
      expect(await access(bench, policy)).toEqual(['grace', enrollBy]);
      expect(good(await bench.mfa.getStatus({ user: policy })).status.enrollBy).toBe(enrollBy);
    }
    bench.clock.advance(14 * DAY);
    // Passed, it does not fall back to what policy says.
    for (const policy of [user(), user(now + 80 * DAY)]) expect(await access(bench, policy)).toBe('enroll');
  });

  it('works for a user of whom nothing is known, and keeps what policy gives later in mind', async () => {
    const bench = createBench();
    const now = bench.clock.now();
    const enrollBy = now + 30 * DAY;
    await bench.mfa.setEnrollBy({ ...account, enrollBy });
    const policy = { ...ada, enrollBy: now + DAY };
    expect(await access(bench, policy)).toEqual(['grace', enrollBy]);
    expect(await peek(bench.storage, ada.id)).toMatchObject({
      enrollBy: now + DAY,
      enrollByExtension: { enrollBy, over: now + DAY },
    });
    expect(await access(bench, policy)).toEqual(['grace', enrollBy]);
    // A record of the operator's making explains no enrollment that the host remembers.
    expect(await access(bench, { ...policy, enrolled: true })).toBe('refuse');
  });

  it('may be set again, to an earlier day too', async () => {
    const { bench, user } = await overdue();
    const now = bench.clock.now();
    for (const days of [60, 3, 90]) {
      await bench.mfa.setEnrollBy({ ...account, enrollBy: now + days * DAY });
      expect(await access(bench, user())).toEqual(['grace', now + days * DAY]);
    }
  });

  it('ends at the first enrollment', async () => {
    const bench = createBench();
    const user: TestUser = { ...ada, mfa: 'optional' };
    const enrollBy = bench.clock.now() + 60 * DAY;
    await bench.mfa.setEnrollBy({ ...account, enrollBy });
    const { verifiedSession } = await import('@mfa-kit/core/testing');
    const { session } = await verifiedSession(bench.mfa, user);
    expect(await peek(bench.storage, ada.id)).not.toHaveProperty('enrollByExtension');
    const [authenticator] = good(await bench.mfa.getStatus({ user })).status.authenticators;
    good(await bench.mfa.removeAuthenticator({ user, session, authenticatorId: authenticator?.id ?? '' }));
    expect(await access(bench, ada)).toBe('enroll');
  });

  it('does not come back when the last authenticator is removed, though release 1 kept it at the enrollment', async () => {
    const user: TestUser = { ...ada, mfa: 'optional' };
    for (const change of ['none', 'password'] as const) {
      const bench = await createEnrolled();
      const enrollBy = bench.clock.now() + 60 * DAY;
      await poke(bench.storage, ada.id, (profile) => ({
        ...profile,
        enrollByExtension: { enrollBy, epoch: profile.epoch },
      }));
      let { session }: { session: MfaSession } = await loginWithCode(bench);
      if (change === 'password') {
        session = (await bench.mfa.passwordChanged({ userId: ada.id, keep: session })).session as MfaSession;
      }
      const [authenticator] = good(await bench.mfa.getStatus({ user })).status.authenticators;
      good(await bench.mfa.removeAuthenticator({ user, session, authenticatorId: authenticator?.id ?? '' }));
      expect(await access(bench, ada)).toBe('enroll');
    }
  });

  it('ends at a reset, and the deadline that passed before stays passed', async () => {
    const { bench, user } = await overdue();
    await bench.mfa.setEnrollBy({ ...account, enrollBy: bench.clock.now() + 60 * DAY });
    await bench.mfa.resetMfa(account);
    expect(await peek(bench.storage, ada.id)).not.toHaveProperty('enrollByExtension');
    for (const later of [user(), user(bench.clock.now() + 60 * DAY)]) expect(await access(bench, later)).toBe('enroll');
    const enrollBy = bench.clock.now() + 7 * DAY;
    await bench.mfa.setEnrollBy({ ...account, enrollBy });
    expect(await access(bench, user())).toEqual(['grace', enrollBy]);
  });

  it('T42: nothing else moves it: a policy that was optional for a while, a later deadline, a password change', async () => {
    const { bench, user } = await overdue();
    expect(await access(bench, { ...ada, mfa: 'optional' })).toEqual(['not-required', undefined]);
    await bench.mfa.passwordChanged({ userId: ada.id });
    await bench.mfa.clearLockout(account);
    expect(await access(bench, user(bench.clock.now() + 14 * DAY))).toBe('enroll');
  });

  it('counts only while the deadline that it stands over is the stored one: an older version beside may have noted another', async () => {
    const { bench, user } = await overdue();
    await bench.mfa.setEnrollBy({ ...account, enrollBy: bench.clock.now() + 60 * DAY });
    await poke(bench.storage, ada.id, (profile) => ({ ...profile, enrollBy: (profile.enrollBy ?? 0) - DAY }));
    expect(await access(bench, user())).toBe('enroll');
  });

  it('is refused for who is enrolled, and that is an event', async () => {
    const bench = await createEnrolled();
    const before = await bench.storage.read(ada.id);
    const call = bench.mfa.setEnrollBy({ ...account, enrollBy: bench.clock.now() + DAY });
    await expect(call).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining('has an authenticator'),
    });
    expect(await bench.storage.read(ada.id)).toEqual(before);
    expect(bench.events).toMatchObject([{ name: 'refused', operation: 'set_enroll_by', enrolled: true }]);
    expect(bench.notices).toEqual([]);
  });

  it.each([
    ['in seconds', () => 1_800_000_000],
    ['now', (now: number) => now],
    ['passed', (now: number) => now - DAY],
    ['more than 90 days ahead', (now: number) => now + 90 * DAY + 1],
    ['a date', (now: number) => new Date(now + DAY)],
    ['no number', () => Number.NaN],
    ['missing', () => undefined],
    ['no whole number', (now: number) => now + 0.5],
  ])('is refused for an instant that is %s', async (_, instant) => {
    const bench = createBench();
    const enrollBy = instant(bench.clock.now()) as number;
    await expect(bench.mfa.setEnrollBy({ ...account, enrollBy })).rejects.toMatchObject({ code: 'invalid_argument' });
    expect(bench.counts.reads).toBe(0);
  });

  it.each([{ actor: '' }, { reason: '' }, { userId: '' }])('needs an account of it: %j', async (missing) => {
    const bench = createBench();
    const enrollBy = bench.clock.now() + DAY;
    await expect(bench.mfa.setEnrollBy({ ...account, enrollBy, ...missing })).rejects.toMatchObject({ code: 'invalid_argument' });
  });

  it('F15: throws when it was not done', async () => {
    const bench = createBench({ storage: { ...createBench().storage, read: () => Promise.reject(new Error('away')) } });
    const enrollBy = bench.clock.now() + DAY;
    await expect(bench.mfa.setEnrollBy({ ...account, enrollBy })).rejects.toMatchObject({
      code: 'not_done',
      cause: expect.objectContaining({ message: 'away' }),
    });
  });
});
