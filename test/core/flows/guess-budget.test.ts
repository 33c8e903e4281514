import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import type { MfaSession } from '@mfa-kit/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { peek, poke } from '../../faults/core-faulty-storage.js';
import {
  ada,
  createAuthenticator,
  createBench,
  createEnrolled,
  DAY,
  type Enrolled,
  enrollAnother,
  good,
  HOUR,
  loginPending,
  loginWithCode,
  MINUTE,
  reasonOf,
  SECOND,
  wrongCode,
} from '../../support/core-fixture.js';

const YEAR = 365 * DAY;
const support = { userId: ada.id, actor: 'support', reason: 'ticket 42' };

async function guess(bench: Enrolled, deviceToken?: string): Promise<string> {
  const code = wrongCode(bench.authenticator, bench.clock.now());
  const session = await loginPending(bench.mfa);
  return reasonOf(
    await bench.mfa.verify({ user: ada, session, proof: { kind: 'totp', code }, ...(deviceToken && { deviceToken }) }),
  );
}

/** The user with as many authenticators as release 1 allowed. */
async function withAuthenticators(count: number): Promise<Enrolled> {
  const bench = await createEnrolled();
  await poke(bench.storage, ada.id, (profile) => {
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
  return bench;
}

describe('one try costs one', () => {
  it('F25, THR-2: the first wait is 30 seconds, however many authenticators there are', async () => {
    for (const count of [1, 2, 5, 10]) {
      const bench = await withAuthenticators(count);
      for (let tries = 0; tries < 5; tries++) expect(await guess(bench)).toBe('invalid_code');
      expect(good(await bench.mfa.getStatus({ user: ada })).status.waitSeconds).toBe(30);
      bench.clock.advance(30 * SECOND);
      expect(await guess(bench)).toBe('invalid_code');
      expect((await peek(bench.storage, ada.id))?.budget.level).toBe(6);
    }
  });

  it('F25: five authenticators are tried by code, and no sixth is added', async () => {
    const bench = await createEnrolled();
    for (let count = 1; count < 5; count++) {
      bench.clock.advance(HOUR);
      await enrollAnother(bench, (await loginWithCode(bench)).session);
    }
    bench.clock.advance(HOUR);
    const { session } = await loginWithCode(bench);
    expect(reasonOf(await bench.mfa.startEnrollment({ user: ada, session }))).toBe('limit_reached');
    expect(good(await bench.mfa.getStatus({ user: ada })).status.authenticators).toHaveLength(5);
  });

  it('F25: two enrollments that were started together do not make six', async () => {
    const bench = await createEnrolled();
    const { mfa, clock } = bench;
    for (let count = 1; count < 4; count++) {
      clock.advance(HOUR);
      await enrollAnother(bench, (await loginWithCode(bench)).session);
    }
    clock.advance(HOUR);
    const one = await loginWithCode(bench);
    const two = await loginWithCode(bench);
    const starts = [];
    for (const { session } of [one, two]) starts.push(good(await mfa.startEnrollment({ user: ada, session })));
    const confirmed: string[] = [];
    for (const { enrollment, session } of starts) {
      const code = createAuthenticator(enrollment.uri).code(clock.now());
      // The first confirmation drops the other enrollment; put it back, as a process of release 1 could leave it.
      const before = await peek(bench.storage, ada.id);
      confirmed.push(
        reasonOf(await mfa.confirmEnrollment({ user: ada, session, enrollmentId: enrollment.id, proof: { kind: 'totp', code } })),
      );
      await poke(bench.storage, ada.id, (profile) => ({ ...profile, enrollments: before?.enrollments ?? [] }));
    }
    expect(confirmed).toEqual(['ok', 'limit_reached']);
    expect((await peek(bench.storage, ada.id))?.authenticators).toHaveLength(5);
  });

  it('F25: a user of release 1 with ten authenticators keeps them, logs in, and adds none', async () => {
    const bench = await withAuthenticators(10);
    const { session } = await loginWithCode(bench);
    expect(good(await bench.mfa.getStatus({ user: ada })).status.authenticators).toHaveLength(10);
    expect(reasonOf(await bench.mfa.startEnrollment({ user: ada, session }))).toBe('limit_reached');
  });

  it('F25: a bucket that release 1 filled with several units a try opens by the same clock', async () => {
    const bench = await withAuthenticators(5);
    const now = bench.clock.now();
    // Four tries of five units each, as release 1 stores them.
    const budget = { quick: 4, lastWrongAt: now, level: 20, levelAt: now };
    await poke(bench.storage, ada.id, (profile) => ({ ...profile, budget }));
    expect(await guess(bench)).toBe('throttled');
    bench.clock.advance(9 * HOUR);
    expect(await guess(bench)).toBe('invalid_code');
    expect(await guess(bench)).toBe('throttled');
  });
});

describe('confirming an enrollment', () => {
  async function locked(): Promise<Enrolled> {
    const bench = await createEnrolled();
    for (let tries = 0; tries < 20; tries++) {
      expect(await guess(bench)).toBe('invalid_code');
      bench.clock.advance(HOUR);
    }
    await poke(bench.storage, ada.id, (profile) => ({ ...profile, budget: { ...profile.budget, level: 20 } }));
    return bench;
  }

  const confirm = async (bench: Enrolled, session: MfaSession) => {
    const started = good(await bench.mfa.startEnrollment({ user: ada, session }));
    const app = createAuthenticator(started.enrollment.uri);
    const given = { user: ada, session: started.session, enrollmentId: started.enrollment.id };
    return { app, confirm: (code: string) => bench.mfa.confirmEnrollment({ ...given, proof: { kind: 'totp', code } }) };
  };

  it('F26, ENR-4: a user who was locked by 20 wrong codes and reset by support can enroll again', async () => {
    const bench = await locked();
    good(await bench.mfa.resetMfa(support));
    const { app, confirm: confirmed } = await confirm(bench, await loginPending(bench.mfa));
    expect(reasonOf(await confirmed(app.code(bench.clock.now())))).toBe('ok');
  });

  it('F26: and then logs in at another browser: the wrong codes before the reset hold up nothing', async () => {
    const bench = await createEnrolled();
    for (let tries = 0; tries < 12; tries++) {
      expect(await guess(bench)).toBe('invalid_code');
      bench.clock.advance(good(await bench.mfa.getStatus({ user: ada })).status.waitSeconds * SECOND);
    }
    expect(await guess(bench)).toBe('invalid_code');
    good(await bench.mfa.resetMfa(support));
    const { app, confirm: confirmed } = await confirm(bench, await loginPending(bench.mfa));
    expect(reasonOf(await confirmed(app.code(bench.clock.now())))).toBe('ok');
    bench.clock.advance(MINUTE);
    const code = app.code(bench.clock.now());
    expect(
      reasonOf(await bench.mfa.verify({ user: ada, session: await loginPending(bench.mfa), proof: { kind: 'totp', code } })),
    ).toBe('ok');
    // The bucket remembers: support has clearLockout for that.
    expect((await peek(bench.storage, ada.id))?.budget).toMatchObject({ quick: 0, level: 13 });
  });

  it('F26: wrong codes of others do not keep somebody who logged in by recovery code from adding an authenticator', async () => {
    const bench = await locked();
    const recoveryCode = bench.recoveryCodes[0];
    const { session } = good(
      await bench.mfa.verify({
        user: ada,
        session: await loginPending(bench.mfa),
        proof: { kind: 'recovery-code', code: recoveryCode },
      }),
    );
    const { app, confirm: confirmed } = await confirm(bench, session);
    expect(reasonOf(await confirmed(app.code(bench.clock.now())))).toBe('ok');
  });

  it('F26, ENR-4: wrong codes at an enrollment cost that enrollment, and neither the account nor another enrollment', async () => {
    const bench = createBench();
    const one = await confirm(bench as Enrolled, await loginPending(bench.mfa));
    const two = await confirm(bench as Enrolled, await loginPending(bench.mfa));
    const wrong = wrongCode(one.app, bench.clock.now());
    for (let tries = 0; tries < 5; tries++) expect(reasonOf(await one.confirm(wrong))).toBe('invalid_code');
    expect(await one.confirm(one.app.code(bench.clock.now()))).toMatchObject({ reason: 'throttled', retryAfterSeconds: 30 });
    expect(reasonOf(await two.confirm(two.app.code(bench.clock.now())))).toBe('ok');
    expect((await peek(bench.storage, ada.id))?.budget.level).toBe(0);
  });

  it('F26: an enrollment that release 1 began has a budget of its own as well', async () => {
    const bench = createBench();
    const { app, confirm: confirmed } = await confirm(bench as Enrolled, await loginPending(bench.mfa));
    await poke(bench.storage, ada.id, (profile) => {
      const budget = { quick: 5, lastWrongAt: bench.clock.now(), level: 20, levelAt: bench.clock.now() };
      return { ...profile, budget, enrollments: profile.enrollments.map(({ budget: _, ...pending }) => pending) };
    });
    expect(reasonOf(await confirmed(wrongCode(app, bench.clock.now())))).toBe('invalid_code');
    expect(reasonOf(await confirmed(app.code(bench.clock.now())))).toBe('ok');
  });
});

describe('clocks that differ', () => {
  it.each([
    ['9 hours', 9 * HOUR],
    ['a day', DAY],
    ['a year', YEAR],
  ])('F31, FLT-5: two processes whose clocks differ by %s: 600 tries in a day are not evaluated', async (_, lead) => {
    const bench = await createEnrolled();
    const ahead = createBench({ storage: bench.storage, clock: () => bench.clock.now() + lead });
    let evaluated = 0;
    for (let tries = 0; tries < 600; tries++) {
      const { mfa, now } =
        tries % 2 ? { mfa: ahead.mfa, now: bench.clock.now() + lead } : { mfa: bench.mfa, now: bench.clock.now() };
      const session = await loginPending(mfa);
      const code = wrongCode(bench.authenticator, now);
      if (reasonOf(await mfa.verify({ user: ada, session, proof: { kind: 'totp', code } })) === 'invalid_code') evaluated++;
      bench.clock.advance(DAY / 600);
    }
    // What is in the bucket, once more what the leap from one clock to the other drains, and what a day drains.
    expect(evaluated).toBeLessThanOrEqual(20 + Math.min(20, lead / (9 * HOUR)) + 3);
  });

  it('F31: while the budget is dated ahead, clock_anomaly is told once an hour, and known browsers and recovery codes stay open', async () => {
    const bench = await createEnrolled();
    const { mfa, clock, authenticator, recoveryCodes } = bench;
    const { token } = await loginWithCode(bench);
    clock.advance(YEAR);
    for (let tries = 0; tries < 5; tries++) expect(await guess(bench)).toBe('invalid_code');
    clock.advance(-YEAR + HOUR);
    bench.events.length = 0;
    for (let minutes = 0; minutes < 180; minutes += 10) {
      expect(await guess(bench)).toBe('throttled');
      clock.advance(10 * MINUTE);
    }
    const anomalies = bench.events.filter((event) => event.name === 'clock_anomaly');
    expect(anomalies).toHaveLength(3);
    expect(anomalies[0]).toMatchObject({ aheadSeconds: (YEAR - HOUR) / SECOND });
    const session = await loginPending(mfa);
    const code = authenticator.code(clock.now());
    expect(reasonOf(await mfa.verify({ user: ada, session, proof: { kind: 'totp', code }, deviceToken: token }))).toBe('ok');
    expect(reasonOf(await mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: recoveryCodes[0] } }))).toBe(
      'ok',
    );
  });

  it('F31: a known browser on which wrong codes were typed under the wrong clock is open at once', async () => {
    const bench = await createEnrolled();
    const { mfa, clock, authenticator } = bench;
    const { token } = await loginWithCode(bench);
    clock.advance(DAY);
    for (let tries = 0; tries < 5; tries++) expect(await guess(bench, token)).toBe('invalid_code');
    clock.advance(-DAY + MINUTE);
    const code = authenticator.code(clock.now());
    const session = await loginPending(mfa);
    expect(reasonOf(await mfa.verify({ user: ada, session, proof: { kind: 'totp', code }, deviceToken: token }))).toBe('ok');
  });

  it('F31, THR-5: clearLockout dates the budget by the clock of now', async () => {
    const bench = await createEnrolled();
    const { mfa, clock, authenticator } = bench;
    clock.advance(10 * YEAR);
    for (let tries = 0; tries < 5; tries++) await guess(bench);
    clock.advance(-10 * YEAR + HOUR);
    expect(await guess(bench)).toBe('throttled');
    good(await mfa.clearLockout(support));
    bench.events.length = 0;
    for (let tries = 0; tries < 5; tries++) expect(await guess(bench)).toBe('invalid_code');
    expect(await guess(bench)).toBe('throttled');
    expect(bench.names()).not.toContain('clock_anomaly');
    clock.advance(30 * SECOND);
    const code = authenticator.code(clock.now());
    expect(reasonOf(await mfa.verify({ user: ada, session: await loginPending(mfa), proof: { kind: 'totp', code } }))).toBe('ok');
  });

  it('F31: a right code under a clock that is ahead leaves no trace in a budget that nothing was taken from', async () => {
    const bench = await createEnrolled();
    bench.clock.advance(YEAR);
    await loginWithCode(bench);
    bench.clock.advance(-YEAR);
    for (let tries = 0; tries < 5; tries++) expect(await guess(bench)).toBe('invalid_code');
    expect(good(await bench.mfa.getStatus({ user: ada })).status.waitSeconds).toBe(30);
  });
});

