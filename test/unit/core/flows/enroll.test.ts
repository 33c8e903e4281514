import { describe, expect, it } from 'vitest';
import { poke } from '../../../faults/core-faulty-storage.js';
import {
  ada,
  bob,
  createAuthenticator,
  createEnrolled,
  createFixture,
  DAY,
  enrollAnother,
  expectOk,
  type Fixture,
  loginPending,
  loginWithCode,
  MINUTE,
  reasonOf,
  SECOND,
  type TestUser,
} from '../../../support/core-fixture.js';

async function started(fixture: Fixture, user: TestUser = ada) {
  const login = await loginPending(fixture.mfa, user);
  const { session, enrollment } = expectOk(await fixture.mfa.startEnrollment({ user, session: login }));
  return { session, enrollmentId: enrollment.id, enrollment, authenticator: createAuthenticator(enrollment.uri), user };
}

type Started = Awaited<ReturnType<typeof started>>;

function confirm(fixture: Fixture, begun: Started, change: object = {}) {
  const { user, session, enrollmentId } = begun;
  return fixture.mfa.confirmEnrollment({
    user,
    session,
    enrollmentId,
    proof: { kind: 'totp', code: begun.authenticator.code(fixture.clock.now()) },
    ...change,
  });
}

describe('a first enrollment', () => {
  it('needs a login, a start and a code, and shows recovery codes once', async () => {
    const fixture = createFixture();
    const begun = await started(fixture);
    fixture.resetCounts();
    const confirmed = expectOk(await confirm(fixture, begun));
    expect(fixture.counts).toEqual({ reads: 1, writes: 1, removes: 0, lists: 0 });
    expect(confirmed.recoveryCodes).toHaveLength(10);
    expect(confirmed.assurance).toMatchObject({ userId: ada.id, via: 'otp', amr: ['otp', 'mfa'] });
    expect(fixture.names()).toEqual(['login_begun', 'enrollment_started', 'authenticator_enrolled']);
    expect(fixture.events.at(-1)).toMatchObject({ enrolled: true });
    fixture.clock.advance(MINUTE);
    expect((await enrollAnother(fixture, confirmed.session)).recoveryCodes).toEqual([]);
  });

  it('ENR-3: does not count until it is confirmed', async () => {
    const fixture = createFixture();
    const begun = await started(fixture);
    expect((await fixture.mfa.beginLogin({ user: ada })).decision).toEqual({ access: 'enroll' });
    expect((await fixture.mfa.checkAccess({ user: ada, session: begun.session })).access).toBe('enroll');
    const code = begun.authenticator.code(fixture.clock.now());
    expect(reasonOf(await fixture.mfa.verify({ user: ada, session: begun.session, proof: { kind: 'totp', code } }))).toBe(
      'not_enrolled',
    );
    expect(expectOk(await fixture.mfa.getStatus({ user: ada })).status).toMatchObject({ enrolled: false, authenticators: [] });
  });

  it('ENR-4: expires after exactly ten minutes', async () => {
    const fixture = createFixture();
    const begun = await started(fixture);
    expect(begun.enrollment.expiresAt).toBe(fixture.clock.now() + 10 * MINUTE);
    fixture.clock.advance(10 * MINUTE - 1);
    expect(reasonOf(await fixture.mfa.currentEnrollment({ user: ada, session: begun.session }))).toBe('ok');
    fixture.clock.advance(1);
    expect(reasonOf(await confirm(fixture, begun))).toBe('enrollment_expired');
    expect(reasonOf(await fixture.mfa.currentEnrollment({ user: ada, session: begun.session }))).toBe('enrollment_expired');
  });

  it('FLT-5: started by a clock far ahead does not stay open for years', async () => {
    const fixture = createFixture();
    fixture.clock.advance(365 * DAY);
    const begun = await started(fixture);
    fixture.clock.advance(-365 * DAY);
    expect(reasonOf(await confirm(fixture, begun))).toBe('enrollment_expired');
  });

  it('ENR-4: belongs to the session that began it: another session of the user cannot see, confirm or cancel it', async () => {
    const fixture = createFixture();
    const begun = await started(fixture);
    const other = { ...begun, session: await loginPending(fixture.mfa) };
    expect(reasonOf(await confirm(fixture, other))).toBe('enrollment_expired');
    expect(reasonOf(await fixture.mfa.currentEnrollment(other))).toBe('enrollment_expired');
    expectOk(await fixture.mfa.cancelEnrollment(other));
    expectOk(await confirm(fixture, begun));
  });

  it('T19: cannot be confirmed, canceled or read by another user, even with its id in the session', async () => {
    const fixture = createFixture();
    const begun = await started(fixture);
    const session = { ...(await loginPending(fixture.mfa, bob)), enrollmentIds: [begun.enrollmentId] };
    const foreign = { ...begun, user: bob, session };
    expect(reasonOf(await confirm(fixture, foreign))).toBe('enrollment_expired');
    expect(reasonOf(await fixture.mfa.currentEnrollment(foreign))).toBe('enrollment_expired');
    expectOk(await fixture.mfa.cancelEnrollment(foreign));
    expect(reasonOf(await confirm(fixture, { ...begun, user: bob }))).toBe('login_again');
    expectOk(await confirm(fixture, begun));
  });

  it('is shown again unchanged to its session, and replaced by a new start', async () => {
    const fixture = createFixture();
    const begun = await started(fixture);
    const again = expectOk(await fixture.mfa.currentEnrollment({ user: ada, session: begun.session }));
    expect(again.enrollment).toEqual(begun.enrollment);
    const restarted = expectOk(await fixture.mfa.startEnrollment({ user: ada, session: begun.session }));
    expect(restarted.enrollment.id).not.toBe(begun.enrollmentId);
    expect(reasonOf(await confirm(fixture, { ...begun, session: restarted.session }))).toBe('enrollment_expired');
  });

  it('ends when it is canceled', async () => {
    const fixture = createFixture();
    const begun = await started(fixture);
    expectOk(await fixture.mfa.cancelEnrollment(begun));
    expect(fixture.names()).toContain('enrollment_canceled');
    expect(reasonOf(await confirm(fixture, begun))).toBe('enrollment_expired');
    expectOk(await fixture.mfa.cancelEnrollment(begun));
  });

  it.each([
    [0, 'ok'],
    [15 * MINUTE, 'ok'],
    [15 * MINUTE + 1, 'login_again'],
    [-MINUTE, 'ok'],
    [-MINUTE - 1, 'login_again'],
  ])('needs a login not older than 15 minutes: %i ms after it', async (age, reason) => {
    const fixture = createFixture();
    const session = await loginPending(fixture.mfa);
    fixture.clock.advance(age);
    expect(reasonOf(await fixture.mfa.startEnrollment({ user: ada, session }))).toBe(reason);
  });

  it('needs a login whose time is known', async () => {
    const fixture = createFixture();
    const { session, decision } = await fixture.mfa.beginLogin({ user: ada, loggedInAt: 0 });
    expect(decision.access).toBe('enroll');
    expect(reasonOf(await fixture.mfa.startEnrollment({ user: ada, session }))).toBe('login_again');
    expect(reasonOf(await fixture.mfa.startEnrollment({ user: ada, session: undefined }))).toBe('login_again');
  });

  it('T18: uses the secret of the profile, and ignores one sent with the code', async () => {
    const fixture = createFixture();
    const begun = await started(fixture);
    const theirs = createAuthenticator('A'.repeat(32)).code(fixture.clock.now());
    const own = { secret: 'A'.repeat(32), uri: 'otpauth://totp/x?secret=AAAA', data: { secret: 'A' } };
    const smuggled = { ...own, proof: { kind: 'totp' as const, code: theirs, ...own } };
    expect(reasonOf(await confirm(fixture, begun, smuggled))).toBe('invalid_code');
  });

  it('T39: is refused while the user may not enroll, at the start and at the confirmation', async () => {
    const fixture = createFixture();
    const begun = await started(fixture);
    const user = { ...ada, mayEnroll: false };
    expect(reasonOf(await fixture.mfa.startEnrollment({ user, session: begun.session }))).toBe('not_allowed');
    expect(reasonOf(await confirm(fixture, { ...begun, user }))).toBe('not_allowed');
    const { decision } = await fixture.mfa.beginLogin({ user });
    expect(decision).toEqual({ access: 'refuse', reason: 'not_allowed' });
  });

  it('FLT-6: recognizes a repeated confirmation before it checks the code, at no cost', async () => {
    const fixture = createFixture();
    const begun = await started(fixture);
    const [one, two] = await Promise.all([confirm(fixture, begun), confirm(fixture, begun)]);
    expect([reasonOf(one), reasonOf(two)]).toEqual(['ok', 'already_confirmed']);
    fixture.resetCounts();
    for (let tries = 0; tries < 20; tries++) {
      expect(reasonOf(await confirm(fixture, begun, { code: '000000' }))).toBe('already_confirmed');
    }
    expect(fixture.counts).toMatchObject({ reads: 20, writes: 0 });
    expect(expectOk(await fixture.mfa.getStatus({ user: ada })).status.authenticators).toHaveLength(1);
  });

  it('T3: succeeds for one of 50 parallel confirmations', async () => {
    const fixture = createFixture();
    const begun = await started(fixture);
    const answers = await Promise.all(Array.from({ length: 50 }, () => confirm(fixture, begun)));
    expect(answers.filter((answer) => answer.ok)).toHaveLength(1);
    expect(new Set(answers.map(reasonOf))).toEqual(new Set(['ok', 'already_confirmed']));
  });

  it('ENR-1, T14: 2,000 enrollments have 2,000 secrets of 160 bits', async () => {
    const fixture = createFixture();
    const secrets = new Set<string>();
    for (let count = 0; count < 200; count++) {
      for (let starts = 0; starts < 10; starts++) {
        const user = { id: `user-${count}`, name: 'x' };
        const { enrollment } = expectOk(
          await fixture.mfa.startEnrollment({ user, session: await loginPending(fixture.mfa, user) }),
        );
        expect(enrollment.manualKey.replaceAll(' ', '')).toMatch(/^[A-Z2-7]{32}$/);
        secrets.add(enrollment.manualKey);
      }
    }
    expect(secrets.size).toBe(2000);
  });
});

