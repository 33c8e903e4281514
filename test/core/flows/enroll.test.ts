import { describe, expect, it } from 'vitest';
import { poke } from '../../faults/core-faulty-storage.js';
import {
  ada,
  type Bench,
  bob,
  createAuthenticator,
  createBench,
  createEnrolled,
  DAY,
  enrollAnother,
  good,
  loginPending,
  loginWithCode,
  MINUTE,
  reasonOf,
  SECOND,
  type TestUser,
} from '../../support/core-fixture.js';

async function started(bench: Bench, user: TestUser = ada) {
  const login = await loginPending(bench.mfa, user);
  const { session, enrollment } = good(await bench.mfa.startEnrollment({ user, session: login }));
  return { session, enrollmentId: enrollment.id, enrollment, authenticator: createAuthenticator(enrollment.uri), user };
}

type Started = Awaited<ReturnType<typeof started>>;

function confirm(bench: Bench, begun: Started, change: object = {}) {
  const { user, session, enrollmentId } = begun;
  return bench.mfa.confirmEnrollment({
    user,
    session,
    enrollmentId,
    proof: { kind: 'totp', code: begun.authenticator.code(bench.clock.now()) },
    ...change,
  });
}

describe('a first enrollment', () => {
  it('takes a login, a start and a code, and gives recovery codes once', async () => {
    const bench = createBench();
    const begun = await started(bench);
    bench.resetCounts();
    const confirmed = good(await confirm(bench, begun));
    expect(bench.counts).toEqual({ reads: 1, writes: 1, removes: 0, lists: 0 });
    expect(confirmed.recoveryCodes).toHaveLength(10);
    expect(confirmed.assurance).toMatchObject({ userId: ada.id, via: 'otp', amr: ['otp', 'mfa'] });
    expect(bench.names()).toEqual(['login_begun', 'enrollment_started', 'authenticator_enrolled']);
    expect(bench.events.at(-1)).toMatchObject({ enrolled: true });
    bench.clock.advance(MINUTE);
    expect((await enrollAnother(bench, confirmed.session)).recoveryCodes).toEqual([]);
  });

  it('ENR-3: counts as nothing until it is confirmed', async () => {
    const bench = createBench();
    const begun = await started(bench);
    expect((await bench.mfa.beginLogin({ user: ada })).decision).toEqual({ access: 'enroll' });
    expect((await bench.mfa.checkAccess({ user: ada, session: begun.session })).access).toBe('enroll');
    const code = begun.authenticator.code(bench.clock.now());
    expect(reasonOf(await bench.mfa.verify({ user: ada, session: begun.session, proof: { kind: 'totp', code } }))).toBe(
      'not_enrolled',
    );
    expect(good(await bench.mfa.getStatus({ user: ada })).status).toMatchObject({ enrolled: false, authenticators: [] });
  });

  it('ENR-4: ends after ten minutes, to the millisecond', async () => {
    const bench = createBench();
    const begun = await started(bench);
    expect(begun.enrollment.expiresAt).toBe(bench.clock.now() + 10 * MINUTE);
    bench.clock.advance(10 * MINUTE - 1);
    expect(reasonOf(await bench.mfa.currentEnrollment({ user: ada, session: begun.session }))).toBe('ok');
    bench.clock.advance(1);
    expect(reasonOf(await confirm(bench, begun))).toBe('enrollment_expired');
    expect(reasonOf(await bench.mfa.currentEnrollment({ user: ada, session: begun.session }))).toBe('enrollment_expired');
  });

  it('FLT-5: one started by a clock far ahead does not stay open for years', async () => {
    const bench = createBench();
    bench.clock.advance(365 * DAY);
    const begun = await started(bench);
    bench.clock.advance(-365 * DAY);
    expect(reasonOf(await confirm(bench, begun))).toBe('enrollment_expired');
  });

  it('ENR-4: belongs to the session that began it: another session of the user neither sees, confirms nor cancels it', async () => {
    const bench = createBench();
    const begun = await started(bench);
    const other = { ...begun, session: await loginPending(bench.mfa) };
    expect(reasonOf(await confirm(bench, other))).toBe('enrollment_expired');
    expect(reasonOf(await bench.mfa.currentEnrollment(other))).toBe('enrollment_expired');
    good(await bench.mfa.cancelEnrollment(other));
    good(await confirm(bench, begun));
  });

  it('T19: another user cannot confirm, cancel or read it, whatever ids his session claims', async () => {
    const bench = createBench();
    const begun = await started(bench);
    const session = { ...(await loginPending(bench.mfa, bob)), enrollmentIds: [begun.enrollmentId] };
    const foreign = { ...begun, user: bob, session };
    expect(reasonOf(await confirm(bench, foreign))).toBe('enrollment_expired');
    expect(reasonOf(await bench.mfa.currentEnrollment(foreign))).toBe('enrollment_expired');
    good(await bench.mfa.cancelEnrollment(foreign));
    expect(reasonOf(await confirm(bench, { ...begun, user: bob }))).toBe('login_again');
    good(await confirm(bench, begun));
  });

  it('is shown again, the same, to its session; a new start replaces it', async () => {
    const bench = createBench();
    const begun = await started(bench);
    const again = good(await bench.mfa.currentEnrollment({ user: ada, session: begun.session }));
    expect(again.enrollment).toEqual(begun.enrollment);
    const restarted = good(await bench.mfa.startEnrollment({ user: ada, session: begun.session }));
    expect(restarted.enrollment.id).not.toBe(begun.enrollmentId);
    expect(reasonOf(await confirm(bench, { ...begun, session: restarted.session }))).toBe('enrollment_expired');
  });

  it('ends with its cancellation', async () => {
    const bench = createBench();
    const begun = await started(bench);
    good(await bench.mfa.cancelEnrollment(begun));
    expect(bench.names()).toContain('enrollment_canceled');
    expect(reasonOf(await confirm(bench, begun))).toBe('enrollment_expired');
    good(await bench.mfa.cancelEnrollment(begun));
  });

  it.each([
    [0, 'ok'],
    [15 * MINUTE, 'ok'],
    [15 * MINUTE + 1, 'login_again'],
    [-MINUTE, 'ok'],
    [-MINUTE - 1, 'login_again'],
  ])('needs a login not older than 15 minutes: %i ms after it', async (age, reason) => {
    const bench = createBench();
    const session = await loginPending(bench.mfa);
    bench.clock.advance(age);
    expect(reasonOf(await bench.mfa.startEnrollment({ user: ada, session }))).toBe(reason);
  });

  it('needs a login whose time is known', async () => {
    const bench = createBench();
    const { session, decision } = await bench.mfa.beginLogin({ user: ada, loggedInAt: 0 });
    expect(decision.access).toBe('enroll');
    expect(reasonOf(await bench.mfa.startEnrollment({ user: ada, session }))).toBe('login_again');
    expect(reasonOf(await bench.mfa.startEnrollment({ user: ada, session: undefined }))).toBe('login_again');
  });

  it('T18: takes the secret from the profile, whatever else comes with the code', async () => {
    const bench = createBench();
    const begun = await started(bench);
    const theirs = createAuthenticator('A'.repeat(32)).code(bench.clock.now());
    const own = { secret: 'A'.repeat(32), uri: 'otpauth://totp/x?secret=AAAA', data: { secret: 'A' } };
    const smuggled = { ...own, proof: { kind: 'totp' as const, code: theirs, ...own } };
    expect(reasonOf(await confirm(bench, begun, smuggled))).toBe('invalid_code');
  });

  it('T39: is refused while the user may not enroll, at the start and at the confirmation', async () => {
    const bench = createBench();
    const begun = await started(bench);
    const user = { ...ada, mayEnroll: false };
    expect(reasonOf(await bench.mfa.startEnrollment({ user, session: begun.session }))).toBe('not_allowed');
    expect(reasonOf(await confirm(bench, { ...begun, user }))).toBe('not_allowed');
    const { decision } = await bench.mfa.beginLogin({ user });
    expect(decision).toEqual({ access: 'refuse', reason: 'not_allowed' });
  });

  it('FLT-6: a repeated confirmation is recognized before its code is looked at, at no cost', async () => {
    const bench = createBench();
    const begun = await started(bench);
    const [one, two] = await Promise.all([confirm(bench, begun), confirm(bench, begun)]);
    expect([reasonOf(one), reasonOf(two)]).toEqual(['ok', 'already_confirmed']);
    bench.resetCounts();
    for (let tries = 0; tries < 20; tries++) {
      expect(reasonOf(await confirm(bench, begun, { code: '000000' }))).toBe('already_confirmed');
    }
    expect(bench.counts).toMatchObject({ reads: 20, writes: 0 });
    expect(good(await bench.mfa.getStatus({ user: ada })).status.authenticators).toHaveLength(1);
  });

  it('T3: of 50 parallel confirmations one succeeds', async () => {
    const bench = createBench();
    const begun = await started(bench);
    const answers = await Promise.all(Array.from({ length: 50 }, () => confirm(bench, begun)));
    expect(answers.filter((answer) => answer.ok)).toHaveLength(1);
    expect(new Set(answers.map(reasonOf))).toEqual(new Set(['ok', 'already_confirmed']));
  });

  it('ENR-1, T14: 2,000 enrollments have 2,000 secrets of 160 bits', async () => {
    const bench = createBench();
    const secrets = new Set<string>();
    for (let count = 0; count < 200; count++) {
      for (let starts = 0; starts < 10; starts++) {
        const user = { id: `user-${count}`, name: 'x' };
        const { enrollment } = good(await bench.mfa.startEnrollment({ user, session: await loginPending(bench.mfa, user) }));
        expect(enrollment.manualKey.replaceAll(' ', '')).toMatch(/^[A-Z2-7]{32}$/);
        secrets.add(enrollment.manualKey);
      }
    }
    expect(secrets.size).toBe(2000);
  });
});

