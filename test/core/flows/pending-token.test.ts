import { describe, expect, it } from 'vitest';
import {
  ada,
  bob,
  createAuthenticator,
  createBench,
  createEnrolled,
  DAY,
  type Enrolled,
  good,
  KEY,
  loginWithCode,
  MINUTE,
  OTHER_KEY,
  reasonOf,
  SECOND,
  wrongCode,
} from '../../support/core-fixture.js';
import { proofOf } from '../../support/proof-of.js';

async function tokenOf(bench: Pick<Enrolled, 'mfa'>, user = ada): Promise<string> {
  return (await bench.mfa.beginLogin({ user })).pendingToken ?? '';
}

async function open(bench: Pick<Enrolled, 'mfa'>, token: string) {
  return good(await bench.mfa.openPendingToken(token)).session;
}

describe('a pending token', () => {
  it('T47, SES-5: is good for one proof', async () => {
    const bench = await createEnrolled();
    const token = await tokenOf(bench);
    const verify = async (code: string) =>
      bench.mfa.verify({ user: ada, session: await open(bench, token), proof: { kind: 'totp', code } });
    expect(reasonOf(await verify(wrongCode(bench.authenticator, bench.clock.now())))).toBe('invalid_code');
    good(await verify(bench.authenticator.code(bench.clock.now())));
    expect(reasonOf(await verify(bench.authenticator.code(bench.clock.now() + 30 * SECOND)))).toBe('pending_token_invalid');
    const recoveryCode = bench.recoveryCodes[0];
    const session = await open(bench, token);
    expect(reasonOf(await bench.mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: recoveryCode } }))).toBe(
      'pending_token_invalid',
    );
  });

  it('T47: of two parallel right codes on one token one gives a session', async () => {
    const bench = await createEnrolled();
    const session = await open(bench, await tokenOf(bench));
    const codes = [0, 30 * SECOND].map((ahead) => bench.authenticator.code(bench.clock.now() + ahead));
    const answers = await Promise.all(
      codes.map((code) => bench.mfa.verify({ user: ada, session, proof: { kind: 'totp', code } })),
    );
    expect(answers.map(reasonOf).sort()).toEqual(['ok', 'pending_token_invalid']);
  });

  it('T47: lives ten minutes', async () => {
    const bench = await createEnrolled();
    const token = await tokenOf(bench);
    const session = await open(bench, token);
    bench.clock.advance(12 * MINUTE);
    expect(reasonOf(await bench.mfa.openPendingToken(token))).toBe('pending_token_invalid');
    const code = bench.authenticator.code(bench.clock.now());
    expect(reasonOf(await bench.mfa.verify({ user: ada, session, proof: { kind: 'totp', code } }))).toBe('pending_token_invalid');
  });

  it('T21: is not a device token, and a device token is not one', async () => {
    const bench = await createEnrolled();
    const { token } = await loginWithCode(bench, { rememberDevice: true });
    expect(reasonOf(await bench.mfa.openPendingToken(token))).toBe('pending_token_invalid');
    const { decision } = await bench.mfa.beginLogin({ user: ada, deviceToken: await tokenOf(bench) });
    expect(decision.access).toBe('challenge');
  });

  it('is for its user alone', async () => {
    const bench = await createEnrolled();
    const session = await open(bench, await tokenOf(bench, bob));
    const code = bench.authenticator.code(bench.clock.now());
    expect(reasonOf(await bench.mfa.verify({ user: ada, session, proof: { kind: 'totp', code } }))).toBe('login_again');
  });

  it('carries a first enrollment: start, show, confirm; once', async () => {
    const bench = createBench();
    const token = await tokenOf(bench);
    const started = good(await bench.mfa.startEnrollment({ user: ada, session: await open(bench, token) }));
    const shown = good(await bench.mfa.currentEnrollment({ user: ada, session: await open(bench, token) }));
    expect(shown.enrollment).toEqual(started.enrollment);
    const other = await open(bench, await tokenOf(bench));
    const code = createAuthenticator(started.enrollment.uri).code(bench.clock.now());
    const input = { user: ada, enrollmentId: started.enrollment.id, proof: proofOf({ code }) };
    expect(reasonOf(await bench.mfa.confirmEnrollment({ ...input, session: other }))).toBe('enrollment_expired');
    good(await bench.mfa.confirmEnrollment({ ...input, session: await open(bench, token) }));
    bench.clock.advance(MINUTE);
    const session = await open(bench, token);
    expect(reasonOf(await bench.mfa.startEnrollment({ user: ada, session }))).toBe('pending_token_invalid');
  });

  it('STO-1, T47: 32 used ones are remembered; then no further proof is looked at until one has ended', async () => {
    const bench = await createEnrolled(ada, { recoveryCodes: { count: 20 } });
    const used: string[] = [];
    for (let count = 0; count < 32; count++) {
      const token = await tokenOf(bench);
      if (count >= 20) bench.clock.advance(30 * SECOND);
      const proof =
        count < 20 ? { recoveryCode: bench.recoveryCodes[count] } : { code: bench.authenticator.code(bench.clock.now()) };
      good(await bench.mfa.verify({ user: ada, session: await open(bench, token), proof: proofOf(proof) }));
      used.push(token);
    }
    bench.clock.advance(30 * SECOND);
    const code = bench.authenticator.code(bench.clock.now());
    const session = await open(bench, await tokenOf(bench));
    const full = { ok: false, reason: 'limit_reached', retryAfterSeconds: 60 };
    expect(await bench.mfa.verify({ user: ada, session, proof: { kind: 'totp', code } })).toEqual(full);
    expect(
      await bench.mfa.verify({
        user: ada,
        session,
        proof: { kind: 'totp', code: wrongCode(bench.authenticator, bench.clock.now()) },
      }),
    ).toEqual(full);
    for (const token of used) {
      const again = await bench.mfa.verify({ user: ada, session: await open(bench, token), proof: { kind: 'totp', code } });
      expect(reasonOf(again)).toBe('pending_token_invalid');
    }
    // The first twenty end eleven minutes after they were made.
    bench.clock.advance(5 * MINUTE);
    const later = bench.authenticator.code(bench.clock.now());
    good(
      await bench.mfa.verify({
        user: ada,
        session: await open(bench, await tokenOf(bench)),
        proof: { kind: 'totp', code: later },
      }),
    );
  });

  it('T47, FLT-5: a used one does not come back by a clock that jumped ten days ahead and back', async () => {
    const bench = await createEnrolled();
    const token = await tokenOf(bench);
    good(
      await bench.mfa.verify({
        user: ada,
        session: await open(bench, token),
        proof: { kind: 'totp', code: bench.authenticator.code(bench.clock.now()) },
      }),
    );
    bench.clock.advance(10 * DAY);
    const later = await open(bench, await tokenOf(bench));
    const then = bench.authenticator.code(bench.clock.now());
    good(await bench.mfa.verify({ user: ada, session: later, proof: { kind: 'totp', code: then } }));
    bench.clock.advance(-10 * DAY);
    const session = await open(bench, token);
    const code = bench.authenticator.code(bench.clock.now());
    expect(reasonOf(await bench.mfa.verify({ user: ada, session, proof: { kind: 'totp', code } }))).toBe('pending_token_invalid');
  });

  it('CRY-3: rolls over two processes with unequal keys', async () => {
    const old = await createEnrolled(ada, { keys: [KEY] });
    const both = createBench({ keys: [KEY, OTHER_KEY], storage: old.storage, clock: old.clock.now });
    const moved = createBench({ keys: [OTHER_KEY, KEY], storage: old.storage, clock: old.clock.now });
    const byNew = await tokenOf(moved);
    expect(reasonOf(await both.mfa.openPendingToken(byNew))).toBe('ok');
    expect(reasonOf(await old.mfa.openPendingToken(byNew))).toBe('pending_token_invalid');
    const byOld = await tokenOf(old);
    expect(reasonOf(await moved.mfa.openPendingToken(byOld))).toBe('ok');
  });

  it('is given where something is asked or can be enrolled, and nowhere else', async () => {
    const bench = await createEnrolled();
    const { token } = await loginWithCode(bench, { rememberDevice: true });
    expect((await bench.mfa.beginLogin({ user: ada, deviceToken: token })).pendingToken).toBeUndefined();
    expect((await bench.mfa.beginLogin({ user: { ...ada, mfa: 'off' } })).pendingToken).toBeUndefined();
    expect((await bench.mfa.beginLogin({ user: bob })).pendingToken).toBeDefined();
  });

  it('ENR-1: lets a client without a session enroll where MFA is optional, and is worth no proof before', async () => {
    const bench = createBench();
    const user = { ...bob, mfa: 'optional' as const };
    const begun = await bench.mfa.beginLogin({ user });
    expect(begun.decision).toMatchObject({ access: 'allow', via: 'not-required' });
    const session = await open(bench, begun.pendingToken ?? '');
    expect(reasonOf(await bench.mfa.verify({ user, session, proof: { kind: 'totp', code: '123456' } }))).toBe('not_enrolled');
    const started = good(await bench.mfa.startEnrollment({ user, session }));
    const { id: enrollmentId, manualKey } = started.enrollment;
    const code = createAuthenticator(manualKey).code(bench.clock.now());
    const confirmed = good(
      await bench.mfa.confirmEnrollment({ user, session: started.session, enrollmentId, proof: { kind: 'totp', code } }),
    );
    expect(confirmed.assurance.amr).toContain('otp');
  });
});
