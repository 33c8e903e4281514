import { describe, expect, it } from 'vitest';
import {
  ada,
  bob,
  createAuthenticator,
  createEnrolled,
  createFixture,
  DAY,
  type Enrolled,
  enrollAnother,
  expectOk,
  loginPending,
  loginWithCode,
  MINUTE,
  reasonOf,
  SECOND,
  wrongCode,
} from '../../../../support/core-fixture.js';

/** One wrong guess from an unknown browser, after a new login. */
async function guess(fixture: Enrolled): Promise<string> {
  const code = wrongCode(fixture.authenticator, fixture.clock.now());
  return reasonOf(
    await fixture.mfa.verify({ user: ada, session: await loginPending(fixture.mfa), proof: { kind: 'totp', code } }),
  );
}

function evaluated(fixture: Enrolled): number {
  return fixture.events.filter((event) => event.name === 'verification_failed').length;
}

describe('guessing', () => {
  it('T5, T6, THR-1, STP-5: after five wrong codes in any flows no code is checked, not even the right one', async () => {
    const fixture = await createEnrolled();
    const { mfa, clock, authenticator, session } = fixture;
    const pending = await loginPending(mfa);
    const code = () => wrongCode(authenticator, clock.now());
    for (const attempt of [
      () => mfa.verify({ user: ada, session: pending, proof: { kind: 'totp', code: code() } }),
      async () => mfa.verify({ user: ada, session: await loginPending(mfa), proof: { kind: 'totp', code: code() } }),
      () => mfa.verify({ user: ada, session, proof: { kind: 'totp', code: code() } }),
      () => mfa.verify({ user: ada, session: pending, proof: { kind: 'totp', code: code() } }),
      async () => mfa.verify({ user: ada, session: await loginPending(mfa), proof: { kind: 'totp', code: code() } }),
    ]) {
      expect(reasonOf(await attempt())).toBe('invalid_code');
    }
    const right = await mfa.verify({
      user: ada,
      session: pending,
      proof: { kind: 'totp', code: authenticator.code(clock.now()) },
    });
    expect(right).toEqual({ ok: false, reason: 'throttled', retryAfterSeconds: 30 });
    expect(evaluated(fixture)).toBe(5);
  });

  it('T5, T8: of 100 simultaneous wrong codes five are evaluated', async () => {
    const fixture = await createEnrolled();
    const session = await loginPending(fixture.mfa);
    const code = wrongCode(fixture.authenticator, fixture.clock.now());
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => fixture.mfa.verify({ user: ada, session, proof: { kind: 'totp', code } })),
    );
    expect(answers.filter((answer) => reasonOf(answer) === 'invalid_code')).toHaveLength(5);
    expect(answers.filter((answer) => reasonOf(answer) === 'throttled')).toHaveLength(95);
    expect(evaluated(fixture)).toBe(5);
  });

  it('THR-7: while throttled, right and wrong codes get the same answer, nothing is used up, and tries do not extend the wait', async () => {
    const fixture = await createEnrolled();
    const { mfa, clock, authenticator } = fixture;
    for (let tries = 0; tries < 5; tries++) await guess(fixture);
    const session = await loginPending(mfa);
    const right = authenticator.code(clock.now() + 30 * SECOND);
    for (let second = 0; second < 29; second++) {
      const answers = [right, wrongCode(authenticator, clock.now())].map((code) =>
        mfa.verify({ user: ada, session, proof: { kind: 'totp', code } }),
      );
      const [first, other] = await Promise.all(answers);
      expect(first).toEqual({ ok: false, reason: 'throttled', retryAfterSeconds: 30 - second });
      expect(other).toEqual(first);
      clock.advance(SECOND);
    }
    clock.advance(SECOND - 1);
    expect(reasonOf(await mfa.verify({ user: ada, session, proof: { kind: 'totp', code: right } }))).toBe('throttled');
    clock.advance(1);
    expect(reasonOf(await mfa.verify({ user: ada, session, proof: { kind: 'totp', code: right } }))).toBe('ok');
    expect(fixture.counts.writes).toBe(6);
  });

  it('THR-4: a restart of the process gives no tries back', async () => {
    const fixture = await createEnrolled();
    for (let tries = 0; tries < 4; tries++) expect(await guess(fixture)).toBe('invalid_code');
    const restarted = createFixture({ storage: fixture.storage, clock: fixture.clock.now });
    const after = { ...fixture, mfa: restarted.mfa };
    expect(await guess(after)).toBe('invalid_code');
    expect(await guess(after)).toBe('throttled');
    expect(await guess(fixture)).toBe('throttled');
  });

  it('T7: the right password changes no budget; only a right code gives the quick tries back', async () => {
    const fixture = await createEnrolled();
    for (let tries = 0; tries < 4; tries++) await guess(fixture);
    for (let logins = 0; logins < 10; logins++) await loginPending(fixture.mfa);
    expect(await guess(fixture)).toBe('invalid_code');
    expect(await guess(fixture)).toBe('throttled');
    fixture.clock.advance(30 * SECOND);
    await loginWithCode(fixture);
    for (let tries = 0; tries < 5; tries++) expect(await guess(fixture)).toBe('invalid_code');
    expect(await guess(fixture)).toBe('throttled');
  });

  it('THR-5: a day of attempts locks the owner out neither of the usual browser nor of a recovery code', async () => {
    const fixture = await createEnrolled();
    const { mfa, clock, authenticator, recoveryCodes } = fixture;
    const { token } = await loginWithCode(fixture);
    for (let minute = 0; minute < 24 * 60; minute += 7) {
      await guess(fixture);
      clock.advance(7 * MINUTE);
    }
    expect(await guess(fixture)).toBe('throttled');
    const code = authenticator.code(clock.now());
    const { session } = await mfa.beginLogin({ user: ada, deviceToken: token });
    const elsewhere = await loginPending(mfa);
    expect(reasonOf(await mfa.verify({ user: ada, session: elsewhere, proof: { kind: 'totp', code } }))).toBe('throttled');
    expect(reasonOf(await mfa.verify({ user: ada, session, proof: { kind: 'totp', code }, deviceToken: token }))).toBe('ok');
    expect(
      reasonOf(await mfa.verify({ user: ada, session: elsewhere, proof: { kind: 'recovery-code', code: recoveryCodes[0] } })),
    ).toBe('ok');
  });

  it('a known browser has its own budget, with the same limits', async () => {
    const fixture = await createEnrolled();
    const { mfa, clock, authenticator } = fixture;
    const { token } = await loginWithCode(fixture);
    const known = async () => {
      const code = wrongCode(authenticator, clock.now());
      return reasonOf(
        await mfa.verify({ user: ada, session: await loginPending(mfa), proof: { kind: 'totp', code }, deviceToken: token }),
      );
    };
    for (let tries = 0; tries < 5; tries++) expect(await known()).toBe('invalid_code');
    expect(await known()).toBe('throttled');
    expect(await guess(fixture)).toBe('invalid_code');
    expect(expectOk(await mfa.getStatus({ user: ada })).status.waitSeconds).toBe(0);
  });

  it('T44, THR-1: one user’s guesses and codes do not affect another user', async () => {
    const fixture = await createEnrolled();
    const other = await createEnrolled(bob, { storage: fixture.storage, clock: fixture.clock.now });
    for (let tries = 0; tries < 6; tries++) await guess(fixture);
    fixture.clock.advance(MINUTE);
    const code = other.authenticator.code(fixture.clock.now());
    expect(
      reasonOf(await other.mfa.verify({ user: bob, session: await loginPending(other.mfa, bob), proof: { kind: 'totp', code } })),
    ).toBe('ok');
  });

  it('THR-2: a guess costs one try for any number of authenticators', async () => {
    const fixture = await createEnrolled();
    let { session } = fixture;
    session = (await enrollAnother(fixture, session)).session;
    fixture.clock.advance(MINUTE);
    session = (await enrollAnother(fixture, session)).session;
    fixture.events.length = 0;
    const wait = async () => expectOk(await fixture.mfa.getStatus({ user: ada })).status.waitSeconds;
    for (let tries = 0; tries < 21; tries++) {
      fixture.clock.advance((await wait()) * SECOND);
      expect(await guess(fixture)).toBe('invalid_code');
    }
    // One came back in the ten hours of waits.
    expect(await wait()).toBeGreaterThan(6 * 3600);
    expect(await guess(fixture)).toBe('throttled');
  });

  it('THR-2, LOG-5: the user is notified at half of the bucket and at its end, once a day', async () => {
    const fixture = await createEnrolled();
    for (let minutes = 0; minutes < 20 * 60; minutes += 5) {
      await guess(fixture);
      fixture.clock.advance(5 * MINUTE);
    }
    const notices = fixture.notices.filter((notice) => notice.name === 'guessing_suspected');
    expect(notices.map((notice) => notice.level)).toEqual(['repeated', 'half', 'full']);
    expect(fixture.events.filter((event) => event.name === 'guessing_suspected')).toHaveLength(3);
  });

  it('clearLockout gives five tries back immediately, in every budget, and records who did it and why', async () => {
    const fixture = await createEnrolled();
    const { mfa, clock, authenticator } = fixture;
    const { token } = await loginWithCode(fixture);
    for (let tries = 0; tries < 6; tries++) {
      await guess(fixture);
      const code = wrongCode(authenticator, clock.now());
      await mfa.verify({ user: ada, session: await loginPending(mfa), proof: { kind: 'totp', code }, deviceToken: token });
    }
    expect(await guess(fixture)).toBe('throttled');
    expectOk(await mfa.clearLockout({ userId: ada.id, actor: 'support-7', reason: 'ticket 42' }));
    expect(fixture.events.at(-1)).toMatchObject({
      name: 'lockout_cleared',
      actor: 'support-7',
      reason: 'ticket 42',
      userId: ada.id,
    });
    for (let tries = 0; tries < 5; tries++) expect(await guess(fixture)).toBe('invalid_code');
    expect(await guess(fixture)).toBe('throttled');
    clock.advance(MINUTE);
    const code = authenticator.code(clock.now());
    const session = await loginPending(mfa);
    expect(reasonOf(await mfa.verify({ user: ada, session, proof: { kind: 'totp', code }, deviceToken: token }))).toBe('ok');
  });

  it('FLT-5: a clock that ran ten years ahead for a moment locks nobody out', async () => {
    const fixture = await createEnrolled();
    const { mfa, clock, authenticator, recoveryCodes } = fixture;
    clock.advance(3650 * DAY);
    for (let tries = 0; tries < 6; tries++) await guess(fixture);
    clock.advance(-3650 * DAY);
    expect(await guess(fixture)).toBe('throttled');
    const session = await loginPending(mfa);
    expect(reasonOf(await mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: recoveryCodes[0] } }))).toBe(
      'ok',
    );
    expectOk(await mfa.clearLockout({ userId: ada.id, actor: 'support-7', reason: 'the clock was wrong' }));
    const code = authenticator.code(clock.now());
    expect(reasonOf(await mfa.verify({ user: ada, session, proof: { kind: 'totp', code } }))).toBe('ok');
  });

  it('REC-6: a hundred wrong recovery codes a minute are stored, none is charged a try, and a right one works', async () => {
    const fixture = await createEnrolled();
    const { mfa, clock, recoveryCodes, authenticator } = fixture;
    const session = await loginPending(mfa);
    const wrong = '0000-0000-0000-0000-0000-0000';
    for (let tries = 0; tries < 100; tries++) {
      expect(reasonOf(await mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: wrong } }))).toBe(
        'invalid_code',
      );
    }
    fixture.resetCounts();
    expect(await mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: wrong } })).toEqual({
      ok: false,
      reason: 'invalid_code',
    });
    expect(fixture.counts.writes).toBe(0);
    expect(
      reasonOf(await mfa.verify({ user: ada, session, proof: { kind: 'totp', code: authenticator.code(clock.now()) } })),
    ).toBe('ok');
    expect(reasonOf(await mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: recoveryCodes[0] } }))).toBe(
      'ok',
    );
  });

  it('T45, TOTP-5: input that cannot be a code costs no read and no try', async () => {
    const fixture = await createEnrolled();
    const { mfa, counts } = fixture;
    const session = await loginPending(mfa);
    fixture.resetCounts();
    for (const code of ['', '12345', '1234567', '１２３４５６', ['123456'], { $gt: '' }, 123456, null, 'x'.repeat(10_000)]) {
      expect(await mfa.verify({ user: ada, session, proof: { kind: 'totp', code } })).toEqual({
        ok: false,
        reason: 'invalid_code',
      });
    }
    for (const kind of ['totp', 'recovery-code'] as const) {
      expect(reasonOf(await mfa.verify({ user: ada, session, proof: { kind, code: undefined } }))).toBe('invalid_code');
    }
    expect(counts).toEqual({ reads: 0, writes: 0, removes: 0, lists: 0 });
    expect(fixture.events.filter((event) => event.name === 'verification_failed' && event.why === 'malformed')).toHaveLength(11);
  });

  it('ENR-4: guesses at a first enrollment are counted too', async () => {
    const fixture = createFixture();
    const { mfa, clock } = fixture;
    const started = expectOk(await mfa.startEnrollment({ user: ada, session: await loginPending(mfa) }));
    const authenticator = createAuthenticator(started.enrollment.uri);
    const confirm = (code: string) =>
      mfa.confirmEnrollment({
        user: ada,
        session: started.session,
        enrollmentId: started.enrollment.id,
        proof: { kind: 'totp', code },
      });
    for (let tries = 0; tries < 5; tries++) {
      expect(reasonOf(await confirm(wrongCode(authenticator, clock.now())))).toBe('invalid_code');
    }
    expect(await confirm(authenticator.code(clock.now()))).toMatchObject({ reason: 'throttled', retryAfterSeconds: 30 });
  });
});
