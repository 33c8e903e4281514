import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import type { MfaSession } from '@mfa-kit/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { peek, poke } from '../../../../faults/core-faulty-storage.js';
import {
  ada,
  createAuthenticator,
  createEnrolled,
  createFixture,
  DAY,
  type Enrolled,
  enrollAnother,
  expectOk,
  HOUR,
  loginPending,
  loginWithCode,
  MINUTE,
  reasonOf,
  SECOND,
  wrongCode,
} from '../../../../support/core-fixture.js';

const YEAR = 365 * DAY;
const support = { userId: ada.id, actor: 'support', reason: 'ticket 42' };

async function guess(fixture: Enrolled, deviceToken?: string): Promise<string> {
  const code = wrongCode(fixture.authenticator, fixture.clock.now());
  const session = await loginPending(fixture.mfa);
  return reasonOf(
    await fixture.mfa.verify({ user: ada, session, proof: { kind: 'totp', code }, ...(deviceToken && { deviceToken }) }),
  );
}

/** The user with as many authenticators as release 1 allowed. */
async function withAuthenticators(count: number): Promise<Enrolled> {
  const fixture = await createEnrolled();
  await poke(fixture.storage, ada.id, (profile) => {
    const [first] = profile.authenticators;
    if (!first) throw new Error('no authenticator');
    const more = Array.from({ length: count - 1 }, (_, index) => ({
      ...first,
      id: `more-${index}`,
      enrollmentId: `more-${index}`,
      data: { secret: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ23456'.slice(index) + 'A'.repeat(index + 1), closed: [] },
    }));
    return { ...profile, authenticators: [first, ...more] };
  });
  return fixture;
}

describe('one try costs one unit', () => {
  it('F25, THR-2: the first wait is 30 seconds for any number of authenticators', async () => {
    for (const count of [1, 2, 5, 10]) {
      const fixture = await withAuthenticators(count);
      for (let tries = 0; tries < 5; tries++) expect(await guess(fixture)).toBe('invalid_code');
      expect(expectOk(await fixture.mfa.getStatus({ user: ada })).status.waitSeconds).toBe(30);
      fixture.clock.advance(30 * SECOND);
      expect(await guess(fixture)).toBe('invalid_code');
      expect((await peek(fixture.storage, ada.id))?.budget.level).toBe(6);
    }
  });

  it('F25: five authenticators accept codes, and a sixth cannot be added', async () => {
    const fixture = await createEnrolled();
    for (let count = 1; count < 5; count++) {
      fixture.clock.advance(HOUR);
      await enrollAnother(fixture, (await loginWithCode(fixture)).session);
    }
    fixture.clock.advance(HOUR);
    const { session } = await loginWithCode(fixture);
    expect(reasonOf(await fixture.mfa.startEnrollment({ user: ada, session }))).toBe('limit_reached');
    expect(expectOk(await fixture.mfa.getStatus({ user: ada })).status.authenticators).toHaveLength(5);
  });

  it('F25: two enrollments that were started together do not make six', async () => {
    const fixture = await createEnrolled();
    const { mfa, clock } = fixture;
    for (let count = 1; count < 4; count++) {
      clock.advance(HOUR);
      await enrollAnother(fixture, (await loginWithCode(fixture)).session);
    }
    clock.advance(HOUR);
    const one = await loginWithCode(fixture);
    const two = await loginWithCode(fixture);
    const starts = [];
    for (const { session } of [one, two]) starts.push(expectOk(await mfa.startEnrollment({ user: ada, session })));
    const confirmed: string[] = [];
    for (const { enrollment, session } of starts) {
      const code = createAuthenticator(enrollment.uri).code(clock.now());
      // The first confirmation drops the other enrollment; put it back, as a process of release 1 could leave it.
      const before = await peek(fixture.storage, ada.id);
      confirmed.push(
        reasonOf(await mfa.confirmEnrollment({ user: ada, session, enrollmentId: enrollment.id, proof: { kind: 'totp', code } })),
      );
      await poke(fixture.storage, ada.id, (profile) => ({ ...profile, enrollments: before?.enrollments ?? [] }));
    }
    expect(confirmed).toEqual(['ok', 'limit_reached']);
    expect((await peek(fixture.storage, ada.id))?.authenticators).toHaveLength(5);
  });

  it('F25: a user of release 1 with ten authenticators keeps them, can log in, and cannot add one', async () => {
    const fixture = await withAuthenticators(10);
    const { session } = await loginWithCode(fixture);
    expect(expectOk(await fixture.mfa.getStatus({ user: ada })).status.authenticators).toHaveLength(10);
    expect(reasonOf(await fixture.mfa.startEnrollment({ user: ada, session }))).toBe('limit_reached');
  });

  it('F25: a bucket that release 1 filled with several units per try drains at the same rate', async () => {
    const fixture = await withAuthenticators(5);
    const now = fixture.clock.now();
    // Four tries of five units each, as release 1 stores them.
    const budget = { quick: 4, lastWrongAt: now, level: 20, levelAt: now };
    await poke(fixture.storage, ada.id, (profile) => ({ ...profile, budget }));
    expect(await guess(fixture)).toBe('throttled');
    fixture.clock.advance(9 * HOUR);
    expect(await guess(fixture)).toBe('invalid_code');
    expect(await guess(fixture)).toBe('throttled');
  });
});

describe('confirming an enrollment', () => {
  async function locked(): Promise<Enrolled> {
    const fixture = await createEnrolled();
    for (let tries = 0; tries < 20; tries++) {
      expect(await guess(fixture)).toBe('invalid_code');
      fixture.clock.advance(HOUR);
    }
    await poke(fixture.storage, ada.id, (profile) => ({ ...profile, budget: { ...profile.budget, level: 20 } }));
    return fixture;
  }

  const confirm = async (fixture: Enrolled, session: MfaSession) => {
    const started = expectOk(await fixture.mfa.startEnrollment({ user: ada, session }));
    const app = createAuthenticator(started.enrollment.uri);
    const given = { user: ada, session: started.session, enrollmentId: started.enrollment.id };
    return { app, confirm: (code: string) => fixture.mfa.confirmEnrollment({ ...given, proof: { kind: 'totp', code } }) };
  };

  it('F26, ENR-4: a user who was locked out by 20 wrong codes and reset by support can enroll again', async () => {
    const fixture = await locked();
    expectOk(await fixture.mfa.resetMfa(support));
    const { app, confirm: confirmed } = await confirm(fixture, await loginPending(fixture.mfa));
    expect(reasonOf(await confirmed(app.code(fixture.clock.now())))).toBe('ok');
  });

  it('F26: and can then log in at another browser, because the wrong codes before the reset do not delay it', async () => {
    const fixture = await createEnrolled();
    for (let tries = 0; tries < 12; tries++) {
      expect(await guess(fixture)).toBe('invalid_code');
      fixture.clock.advance(expectOk(await fixture.mfa.getStatus({ user: ada })).status.waitSeconds * SECOND);
    }
    expect(await guess(fixture)).toBe('invalid_code');
    expectOk(await fixture.mfa.resetMfa(support));
    const { app, confirm: confirmed } = await confirm(fixture, await loginPending(fixture.mfa));
    expect(reasonOf(await confirmed(app.code(fixture.clock.now())))).toBe('ok');
    fixture.clock.advance(MINUTE);
    const code = app.code(fixture.clock.now());
    expect(
      reasonOf(await fixture.mfa.verify({ user: ada, session: await loginPending(fixture.mfa), proof: { kind: 'totp', code } })),
    ).toBe('ok');
    // The bucket remembers them; support has clearLockout for that.
    expect((await peek(fixture.storage, ada.id))?.budget).toMatchObject({ quick: 0, level: 13 });
  });

  it('F26: wrong codes of others do not stop a user who logged in by recovery code from adding an authenticator', async () => {
    const fixture = await locked();
    const recoveryCode = fixture.recoveryCodes[0];
    const { session } = expectOk(
      await fixture.mfa.verify({
        user: ada,
        session: await loginPending(fixture.mfa),
        proof: { kind: 'recovery-code', code: recoveryCode },
      }),
    );
    const { app, confirm: confirmed } = await confirm(fixture, session);
    expect(reasonOf(await confirmed(app.code(fixture.clock.now())))).toBe('ok');
  });

  it('F26, ENR-4: wrong codes at an enrollment are charged to that enrollment only', async () => {
    const fixture = createFixture();
    const one = await confirm(fixture as Enrolled, await loginPending(fixture.mfa));
    const two = await confirm(fixture as Enrolled, await loginPending(fixture.mfa));
    const wrong = wrongCode(one.app, fixture.clock.now());
    for (let tries = 0; tries < 5; tries++) expect(reasonOf(await one.confirm(wrong))).toBe('invalid_code');
    expect(await one.confirm(one.app.code(fixture.clock.now()))).toMatchObject({ reason: 'throttled', retryAfterSeconds: 30 });
    expect(reasonOf(await two.confirm(two.app.code(fixture.clock.now())))).toBe('ok');
    expect((await peek(fixture.storage, ada.id))?.budget.level).toBe(0);
  });

  it('F26: an enrollment that release 1 began has its own budget too', async () => {
    const fixture = createFixture();
    const { app, confirm: confirmed } = await confirm(fixture as Enrolled, await loginPending(fixture.mfa));
    await poke(fixture.storage, ada.id, (profile) => {
      const budget = { quick: 5, lastWrongAt: fixture.clock.now(), level: 20, levelAt: fixture.clock.now() };
      return { ...profile, budget, enrollments: profile.enrollments.map(({ budget: _, ...pending }) => pending) };
    });
    expect(reasonOf(await confirmed(wrongCode(app, fixture.clock.now())))).toBe('invalid_code');
    expect(reasonOf(await confirmed(app.code(fixture.clock.now())))).toBe('ok');
  });
});

describe('clocks that differ', () => {
  it.each([
    ['9 hours', 9 * HOUR],
    ['a day', DAY],
    ['a year', YEAR],
  ])('F31, FLT-5: two processes whose clocks differ by %s do not evaluate 600 tries in a day', async (_, lead) => {
    const fixture = await createEnrolled();
    const ahead = createFixture({ storage: fixture.storage, clock: () => fixture.clock.now() + lead });
    let evaluated = 0;
    for (let tries = 0; tries < 600; tries++) {
      const { mfa, now } =
        tries % 2 ? { mfa: ahead.mfa, now: fixture.clock.now() + lead } : { mfa: fixture.mfa, now: fixture.clock.now() };
      const session = await loginPending(mfa);
      const code = wrongCode(fixture.authenticator, now);
      if (reasonOf(await mfa.verify({ user: ada, session, proof: { kind: 'totp', code } })) === 'invalid_code') evaluated++;
      fixture.clock.advance(DAY / 600);
    }
    // What is in the bucket, plus what the leap from one clock to the other drains, plus what a day drains.
    expect(evaluated).toBeLessThanOrEqual(20 + Math.min(20, lead / (9 * HOUR)) + 3);
  });

  it('F31: while the budget is dated ahead, clock_anomaly is reported once an hour, and known browsers and recovery codes still work', async () => {
    const fixture = await createEnrolled();
    const { mfa, clock, authenticator, recoveryCodes } = fixture;
    const { token } = await loginWithCode(fixture);
    clock.advance(YEAR);
    for (let tries = 0; tries < 5; tries++) expect(await guess(fixture)).toBe('invalid_code');
    clock.advance(-YEAR + HOUR);
    fixture.events.length = 0;
    for (let minutes = 0; minutes < 180; minutes += 10) {
      expect(await guess(fixture)).toBe('throttled');
      clock.advance(10 * MINUTE);
    }
    const anomalies = fixture.events.filter((event) => event.name === 'clock_anomaly');
    expect(anomalies).toHaveLength(3);
    expect(anomalies[0]).toMatchObject({ aheadSeconds: (YEAR - HOUR) / SECOND });
    const session = await loginPending(mfa);
    const code = authenticator.code(clock.now());
    expect(reasonOf(await mfa.verify({ user: ada, session, proof: { kind: 'totp', code }, deviceToken: token }))).toBe('ok');
    expect(reasonOf(await mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: recoveryCodes[0] } }))).toBe(
      'ok',
    );
  });

  it('F31: a known browser with wrong codes under the wrong clock can be used at once', async () => {
    const fixture = await createEnrolled();
    const { mfa, clock, authenticator } = fixture;
    const { token } = await loginWithCode(fixture);
    clock.advance(DAY);
    for (let tries = 0; tries < 5; tries++) expect(await guess(fixture, token)).toBe('invalid_code');
    clock.advance(-DAY + MINUTE);
    const code = authenticator.code(clock.now());
    const session = await loginPending(mfa);
    expect(reasonOf(await mfa.verify({ user: ada, session, proof: { kind: 'totp', code }, deviceToken: token }))).toBe('ok');
  });

  it('F31, THR-5: clearLockout dates the budget by the current clock', async () => {
    const fixture = await createEnrolled();
    const { mfa, clock, authenticator } = fixture;
    clock.advance(10 * YEAR);
    for (let tries = 0; tries < 5; tries++) await guess(fixture);
    clock.advance(-10 * YEAR + HOUR);
    expect(await guess(fixture)).toBe('throttled');
    expectOk(await mfa.clearLockout(support));
    fixture.events.length = 0;
    for (let tries = 0; tries < 5; tries++) expect(await guess(fixture)).toBe('invalid_code');
    expect(await guess(fixture)).toBe('throttled');
    expect(fixture.names()).not.toContain('clock_anomaly');
    clock.advance(30 * SECOND);
    const code = authenticator.code(clock.now());
    expect(reasonOf(await mfa.verify({ user: ada, session: await loginPending(mfa), proof: { kind: 'totp', code } }))).toBe('ok');
  });

  it('F31: a right code under a clock that is ahead does not change an unused budget', async () => {
    const fixture = await createEnrolled();
    fixture.clock.advance(YEAR);
    await loginWithCode(fixture);
    fixture.clock.advance(-YEAR);
    for (let tries = 0; tries < 5; tries++) expect(await guess(fixture)).toBe('invalid_code');
    expect(expectOk(await fixture.mfa.getStatus({ user: ada })).status.waitSeconds).toBe(30);
  });
});