describe('limits', () => {
  it('STO-1: three pending at once: the oldest goes', async () => {
    const bench = createBench();
    const all: Started[] = [];
    for (let count = 0; count < 4; count++) {
      all.push(await started(bench));
      bench.clock.advance(SECOND);
    }
    const reasons: string[] = [];
    for (const begun of all) reasons.push(reasonOf(await bench.mfa.currentEnrollment(begun)));
    expect(reasons).toEqual(['enrollment_expired', 'ok', 'ok', 'ok']);
  });

  it('ten starts an hour', async () => {
    const bench = createBench();
    for (let count = 0; count < 10; count++) {
      await started(bench);
      bench.clock.advance(MINUTE);
    }
    const session = await loginPending(bench.mfa);
    expect(await bench.mfa.startEnrollment({ user: ada, session })).toEqual({
      ok: false,
      reason: 'limit_reached',
      retryAfterSeconds: 50 * 60,
    });
    bench.clock.advance(50 * MINUTE);
    await started(bench);
  });

  it('FLT-5: starts by a clock that was ahead stop nobody', async () => {
    const bench = createBench();
    bench.clock.advance(DAY);
    for (let count = 0; count < 10; count++) await started(bench);
    bench.clock.advance(-DAY);
    await started(bench);
  });
});