describe('enrollment limits', () => {
  it('STO-1: three pending at once, and the oldest is dropped', async () => {
    const fixture = createFixture();
    const all: Started[] = [];
    for (let count = 0; count < 4; count++) {
      all.push(await started(fixture));
      fixture.clock.advance(SECOND);
    }
    const reasons: string[] = [];
    for (const begun of all) reasons.push(reasonOf(await fixture.mfa.currentEnrollment(begun)));
    expect(reasons).toEqual(['enrollment_expired', 'ok', 'ok', 'ok']);
  });

  it('ten starts an hour', async () => {
    const fixture = createFixture();
    for (let count = 0; count < 10; count++) {
      await started(fixture);
      fixture.clock.advance(MINUTE);
    }
    const session = await loginPending(fixture.mfa);
    expect(await fixture.mfa.startEnrollment({ user: ada, session })).toEqual({
      ok: false,
      reason: 'limit_reached',
      retryAfterSeconds: 50 * 60,
    });
    fixture.clock.advance(50 * MINUTE);
    await started(fixture);
  });

  it('FLT-5: starts counted by a clock that was ahead block nobody', async () => {
    const fixture = createFixture();
    fixture.clock.advance(DAY);
    for (let count = 0; count < 10; count++) await started(fixture);
    fixture.clock.advance(-DAY);
    await started(fixture);
  });
});

