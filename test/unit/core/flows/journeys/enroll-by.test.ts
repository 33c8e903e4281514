import type { MfaSession } from '@mfa-kit/core';
import { describe, expect, it } from 'vitest';
import { peek, poke } from '../../../../faults/core-faulty-storage.js';
import {
  ada,
  createEnrolled,
  createFixture,
  DAY,
  expectOk,
  type Fixture,
  loginPending,
  loginWithCode,
  type TestUser,
} from '../../../../support/core-fixture.js';

const account = { userId: ada.id, actor: 'support-7', reason: 'the customer asked for two weeks' };

async function access(fixture: Fixture, user: TestUser): Promise<unknown> {
  const { decision } = await fixture.mfa.beginLogin({ user });
  return decision.access === 'allow' ? [decision.via, decision.enrollBy] : decision.access;
}

/** A user whose deadline has passed, and who logs in with a policy that has changed since. */
async function overdue(): Promise<{ fixture: Fixture; user: (enrollBy?: number) => TestUser }> {
  const fixture = createFixture();
  const first = fixture.clock.now() + DAY;
  await loginPending(fixture.mfa, { ...ada, enrollBy: first });
  fixture.clock.advance(2 * DAY);
  return { fixture, user: (enrollBy = first) => ({ ...ada, enrollBy }) };
}