describe('with an authenticator present', () => {
  it('T15, T16: a password alone starts, confirms and shows nothing', async () => {
    const bench = await createEnrolled();
    const session = await loginPending(bench.mfa);
    const refused = { ok: false, reason: 'assurance_required', maxAgeSeconds: 300 };
    expect(await bench.mfa.startEnrollment({ user: ada, session })).toEqual(refused);
    expect(await bench.mfa.currentEnrollment({ user: ada, session })).toEqual(refused);
  });

  it('T17: a new enrollment changes nothing in the live authenticator, nor does its end', async () => {
    const bench = await createEnrolled();
    const { mfa, clock, session } = bench;
    const begun = good(await mfa.startEnrollment({ user: ada, session }));
    await loginWithCode(bench);
    clock.advance(11 * MINUTE);
    await loginWithCode(bench);
    const fresh = createAuthenticator(begun.enrollment.uri).code(clock.now());
    expect(
      reasonOf(await mfa.verify({ user: ada, session: await loginPending(mfa), proof: { kind: 'totp', code: fresh } })),
    ).toBe('invalid_code');
  });

  it('T38: confirming one changes no other, and each is accepted by its own code', async () => {
    const bench = await createEnrolled();
    const before = good(await bench.mfa.getStatus({ user: ada })).status.authenticators;
    const added = await enrollAnother(bench, bench.session);
    const after = good(await bench.mfa.getStatus({ user: ada })).status.authenticators;
    expect(after.slice(0, 1)).toEqual(before);
    expect(after[1]).toMatchObject({ id: added.authenticatorId, name: 'Authenticator app 2' });
    bench.clock.advance(MINUTE);
    for (const authenticator of [bench.authenticator, added.authenticator]) {
      const code = authenticator.code(bench.clock.now());
      good(await bench.mfa.verify({ user: ada, session: await loginPending(bench.mfa), proof: { kind: 'totp', code } }));
    }
  });

  it('T16: a start by password alone is worth nothing once an authenticator has appeared, even to a proven session', async () => {
    const bench = createBench();
    const attacker = await started(bench);
    bench.clock.advance(SECOND);
    const owner = await started(bench);
    good(await confirm(bench, owner));
    expect(reasonOf(await confirm(bench, attacker))).toBe('enrollment_expired');
    expect(reasonOf(await bench.mfa.startEnrollment(attacker))).toBe('assurance_required');
  });

  it('T16: an enrollment that a proven session started is not confirmed by a password, whatever ids the session claims', async () => {
    const bench = await createEnrolled();
    const begun = good(await bench.mfa.startEnrollment({ user: ada, session: bench.session }));
    const session = { ...(await loginPending(bench.mfa)), enrollmentIds: [begun.enrollment.id] };
    const code = createAuthenticator(begun.enrollment.uri).code(bench.clock.now());
    const answer = await bench.mfa.confirmEnrollment({
      user: ada,
      session,
      enrollmentId: begun.enrollment.id,
      proof: { kind: 'totp', code },
    });
    expect(answer).toEqual({ ok: false, reason: 'assurance_required', maxAgeSeconds: 300 });
  });

  it('two starts with a second factor, one confirmed: the other is dropped in the same write', async () => {
    const bench = await createEnrolled();
    const { mfa, session } = bench;
    const one = good(await mfa.startEnrollment({ user: ada, session }));
    const other = good(await mfa.startEnrollment({ user: ada, session: (await loginWithCode(bench)).session }));
    const code = (uri: string) => createAuthenticator(uri).code(bench.clock.now());
    const first = {
      user: ada,
      session: one.session,
      enrollmentId: one.enrollment.id,
      proof: { kind: 'totp' as const, code: code(one.enrollment.uri) },
    };
    good(await mfa.confirmEnrollment(first));
    const second = {
      user: ada,
      session: other.session,
      enrollmentId: other.enrollment.id,
      proof: { kind: 'totp' as const, code: code(other.enrollment.uri) },
    };
    expect(reasonOf(await mfa.confirmEnrollment(second))).toBe('enrollment_expired');
  });

  it('T4: the confirming code is used at every door', async () => {
    const bench = await createEnrolled();
    const added = await enrollAnother(bench, bench.session);
    const code = added.authenticator.code(bench.clock.now());
    for (const session of [await loginPending(bench.mfa), added.session, bench.session]) {
      expect(reasonOf(await bench.mfa.verify({ user: ada, session, proof: { kind: 'totp', code } }))).toBe('invalid_code');
    }
  });

  it('T4: a code that confirms is used at every authenticator that happens to show it', async () => {
    const bench = await createEnrolled();
    const begun = good(await bench.mfa.startEnrollment({ user: ada, session: bench.session }));
    // One in a million: the new authenticator shows what the old one shows.
    await poke(bench.storage, ada.id, (profile) => ({
      ...profile,
      enrollments: profile.enrollments.map((pending) => ({
        ...pending,
        data: { ...(profile.authenticators[0]?.data as object), closed: [] },
      })),
    }));
    const code = bench.authenticator.code(bench.clock.now());
    const input = {
      user: ada,
      session: begun.session,
      enrollmentId: begun.enrollment.id,
      proof: { kind: 'totp' as const, code },
    };
    good(await bench.mfa.confirmEnrollment(input));
    expect(
      reasonOf(await bench.mfa.verify({ user: ada, session: await loginPending(bench.mfa), proof: { kind: 'totp', code } })),
    ).toBe('invalid_code');
  });

  it('a started enrollment ends with an epoch: after a password change it cannot be confirmed', async () => {
    const bench = await createEnrolled();
    const begun = good(await bench.mfa.startEnrollment({ user: ada, session: bench.session }));
    const { session } = good(await bench.mfa.passwordChanged({ userId: ada.id, keep: begun.session }));
    const code = createAuthenticator(begun.enrollment.uri).code(bench.clock.now());
    const answer = await bench.mfa.confirmEnrollment({
      user: ada,
      session,
      enrollmentId: begun.enrollment.id,
      proof: { kind: 'totp', code },
    });
    expect(reasonOf(answer)).toBe('enrollment_expired');
  });
});