describe('a user with an authenticator', () => {
  it('T15, T16: cannot start, confirm or see an enrollment with a password alone', async () => {
    const fixture = await createEnrolled();
    const session = await loginPending(fixture.mfa);
    const refused = { ok: false, reason: 'assurance_required', maxAgeSeconds: 300 };
    expect(await fixture.mfa.startEnrollment({ user: ada, session })).toEqual(refused);
    expect(await fixture.mfa.currentEnrollment({ user: ada, session })).toEqual(refused);
  });

  it('T17: keeps the live authenticator unchanged during a new enrollment and after its end', async () => {
    const fixture = await createEnrolled();
    const { mfa, clock, session } = fixture;
    const begun = expectOk(await mfa.startEnrollment({ user: ada, session }));
    await loginWithCode(fixture);
    clock.advance(11 * MINUTE);
    await loginWithCode(fixture);
    const fresh = createAuthenticator(begun.enrollment.uri).code(clock.now());
    expect(
      reasonOf(await mfa.verify({ user: ada, session: await loginPending(mfa), proof: { kind: 'totp', code: fresh } })),
    ).toBe('invalid_code');
  });

  it('T38: can confirm another one without changing the first, and each accepts its own code', async () => {
    const fixture = await createEnrolled();
    const before = expectOk(await fixture.mfa.getStatus({ user: ada })).status.authenticators;
    const added = await enrollAnother(fixture, fixture.session);
    const after = expectOk(await fixture.mfa.getStatus({ user: ada })).status.authenticators;
    expect(after.slice(0, 1)).toEqual(before);
    expect(after[1]).toMatchObject({ id: added.authenticatorId, name: 'Authenticator app 2' });
    fixture.clock.advance(MINUTE);
    for (const authenticator of [fixture.authenticator, added.authenticator]) {
      const code = authenticator.code(fixture.clock.now());
      expectOk(await fixture.mfa.verify({ user: ada, session: await loginPending(fixture.mfa), proof: { kind: 'totp', code } }));
    }
  });

  it('T16: cannot confirm what a password alone started once an authenticator exists, even in a proven session', async () => {
    const fixture = createFixture();
    const attacker = await started(fixture);
    fixture.clock.advance(SECOND);
    const owner = await started(fixture);
    expectOk(await confirm(fixture, owner));
    expect(reasonOf(await confirm(fixture, attacker))).toBe('enrollment_expired');
    expect(reasonOf(await fixture.mfa.startEnrollment(attacker))).toBe('assurance_required');
  });

  it('T16: cannot confirm with a password alone what a proven session started, even with its id in the session', async () => {
    const fixture = await createEnrolled();
    const begun = expectOk(await fixture.mfa.startEnrollment({ user: ada, session: fixture.session }));
    const session = { ...(await loginPending(fixture.mfa)), enrollmentIds: [begun.enrollment.id] };
    const code = createAuthenticator(begun.enrollment.uri).code(fixture.clock.now());
    const answer = await fixture.mfa.confirmEnrollment({
      user: ada,
      session,
      enrollmentId: begun.enrollment.id,
      proof: { kind: 'totp', code },
    });
    expect(answer).toEqual({ ok: false, reason: 'assurance_required', maxAgeSeconds: 300 });
  });

  it('with two starts by a second factor confirms one, and the same write drops the other', async () => {
    const fixture = await createEnrolled();
    const { mfa, session } = fixture;
    const one = expectOk(await mfa.startEnrollment({ user: ada, session }));
    const other = expectOk(await mfa.startEnrollment({ user: ada, session: (await loginWithCode(fixture)).session }));
    const code = (uri: string) => createAuthenticator(uri).code(fixture.clock.now());
    const first = {
      user: ada,
      session: one.session,
      enrollmentId: one.enrollment.id,
      proof: { kind: 'totp' as const, code: code(one.enrollment.uri) },
    };
    expectOk(await mfa.confirmEnrollment(first));
    const second = {
      user: ada,
      session: other.session,
      enrollmentId: other.enrollment.id,
      proof: { kind: 'totp' as const, code: code(other.enrollment.uri) },
    };
    expect(reasonOf(await mfa.confirmEnrollment(second))).toBe('enrollment_expired');
  });

  it('T4: cannot use the confirming code again in any flow', async () => {
    const fixture = await createEnrolled();
    const added = await enrollAnother(fixture, fixture.session);
    const code = added.authenticator.code(fixture.clock.now());
    for (const session of [await loginPending(fixture.mfa), added.session, fixture.session]) {
      expect(reasonOf(await fixture.mfa.verify({ user: ada, session, proof: { kind: 'totp', code } }))).toBe('invalid_code');
    }
  });

  it('T4: cannot use a confirming code for another authenticator that happens to show it', async () => {
    const fixture = await createEnrolled();
    const begun = expectOk(await fixture.mfa.startEnrollment({ user: ada, session: fixture.session }));
    // One in a million: the new authenticator shows the same code as the old one.
    await poke(fixture.storage, ada.id, (profile) => ({
      ...profile,
      enrollments: profile.enrollments.map((pending) => ({
        ...pending,
        data: { ...(profile.authenticators[0]?.data as object), closed: [] },
      })),
    }));
    const code = fixture.authenticator.code(fixture.clock.now());
    const input = {
      user: ada,
      session: begun.session,
      enrollmentId: begun.enrollment.id,
      proof: { kind: 'totp' as const, code },
    };
    expectOk(await fixture.mfa.confirmEnrollment(input));
    expect(
      reasonOf(await fixture.mfa.verify({ user: ada, session: await loginPending(fixture.mfa), proof: { kind: 'totp', code } })),
    ).toBe('invalid_code');
  });

  it('cannot confirm a started enrollment after a password change, because the epoch has changed', async () => {
    const fixture = await createEnrolled();
    const begun = expectOk(await fixture.mfa.startEnrollment({ user: ada, session: fixture.session }));
    const { session } = expectOk(await fixture.mfa.passwordChanged({ userId: ada.id, keep: begun.session }));
    const code = createAuthenticator(begun.enrollment.uri).code(fixture.clock.now());
    const answer = await fixture.mfa.confirmEnrollment({
      user: ada,
      session,
      enrollmentId: begun.enrollment.id,
      proof: { kind: 'totp', code },
    });
    expect(reasonOf(answer)).toBe('enrollment_expired');
  });
});