describe('a burst', () => {
  const { createHmac } = crypto;
  afterEach(() => {
    vi.restoreAllMocks();
    syncBuiltinESMExports();
  });

  it('F86, THR-3: of 50 simultaneous codes evaluates five, stores five, and computes five', async () => {
    const fixture = await createEnrolled();
    const session = await loginPending(fixture.mfa);
    const code = wrongCode(fixture.authenticator, fixture.clock.now());
    let computed = 0;
    vi.spyOn(crypto, 'createHmac').mockImplementation((algorithm, key, options) => {
      if (algorithm === 'sha1') computed++;
      return createHmac(algorithm, key, options);
    });
    syncBuiltinESMExports();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => fixture.mfa.verify({ user: ada, session, proof: { kind: 'totp', code } })),
    );
    expect(answers.filter((answer) => reasonOf(answer) === 'invalid_code')).toHaveLength(5);
    expect(answers.filter((answer) => reasonOf(answer) === 'throttled')).toHaveLength(45);
    // Three time steps per code.
    expect(computed).toBe(15);
  });

  it('F86: is limited in the same way at an enrollment', async () => {
    const fixture = createFixture();
    const started = expectOk(await fixture.mfa.startEnrollment({ user: ada, session: await loginPending(fixture.mfa) }));
    const code = wrongCode(createAuthenticator(started.enrollment.uri), fixture.clock.now());
    let computed = 0;
    vi.spyOn(crypto, 'createHmac').mockImplementation((algorithm, key, options) => {
      if (algorithm === 'sha1') computed++;
      return createHmac(algorithm, key, options);
    });
    syncBuiltinESMExports();
    const given = {
      user: ada,
      session: started.session,
      enrollmentId: started.enrollment.id,
      proof: { kind: 'totp' as const, code },
    };
    await Promise.all(Array.from({ length: 50 }, () => fixture.mfa.confirmEnrollment(given)));
    expect(computed).toBe(15);
  });
});

