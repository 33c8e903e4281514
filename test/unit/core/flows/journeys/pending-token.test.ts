import { describe, expect, it } from 'vitest';
import {
  ada,
  bob,
  createAuthenticator,
  createEnrolled,
  createFixture,
  DAY,
  type Enrolled,
  expectOk,
  KEY,
  loginWithCode,
  MINUTE,
  OTHER_KEY,
  reasonOf,
  SECOND,
  wrongCode,
} from '../../../../support/core-fixture.js';
import { proofOf } from '../../../../support/proof-of.js';

async function tokenOf(fixture: Pick<Enrolled, 'mfa'>, user = ada): Promise<string> {
  return (await fixture.mfa.beginLogin({ user })).pendingToken ?? '';
}

async function open(fixture: Pick<Enrolled, 'mfa'>, token: string) {
  return expectOk(await fixture.mfa.openPendingToken(token)).session;
}

describe('a pending token', () => {
  it('T47, SES-5: can be used for one proof', async () => {
    const fixture = await createEnrolled();
    const token = await tokenOf(fixture);
    const verify = async (code: string) =>
      fixture.mfa.verify({ user: ada, session: await open(fixture, token), proof: { kind: 'totp', code } });
    expect(reasonOf(await verify(wrongCode(fixture.authenticator, fixture.clock.now())))).toBe('invalid_code');
    expectOk(await verify(fixture.authenticator.code(fixture.clock.now())));
    expect(reasonOf(await verify(fixture.authenticator.code(fixture.clock.now() + 30 * SECOND)))).toBe('pending_token_invalid');
    const recoveryCode = fixture.recoveryCodes[0];
    const session = await open(fixture, token);
    expect(reasonOf(await fixture.mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: recoveryCode } }))).toBe(
      'pending_token_invalid',
    );
  });

  it('T47: gives a session to one of two parallel right codes', async () => {
    const fixture = await createEnrolled();
    const session = await open(fixture, await tokenOf(fixture));
    const codes = [0, 30 * SECOND].map((ahead) => fixture.authenticator.code(fixture.clock.now() + ahead));
    const answers = await Promise.all(
      codes.map((code) => fixture.mfa.verify({ user: ada, session, proof: { kind: 'totp', code } })),
    );
    expect(answers.map(reasonOf).sort()).toEqual(['ok', 'pending_token_invalid']);
  });

  it('T47: lives ten minutes', async () => {
    const fixture = await createEnrolled();
    const token = await tokenOf(fixture);
    const session = await open(fixture, token);
    fixture.clock.advance(12 * MINUTE);
    expect(reasonOf(await fixture.mfa.openPendingToken(token))).toBe('pending_token_invalid');
    const code = fixture.authenticator.code(fixture.clock.now());
    expect(reasonOf(await fixture.mfa.verify({ user: ada, session, proof: { kind: 'totp', code } }))).toBe(
      'pending_token_invalid',
    );
  });

  it('T21: is not accepted as a device token, and a device token is not accepted in its place', async () => {
    const fixture = await createEnrolled();
    const { token } = await loginWithCode(fixture, { rememberDevice: true });
    expect(reasonOf(await fixture.mfa.openPendingToken(token))).toBe('pending_token_invalid');
    const { decision } = await fixture.mfa.beginLogin({ user: ada, deviceToken: await tokenOf(fixture) });
    expect(decision.access).toBe('challenge');
  });

  it('works for its user only', async () => {
    const fixture = await createEnrolled();
    const session = await open(fixture, await tokenOf(fixture, bob));
    const code = fixture.authenticator.code(fixture.clock.now());
    expect(reasonOf(await fixture.mfa.verify({ user: ada, session, proof: { kind: 'totp', code } }))).toBe('login_again');
  });

  it('carries a first enrollment once: start, show, confirm', async () => {
    const fixture = createFixture();
    const token = await tokenOf(fixture);
    const started = expectOk(await fixture.mfa.startEnrollment({ user: ada, session: await open(fixture, token) }));
    const shown = expectOk(await fixture.mfa.currentEnrollment({ user: ada, session: await open(fixture, token) }));
    expect(shown.enrollment).toEqual(started.enrollment);
    const other = await open(fixture, await tokenOf(fixture));
    const code = createAuthenticator(started.enrollment.uri).code(fixture.clock.now());
    const input = { user: ada, enrollmentId: started.enrollment.id, proof: proofOf({ code }) };
    expect(reasonOf(await fixture.mfa.confirmEnrollment({ ...input, session: other }))).toBe('enrollment_expired');
    expectOk(await fixture.mfa.confirmEnrollment({ ...input, session: await open(fixture, token) }));
    fixture.clock.advance(MINUTE);
    const session = await open(fixture, token);
    expect(reasonOf(await fixture.mfa.startEnrollment({ user: ada, session }))).toBe('pending_token_invalid');
  });

  it('STO-1, T47: is remembered after use, up to 32; then no further proof is checked until one has expired', async () => {
    const fixture = await createEnrolled(ada, { recoveryCodes: { count: 20 } });
    const used: string[] = [];
    for (let count = 0; count < 32; count++) {
      const token = await tokenOf(fixture);
      if (count >= 20) fixture.clock.advance(30 * SECOND);
      const proof =
        count < 20 ? { recoveryCode: fixture.recoveryCodes[count] } : { code: fixture.authenticator.code(fixture.clock.now()) };
      expectOk(await fixture.mfa.verify({ user: ada, session: await open(fixture, token), proof: proofOf(proof) }));
      used.push(token);
    }
    fixture.clock.advance(30 * SECOND);
    const code = fixture.authenticator.code(fixture.clock.now());
    const session = await open(fixture, await tokenOf(fixture));
    const full = { ok: false, reason: 'limit_reached', retryAfterSeconds: 60 };
    expect(await fixture.mfa.verify({ user: ada, session, proof: { kind: 'totp', code } })).toEqual(full);
    expect(
      await fixture.mfa.verify({
        user: ada,
        session,
        proof: { kind: 'totp', code: wrongCode(fixture.authenticator, fixture.clock.now()) },
      }),
    ).toEqual(full);
    for (const token of used) {
      const again = await fixture.mfa.verify({ user: ada, session: await open(fixture, token), proof: { kind: 'totp', code } });
      expect(reasonOf(again)).toBe('pending_token_invalid');
    }
    // The first twenty expire eleven minutes after they were issued.
    fixture.clock.advance(5 * MINUTE);
    const later = fixture.authenticator.code(fixture.clock.now());
    expectOk(
      await fixture.mfa.verify({
        user: ada,
        session: await open(fixture, await tokenOf(fixture)),
        proof: { kind: 'totp', code: later },
      }),
    );
  });

  it('T47, FLT-5: that was used does not work again after a clock jumped ten days ahead and back', async () => {
    const fixture = await createEnrolled();
    const token = await tokenOf(fixture);
    expectOk(
      await fixture.mfa.verify({
        user: ada,
        session: await open(fixture, token),
        proof: { kind: 'totp', code: fixture.authenticator.code(fixture.clock.now()) },
      }),
    );
    fixture.clock.advance(10 * DAY);
    const later = await open(fixture, await tokenOf(fixture));
    const then = fixture.authenticator.code(fixture.clock.now());
    expectOk(await fixture.mfa.verify({ user: ada, session: later, proof: { kind: 'totp', code: then } }));
    fixture.clock.advance(-10 * DAY);
    const session = await open(fixture, token);
    const code = fixture.authenticator.code(fixture.clock.now());
    expect(reasonOf(await fixture.mfa.verify({ user: ada, session, proof: { kind: 'totp', code } }))).toBe(
      'pending_token_invalid',
    );
  });

  it('CRY-3: works across two processes with different first keys', async () => {
    const old = await createEnrolled(ada, { keys: [KEY] });
    const both = createFixture({ keys: [KEY, OTHER_KEY], storage: old.storage, clock: old.clock.now });
    const moved = createFixture({ keys: [OTHER_KEY, KEY], storage: old.storage, clock: old.clock.now });
    const byNew = await tokenOf(moved);
    expect(reasonOf(await both.mfa.openPendingToken(byNew))).toBe('ok');
    expect(reasonOf(await old.mfa.openPendingToken(byNew))).toBe('pending_token_invalid');
    const byOld = await tokenOf(old);
    expect(reasonOf(await moved.mfa.openPendingToken(byOld))).toBe('ok');
  });

  it('is issued only if a proof is required or an enrollment is possible', async () => {
    const fixture = await createEnrolled();
    const { token } = await loginWithCode(fixture, { rememberDevice: true });
    expect((await fixture.mfa.beginLogin({ user: ada, deviceToken: token })).pendingToken).toBeUndefined();
    expect((await fixture.mfa.beginLogin({ user: { ...ada, mfa: 'off' } })).pendingToken).toBeUndefined();
    expect((await fixture.mfa.beginLogin({ user: bob })).pendingToken).toBeDefined();
  });

  it('ENR-1: lets a client without a session enroll if MFA is optional, and proves nothing before', async () => {
    const fixture = createFixture();
    const user = { ...bob, mfa: 'optional' as const };
    const begun = await fixture.mfa.beginLogin({ user });
    expect(begun.decision).toMatchObject({ access: 'allow', via: 'not-required' });
    const session = await open(fixture, begun.pendingToken ?? '');
    expect(reasonOf(await fixture.mfa.verify({ user, session, proof: { kind: 'totp', code: '123456' } }))).toBe('not_enrolled');
    const started = expectOk(await fixture.mfa.startEnrollment({ user, session }));
    const { id: enrollmentId, manualKey } = started.enrollment;
    const code = createAuthenticator(manualKey).code(fixture.clock.now());
    const confirmed = expectOk(
      await fixture.mfa.confirmEnrollment({ user, session: started.session, enrollmentId, proof: { kind: 'totp', code } }),
    );
    expect(confirmed.assurance.amr).toContain('otp');
  });
});