describe('a burst', () => {
  const { createHmac } = crypto;
  afterEach(() => {
    vi.restoreAllMocks();
    syncBuiltinESMExports();
  });

  it('F86, THR-3: of 50 codes at once five are told and stored, and five are computed', async () => {
    const bench = await createEnrolled();
    const session = await loginPending(bench.mfa);
    const code = wrongCode(bench.authenticator, bench.clock.now());
    let computed = 0;
    vi.spyOn(crypto, 'createHmac').mockImplementation((algorithm, key, options) => {
      if (algorithm === 'sha1') computed++;
      return createHmac(algorithm, key, options);
    });
    syncBuiltinESMExports();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => bench.mfa.verify({ user: ada, session, proof: { kind: 'totp', code } })),
    );
    expect(answers.filter((answer) => reasonOf(answer) === 'invalid_code')).toHaveLength(5);
    expect(answers.filter((answer) => reasonOf(answer) === 'throttled')).toHaveLength(45);
    // Three time steps for each code.
    expect(computed).toBe(15);
  });

  it('F86: the same at an enrollment', async () => {
    const bench = createBench();
    const started = good(await bench.mfa.startEnrollment({ user: ada, session: await loginPending(bench.mfa) }));
    const code = wrongCode(createAuthenticator(started.enrollment.uri), bench.clock.now());
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
    await Promise.all(Array.from({ length: 50 }, () => bench.mfa.confirmEnrollment(given)));
    expect(computed).toBe(15);
  });
});