describe('a lost race', () => {
  it('F87: of ten simultaneous right proofs one wins, and the other nine are not charged', async () => {
    const fixture = await createEnrolled();
    const { mfa, clock, authenticator } = fixture;
    const { token: deviceToken } = await loginWithCode(fixture);
    clock.advance(MINUTE);
    const session = await loginPending(mfa);
    const code = authenticator.code(clock.now());
    const given = { user: ada, session, proof: { kind: 'totp' as const, code }, deviceToken };
    const answers = await Promise.all(Array.from({ length: 10 }, () => mfa.verify(given)));
    expect(answers.map(reasonOf).sort()).toEqual([...Array(9).fill('invalid_code'), 'ok']);
    expect((await peek(fixture.storage, ada.id))?.devices[0]?.budget.quick).toBe(0);
    expect(fixture.events.filter((event) => 'why' in event && event.why === 'replayed')).toHaveLength(9);
  });

  it('F87: a form that was submitted twice is not charged for ten seconds, and is refused like any used code', async () => {
    const fixture = await createEnrolled();
    const { mfa, clock, authenticator } = fixture;
    const code = authenticator.code(clock.now());
    const again = async () => mfa.verify({ user: ada, session: await loginPending(mfa), proof: { kind: 'totp', code } });
    expectOk(await again());
    const refused = await again();
    expect(refused).toStrictEqual({ ok: false, reason: 'invalid_code' });
    clock.advance(10 * SECOND);
    expect(await again()).toStrictEqual(refused);
    expect((await peek(fixture.storage, ada.id))?.budget.quick).toBe(0);
    clock.advance(1);
    expect(await again()).toStrictEqual(refused);
    expect((await peek(fixture.storage, ada.id))?.budget.quick).toBe(1);
  });

  it('F87: a used code gives no try back, and wrong ones next to it are charged as usual', async () => {
    const fixture = await createEnrolled();
    const { mfa, clock, authenticator } = fixture;
    const code = authenticator.code(clock.now());
    const session = await loginPending(mfa);
    expectOk(await mfa.verify({ user: ada, session, proof: { kind: 'totp', code } }));
    for (let tries = 0; tries < 5; tries++) {
      expect(await guess(fixture)).toBe('invalid_code');
      if (tries < 4)
        expect(reasonOf(await mfa.verify({ user: ada, session, proof: { kind: 'totp', code } }))).toBe('invalid_code');
    }
    expect(reasonOf(await mfa.verify({ user: ada, session, proof: { kind: 'totp', code } }))).toBe('throttled');
    expect(await guess(fixture)).toBe('throttled');
  });

  it('F87: the code that confirmed an enrollment is not charged if it is sent to the login a moment later', async () => {
    const fixture = createFixture();
    const { mfa, clock } = fixture;
    const started = expectOk(await mfa.startEnrollment({ user: ada, session: await loginPending(mfa) }));
    const code = createAuthenticator(started.enrollment.uri).code(clock.now());
    expectOk(
      await mfa.confirmEnrollment({
        user: ada,
        session: started.session,
        enrollmentId: started.enrollment.id,
        proof: { kind: 'totp', code },
      }),
    );
    expect(reasonOf(await mfa.verify({ user: ada, session: await loginPending(mfa), proof: { kind: 'totp', code } }))).toBe(
      'invalid_code',
    );
    expect((await peek(fixture.storage, ada.id))?.budget.quick).toBe(0);
  });

  it('F87: a recovery code that was submitted twice is not charged, and is refused like any wrong one', async () => {
    const fixture = await createEnrolled();
    const { mfa, recoveryCodes } = fixture;
    const session = await loginPending(mfa);
    const recoveryCode = recoveryCodes[0];
    expectOk(await mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: recoveryCode } }));
    fixture.resetCounts();
    fixture.events.length = 0;
    expect(await mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: recoveryCode } })).toStrictEqual({
      ok: false,
      reason: 'invalid_code',
    });
    expect(fixture.events).toMatchObject([{ name: 'verification_failed', factor: 'recovery-code', why: 'replayed' }]);
    expect(fixture.counts.writes).toBe(0);
    expect((await peek(fixture.storage, ada.id))?.recoveryTries.count).toBe(0);
    fixture.clock.advance(10 * SECOND + 1);
    expect(reasonOf(await mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: recoveryCode } }))).toBe(
      'invalid_code',
    );
    expect((await peek(fixture.storage, ada.id))?.recoveryTries.count).toBe(1);
  });
});
