import { describe, expect, it } from 'vitest';
import {
  ada,
  bob,
  createEnrolled,
  createFixture,
  DAY,
  expectOk,
  loginPending,
  MINUTE,
  reasonOf,
  wrongCode,
} from '../../../support/core-fixture.js';

describe('verify', () => {
  it('accepts the current code and returns what was proven', async () => {
    const { mfa, clock, authenticator, names } = await createEnrolled();
    const session = await loginPending(mfa);
    const verified = expectOk(
      await mfa.verify({ user: ada, session, proof: { kind: 'totp', code: authenticator.code(clock.now()) } }),
    );
    expect(verified.assurance).toMatchObject({ userId: ada.id, amr: ['otp', 'mfa'], via: 'otp', verifiedAt: clock.now() });
    expect(await mfa.checkAccess({ user: ada, session: verified.session })).toMatchObject({ access: 'allow', via: 'otp' });
    expect(names()).toEqual(['login_begun', 'verified']);
  });

  it('T1: refuses a code of a step already used like a wrong one', async () => {
    const { mfa, clock, authenticator, events } = await createEnrolled();
    const code = authenticator.code(clock.now());
    expectOk(await mfa.verify({ user: ada, session: await loginPending(mfa), proof: { kind: 'totp', code } }));
    const again = await mfa.verify({ user: ada, session: await loginPending(mfa), proof: { kind: 'totp', code } });
    const wrong = await mfa.verify({
      user: ada,
      session: await loginPending(mfa),
      proof: { kind: 'totp', code: wrongCode(authenticator, clock.now()) },
    });
    expect(again).toEqual({ ok: false, reason: 'invalid_code' });
    expect(wrong).toEqual(again);
    expect(events.filter((event) => event.name === 'verification_failed').map((event) => event.why)).toEqual([
      'replayed',
      'wrong',
    ]);
  });

  it('T2: makes every earlier step of the window unusable', async () => {
    const { mfa, clock, authenticator } = await createEnrolled();
    const earlier = authenticator.code(clock.now() - 30_000);
    expectOk(
      await mfa.verify({
        user: ada,
        session: await loginPending(mfa),
        proof: { kind: 'totp', code: authenticator.code(clock.now()) },
      }),
    );
    expect(
      reasonOf(await mfa.verify({ user: ada, session: await loginPending(mfa), proof: { kind: 'totp', code: earlier } })),
    ).toBe('invalid_code');
  });

  it('T3: succeeds for one of 50 parallel verifications of one code', async () => {
    const { mfa, clock, authenticator } = await createEnrolled();
    const session = await loginPending(mfa);
    const code = authenticator.code(clock.now());
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => mfa.verify({ user: ada, session, proof: { kind: 'totp', code } })),
    );
    expect(answers.filter((answer) => answer.ok)).toHaveLength(1);
    expect(new Set(answers.map(reasonOf))).toEqual(new Set(['ok', 'invalid_code']));
  });

  it('T4: refuses the code that confirmed the enrollment', async () => {
    const fixture = createFixture();
    const { mfa, clock } = fixture;
    const { createAuthenticator } = await import('../../../support/core-fixture.js');
    const login = await loginPending(mfa);
    const started = expectOk(await mfa.startEnrollment({ user: ada, session: login }));
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
  });

  it('costs one read and one write; a throttled answer costs one read', async () => {
    const { mfa, clock, authenticator, counts, resetCounts } = await createEnrolled();
    const session = await loginPending(mfa);
    resetCounts();
    expectOk(await mfa.verify({ user: ada, session, proof: { kind: 'totp', code: authenticator.code(clock.now()) } }));
    expect(counts).toEqual({ reads: 1, writes: 1, removes: 0, lists: 0 });
    for (let tries = 0; tries < 5; tries++)
      await mfa.verify({ user: ada, session, proof: { kind: 'totp', code: wrongCode(authenticator, clock.now()) } });
    expect(counts).toEqual({ reads: 6, writes: 6, removes: 0, lists: 0 });
    const throttled = await mfa.verify({ user: ada, session, proof: { kind: 'totp', code: authenticator.code(clock.now()) } });
    expect(throttled).toEqual({ ok: false, reason: 'throttled', retryAfterSeconds: 30 });
    expect(counts).toEqual({ reads: 7, writes: 6, removes: 0, lists: 0 });
  });

  it('ignores the state of another user', async () => {
    const { mfa, clock, authenticator } = await createEnrolled();
    const session = await loginPending(mfa, bob);
    expect(
      reasonOf(await mfa.verify({ user: ada, session, proof: { kind: 'totp', code: authenticator.code(clock.now()) } })),
    ).toBe('login_again');
  });

  it('T11, T12: accepts a recovery code once, for one of 50', async () => {
    const { mfa, recoveryCodes, names } = await createEnrolled();
    const session = await loginPending(mfa);
    const recoveryCode = recoveryCodes[0] ?? '';
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: recoveryCode } })),
    );
    expect(answers.filter((answer) => answer.ok)).toHaveLength(1);
    expect(expectOk(await mfa.getStatus({ user: ada })).status.recoveryCodesLeft).toBe(9);
    expect(names().filter((name) => name === 'recovery_code_used')).toHaveLength(1);
  });
});

describe('a remembered device', () => {
  it('replaces the login prompt for exactly 30 days', async () => {
    const { mfa, clock, authenticator } = await createEnrolled();
    const session = await loginPending(mfa);
    const code = authenticator.code(clock.now());
    const verified = expectOk(
      await mfa.verify({ user: ada, session, proof: { kind: 'totp', code }, rememberDevice: true, deviceLabel: 'Firefox' }),
    );
    let deviceToken = verified.device?.token ?? '';
    for (let day = 0; day < 29; day++) {
      clock.advance(DAY);
      const login = await mfa.beginLogin({ user: ada, deviceToken });
      expect(login.decision).toMatchObject({ access: 'allow', via: 'remembered-device' });
      deviceToken = login.device?.token ?? deviceToken;
    }
    clock.advance(DAY);
    expect((await mfa.beginLogin({ user: ada, deviceToken })).decision.access).toBe('challenge');
  });

  it('T28: passes parallel requests with one token, and a retired token ends the device', async () => {
    const { mfa, clock, authenticator, names } = await createEnrolled();
    const code = authenticator.code(clock.now());
    const verified = expectOk(
      await mfa.verify({ user: ada, session: await loginPending(mfa), proof: { kind: 'totp', code }, rememberDevice: true }),
    );
    const first = verified.device?.token ?? '';
    const logins = await Promise.all([1, 2].map(() => mfa.beginLogin({ user: ada, deviceToken: first })));
    expect(logins.map((login) => login.decision.access)).toEqual(['allow', 'allow']);
    const second = logins.find((login) => login.device)?.device?.token ?? '';
    expect((await mfa.beginLogin({ user: ada, deviceToken: second })).decision.access).toBe('allow');
    expect((await mfa.beginLogin({ user: ada, deviceToken: first })).decision.access).toBe('allow');
    clock.advance(2 * MINUTE);
    expect((await mfa.beginLogin({ user: ada, deviceToken: first })).decision.access).toBe('challenge');
    expect(names()).toContain('device_token_reused');
    expect((await mfa.beginLogin({ user: ada, deviceToken: second })).decision.access).toBe('challenge');
  });
});