describe('a race that was lost', () => {
  it('F87: of ten right proofs at once one wins, and the nine cost nothing', async () => {
    const bench = await createEnrolled();
    const { mfa, clock, authenticator } = bench;
    const { token: deviceToken } = await loginWithCode(bench);
    clock.advance(MINUTE);
    const session = await loginPending(mfa);
    const code = authenticator.code(clock.now());
    const given = { user: ada, session, proof: { kind: 'totp' as const, code }, deviceToken };
    const answers = await Promise.all(Array.from({ length: 10 }, () => mfa.verify(given)));
    expect(answers.map(reasonOf).sort()).toEqual([...Array(9).fill('invalid_code'), 'ok']);
    expect((await peek(bench.storage, ada.id))?.devices[0]?.budget.quick).toBe(0);
    expect(bench.events.filter((event) => 'why' in event && event.why === 'replayed')).toHaveLength(9);
  });

  it('F87: a form that was submitted twice costs nothing for ten seconds, and is refused like any used code', async () => {
    const bench = await createEnrolled();
    const { mfa, clock, authenticator } = bench;
    const code = authenticator.code(clock.now());
    const again = async () => mfa.verify({ user: ada, session: await loginPending(mfa), proof: { kind: 'totp', code } });
    good(await again());
    const refused = await again();
    expect(refused).toStrictEqual({ ok: false, reason: 'invalid_code' });
    clock.advance(10 * SECOND);
    expect(await again()).toStrictEqual(refused);
    expect((await peek(bench.storage, ada.id))?.budget.quick).toBe(0);
    clock.advance(1);
    expect(await again()).toStrictEqual(refused);
    expect((await peek(bench.storage, ada.id))?.budget.quick).toBe(1);
  });

  it('F87: a used code gives no try back, and wrong ones beside it cost what they cost', async () => {
    const bench = await createEnrolled();
    const { mfa, clock, authenticator } = bench;
    const code = authenticator.code(clock.now());
    const session = await loginPending(mfa);
    good(await mfa.verify({ user: ada, session, proof: { kind: 'totp', code } }));
    for (let tries = 0; tries < 5; tries++) {
      expect(await guess(bench)).toBe('invalid_code');
      if (tries < 4)
        expect(reasonOf(await mfa.verify({ user: ada, session, proof: { kind: 'totp', code } }))).toBe('invalid_code');
    }
    expect(reasonOf(await mfa.verify({ user: ada, session, proof: { kind: 'totp', code } }))).toBe('throttled');
    expect(await guess(bench)).toBe('throttled');
  });

  it('F87: the code that confirmed an enrollment costs nothing when it is sent to the login a moment later', async () => {
    const bench = createBench();
    const { mfa, clock } = bench;
    const started = good(await mfa.startEnrollment({ user: ada, session: await loginPending(mfa) }));
    const code = createAuthenticator(started.enrollment.uri).code(clock.now());
    good(
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
    expect((await peek(bench.storage, ada.id))?.budget.quick).toBe(0);
  });

  it('F87: a recovery code that was submitted twice costs nothing, and is refused like any wrong one', async () => {
    const bench = await createEnrolled();
    const { mfa, recoveryCodes } = bench;
    const session = await loginPending(mfa);
    const recoveryCode = recoveryCodes[0];
    good(await mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: recoveryCode } }));
    bench.resetCounts();
    bench.events.length = 0;
    expect(await mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: recoveryCode } })).toStrictEqual({
      ok: false,
      reason: 'invalid_code',
    });
    expect(bench.events).toMatchObject([{ name: 'verification_failed', factor: 'recovery-code', why: 'replayed' }]);
    expect(bench.counts.writes).toBe(0);
    expect((await peek(bench.storage, ada.id))?.recoveryTries.count).toBe(0);
    bench.clock.advance(10 * SECOND + 1);
    expect(reasonOf(await mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: recoveryCode } }))).toBe(
      'invalid_code',
    );
    expect((await peek(bench.storage, ada.id))?.recoveryTries.count).toBe(1);
  });
});