describe('F29: setEnrollBy', () => {
  it('sets a new deadline after the first has passed, overriding the policy, and records who did it and why', async () => {
    const { fixture, user } = await overdue();
    const now = fixture.clock.now();
    expect(await access(fixture, user(now + 14 * DAY))).toBe('enroll');
    fixture.events.length = 0;
    const enrollBy = now + 14 * DAY;
    expect(await fixture.mfa.setEnrollBy({ ...account, enrollBy, context: { request: 7 } })).toEqual({ ok: true, enrollBy });
    const expected = { name: 'enroll_by_set', enrollBy, actor: account.actor, reason: account.reason, enrolled: false };
    expect(fixture.events).toMatchObject([{ ...expected, context: { request: 7 } }]);
    expect(fixture.notices).toMatchObject([expected]);
    for (const policy of [user(), user(now + DAY), user(now + 80 * DAY), ada]) {
      expect(await access(fixture, policy)).toEqual(['grace', enrollBy]);
      expect(expectOk(await fixture.mfa.getStatus({ user: policy })).status.enrollBy).toBe(enrollBy);
    }
    fixture.clock.advance(14 * DAY);
    // After it has passed, it does not fall back to the policy.
    for (const policy of [user(), user(now + 80 * DAY)]) expect(await access(fixture, policy)).toBe('enroll');
  });

  it('works for an unknown user, and notes the deadline that the policy returns later', async () => {
    const fixture = createFixture();
    const now = fixture.clock.now();
    const enrollBy = now + 30 * DAY;
    await fixture.mfa.setEnrollBy({ ...account, enrollBy });
    const policy = { ...ada, enrollBy: now + DAY };
    expect(await access(fixture, policy)).toEqual(['grace', enrollBy]);
    expect(await peek(fixture.storage, ada.id)).toMatchObject({
      enrollBy: now + DAY,
      enrollByExtension: { enrollBy, over: now + DAY },
    });
    expect(await access(fixture, policy)).toEqual(['grace', enrollBy]);
    // A record that an operator created does not explain an enrollment that the host remembers.
    expect(await access(fixture, { ...policy, enrolled: true })).toBe('refuse');
  });

  it('may be called again, also for an earlier day', async () => {
    const { fixture, user } = await overdue();
    const now = fixture.clock.now();
    for (const days of [60, 3, 90]) {
      await fixture.mfa.setEnrollBy({ ...account, enrollBy: now + days * DAY });
      expect(await access(fixture, user())).toEqual(['grace', now + days * DAY]);
    }
  });

  it('no longer counts after the first enrollment', async () => {
    const fixture = createFixture();
    const user: TestUser = { ...ada, mfa: 'optional' };
    const enrollBy = fixture.clock.now() + 60 * DAY;
    await fixture.mfa.setEnrollBy({ ...account, enrollBy });
    const { verifiedSession } = await import('@mfa-kit/core/testing');
    const { session } = await verifiedSession(fixture.mfa, user);
    expect(await peek(fixture.storage, ada.id)).not.toHaveProperty('enrollByExtension');
    const [authenticator] = expectOk(await fixture.mfa.getStatus({ user })).status.authenticators;
    expectOk(await fixture.mfa.removeAuthenticator({ user, session, authenticatorId: authenticator?.id ?? '' }));
    expect(await access(fixture, ada)).toBe('enroll');
  });

  it('does not count again when the last authenticator is removed, even if release 1 kept it at the enrollment', async () => {
    const user: TestUser = { ...ada, mfa: 'optional' };
    for (const change of ['none', 'password'] as const) {
      const fixture = await createEnrolled();
      const enrollBy = fixture.clock.now() + 60 * DAY;
      await poke(fixture.storage, ada.id, (profile) => ({
        ...profile,
        enrollByExtension: { enrollBy, epoch: profile.epoch },
      }));
      let { session }: { session: MfaSession } = await loginWithCode(fixture);
      if (change === 'password') {
        session = (await fixture.mfa.passwordChanged({ userId: ada.id, keep: session })).session as MfaSession;
      }
      const [authenticator] = expectOk(await fixture.mfa.getStatus({ user })).status.authenticators;
      expectOk(await fixture.mfa.removeAuthenticator({ user, session, authenticatorId: authenticator?.id ?? '' }));
      expect(await access(fixture, ada)).toBe('enroll');
    }
  });

  it('no longer counts after a reset, and the deadline that had passed stays passed', async () => {
    const { fixture, user } = await overdue();
    await fixture.mfa.setEnrollBy({ ...account, enrollBy: fixture.clock.now() + 60 * DAY });
    await fixture.mfa.resetMfa(account);
    expect(await peek(fixture.storage, ada.id)).not.toHaveProperty('enrollByExtension');
    for (const later of [user(), user(fixture.clock.now() + 60 * DAY)]) expect(await access(fixture, later)).toBe('enroll');
    const enrollBy = fixture.clock.now() + 7 * DAY;
    await fixture.mfa.setEnrollBy({ ...account, enrollBy });
    expect(await access(fixture, user())).toEqual(['grace', enrollBy]);
  });

  it('T42: is not changed by a policy that was optional for a while, a later deadline or a password change', async () => {
    const { fixture, user } = await overdue();
    expect(await access(fixture, { ...ada, mfa: 'optional' })).toEqual(['not-required', undefined]);
    await fixture.mfa.passwordChanged({ userId: ada.id });
    await fixture.mfa.clearLockout(account);
    expect(await access(fixture, user(fixture.clock.now() + 14 * DAY))).toBe('enroll');
  });

  it('counts only while the deadline that it overrides is the stored one, because an older version may have noted another', async () => {
    const { fixture, user } = await overdue();
    await fixture.mfa.setEnrollBy({ ...account, enrollBy: fixture.clock.now() + 60 * DAY });
    await poke(fixture.storage, ada.id, (profile) => ({ ...profile, enrollBy: (profile.enrollBy ?? 0) - DAY }));
    expect(await access(fixture, user())).toBe('enroll');
  });

  it('is refused for a user who is enrolled, with an event', async () => {
    const fixture = await createEnrolled();
    const before = await fixture.storage.read(ada.id);
    const call = fixture.mfa.setEnrollBy({ ...account, enrollBy: fixture.clock.now() + DAY });
    await expect(call).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining('has an authenticator'),
    });
    expect(await fixture.storage.read(ada.id)).toEqual(before);
    expect(fixture.events).toMatchObject([{ name: 'refused', operation: 'set_enroll_by', enrolled: true }]);
    expect(fixture.notices).toEqual([]);
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
    const fixture = createFixture();
    const enrollBy = instant(fixture.clock.now()) as number;
    await expect(fixture.mfa.setEnrollBy({ ...account, enrollBy })).rejects.toMatchObject({ code: 'invalid_argument' });
    expect(fixture.counts.reads).toBe(0);
  });

  it.each([{ actor: '' }, { reason: '' }, { userId: '' }])('requires user, actor and reason: %j', async (missing) => {
    const fixture = createFixture();
    const enrollBy = fixture.clock.now() + DAY;
    await expect(fixture.mfa.setEnrollBy({ ...account, enrollBy, ...missing })).rejects.toMatchObject({
      code: 'invalid_argument',
    });
  });

  it('F15: throws if it failed', async () => {
    const fixture = createFixture({ storage: { ...createFixture().storage, read: () => Promise.reject(new Error('away')) } });
    const enrollBy = fixture.clock.now() + DAY;
    await expect(fixture.mfa.setEnrollBy({ ...account, enrollBy })).rejects.toMatchObject({
      code: 'not_done',
      cause: expect.objectContaining({ message: 'away' }),
    });
  });
});
