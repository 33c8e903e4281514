import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  ada,
  createEnrolled,
  createFixture,
  DAY,
  expectOk,
  loginPending,
  MINUTE,
  type TestUser,
} from '../../../../support/core-fixture.js';

afterEach(() => {
  vi.useRealTimers();
});

describe('markEnrolled', () => {
  it('is awaited before the confirmation answers, and called for the removal of the last authenticator and for a reset', async () => {
    const order: string[] = [];
    const user: TestUser = { ...ada, mfa: 'optional' };
    const markEnrolled = async (userId: string, enrolled: boolean) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      order.push(`${userId} ${enrolled}`);
    };
    const fixture = await createEnrolled(user, { markEnrolled });
    expect(order).toEqual(['user-ada true']);
    const [authenticator] = expectOk(await fixture.mfa.getStatus({ user })).status.authenticators;
    expectOk(await fixture.mfa.removeAuthenticator({ user, session: fixture.session, authenticatorId: authenticator?.id ?? '' }));
    expect(order).toEqual(['user-ada true', 'user-ada false']);
    expectOk(await fixture.mfa.resetMfa({ userId: ada.id, actor: 'a', reason: 'r' }));
    expect(order.at(-1)).toBe('user-ada false');
    expect(order).toHaveLength(3);
  });

  it('is repeated at the next login and the next proof while the host disagrees, and only then', async () => {
    const calls: boolean[] = [];
    const fixture = await createEnrolled(ada, { markEnrolled: (_, enrolled) => void calls.push(enrolled) });
    calls.length = 0;
    await loginPending(fixture.mfa, ada);
    await loginPending(fixture.mfa, { ...ada, enrolled: true });
    expect(calls).toEqual([]);
    const session = await loginPending(fixture.mfa, { ...ada, enrolled: false });
    expect(calls).toEqual([true]);
    const code = fixture.authenticator.code(fixture.clock.now());
    expectOk(await fixture.mfa.verify({ user: { ...ada, enrolled: false }, session, proof: { kind: 'totp', code } }));
    expect(calls).toEqual([true, true]);
  });

  it('undoes nothing when it fails, and causes an event', async () => {
    const fixture = await createEnrolled(ada, {
      markEnrolled: () => {
        throw new Error('the users table is away');
      },
    });
    fixture.clock.advance(MINUTE);
    const { decision } = await fixture.mfa.beginLogin({ user: { ...ada, enrolled: false } });
    expect(decision.access).toBe('challenge');
    expect(fixture.names()).toContain('mark_enrolled_failed');
  });

  it('I12: delays the answer by at most two seconds when it hangs, and causes an event', async () => {
    const fixture = createFixture({ markEnrolled: () => new Promise<void>(() => {}) });
    const session = await loginPending(fixture.mfa);
    const started = expectOk(await fixture.mfa.startEnrollment({ user: ada, session }));
    const { createAuthenticator } = await import('../../../../support/core-fixture.js');
    const code = createAuthenticator(started.enrollment.uri).code(fixture.clock.now());
    const begun = performance.now();
    const input = {
      user: ada,
      session: started.session,
      enrollmentId: started.enrollment.id,
      proof: { kind: 'totp' as const, code },
    };
    expectOk(await fixture.mfa.confirmEnrollment(input));
    expect(performance.now() - begun).toBeLessThan(3000);
    expect(fixture.names()).toContain('mark_enrolled_failed');
  });

  it('STO-6: after a reset that it could not report allows a new enrollment for a week; then a missing profile refuses again', async () => {
    const fixture = await createEnrolled();
    const user = { ...ada, enrolled: true };
    expectOk(await fixture.mfa.resetMfa({ userId: ada.id, actor: 'a', reason: 'r' }));
    expect((await fixture.mfa.beginLogin({ user })).decision.access).toBe('enroll');
    fixture.clock.advance(7 * DAY);
    expect((await fixture.mfa.beginLogin({ user })).decision.access).toBe('enroll');
    fixture.clock.advance(1);
    expect((await fixture.mfa.beginLogin({ user })).decision).toEqual({ access: 'refuse', reason: 'profile_missing' });
  });
});
