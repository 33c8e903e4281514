import { describe, expect, it } from 'vitest';
import { peek } from '../../../../faults/core-faulty-storage.js';
import {
  ada,
  createEnrolled,
  createFixture,
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
import { interleavingStorage } from '../../../../support/interleaving-storage.js';
import { proofOf } from '../../../../support/proof-of.js';

const WRONG = '0000-0000-0000-0000-0000-0000';
const refused = { ok: false, reason: 'invalid_code' };

async function recover(fixture: Pick<Enrolled, 'mfa'>, recoveryCode: string | undefined) {
  return fixture.mfa.verify({
    user: ada,
    session: await loginPending(fixture.mfa),
    proof: { kind: 'recovery-code', code: recoveryCode },
  });
}

describe('a flood of wrong recovery codes', () => {
  it('F24, THR-5: never blocks the owner’s right one', async () => {
    const fixture = await createEnrolled();
    const session = await loginPending(fixture.mfa);
    const reasons: string[] = [];
    for (const recoveryCode of fixture.recoveryCodes) {
      for (let tries = 0; tries < 120; tries++)
        await fixture.mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: WRONG } });
      reasons.push(reasonOf(await recover(fixture, recoveryCode)));
      fixture.clock.advance(7 * SECOND);
    }
    expect(reasons).toEqual(fixture.recoveryCodes.map(() => 'ok'));
  });

  it('F24, REC-6: beyond a hundred a minute gets the usual answer, and is not stored', async () => {
    const fixture = await createEnrolled();
    const answers = [];
    for (let tries = 0; tries < 100; tries++) answers.push(await recover(fixture, WRONG));
    fixture.resetCounts();
    for (let tries = 0; tries < 50; tries++) answers.push(await recover(fixture, WRONG));
    expect(fixture.counts.writes).toBe(0);
    for (const answer of answers) expect(answer).toStrictEqual(refused);
    fixture.clock.advance(MINUTE);
    expect(await recover(fixture, WRONG)).toStrictEqual(refused);
    expect(fixture.counts.writes).toBe(1);
  });

  it('F24, LOG-4: is reported once a minute, with the number since the last report', async () => {
    const fixture = await createEnrolled();
    const session = await loginPending(fixture.mfa);
    const counts: number[] = [];
    for (let minute = 0; minute < 3; minute++) {
      fixture.events.length = 0;
      for (let tries = 0; tries < 300; tries++)
        await fixture.mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: WRONG } });
      expect(fixture.events.filter(({ name }) => name === 'verification_failed')).toHaveLength(100);
      for (const event of fixture.events) if (event.name === 'recovery_codes_flooded') counts.push(event.tries);
      fixture.clock.advance(MINUTE);
    }
    expect(counts).toEqual([1, 200, 200]);
  });

  it('F24: is reported for each of two users', async () => {
    const fixture = await createEnrolled();
    const other = { ...ada, id: 'user-cy' };
    const enrolled = await createEnrolled(other, { storage: fixture.storage, clock: fixture.clock.now });
    for (const user of [ada, other]) {
      const session = await loginPending(fixture.mfa, user);
      for (let tries = 0; tries < 110; tries++)
        await fixture.mfa.verify({ user, session, proof: { kind: 'recovery-code', code: WRONG } });
    }
    const floods = fixture.events.filter(({ name }) => name === 'recovery_codes_flooded');
    expect(floods.map(({ userId }) => userId)).toEqual([ada.id, other.id]);
    expect(enrolled.recoveryCodes).toHaveLength(10);
  });

  it('F24: with a full queue delays a right one neither by its length nor by its order', async () => {
    const fixture = await createEnrolled();
    const storage = interleavingStorage(fixture.storage);
    const { mfa } = createFixture({ storage, clock: fixture.clock.now });
    const session = await loginPending(mfa);
    storage.hold(({ method }) => method === 'write');
    let answered = 0;
    const attack = Array.from({ length: 1_000 }, async (_, index) => {
      const proof = index % 2 ? { recoveryCode: WRONG } : { code: wrongCode(fixture.authenticator, fixture.clock.now()) };
      const reason = reasonOf(await mfa.verify({ user: ada, session, proof: proofOf(proof) }));
      answered++;
      return reason;
    });
    await storage.nextHeld();
    const owner = mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: fixture.recoveryCodes[0] } });
    // Those beyond 500 get busy at once; the owner's does not.
    await new Promise((resolve) => setTimeout(resolve, 100));
    const before = answered;
    storage.releaseAll();
    expect(reasonOf(await owner)).toBe('ok');
    // One was being written, and the owner's was the next.
    expect(answered - before).toBeLessThanOrEqual(2);
    const reasons = await Promise.all(attack);
    expect(reasons.filter((reason) => reason === 'busy').length).toBeGreaterThan(400);
  });

  it('F24: without a second factor uses up no pending tokens and no enrollment starts', async () => {
    const fixture = await createEnrolled();
    const { mfa } = fixture;
    for (let login = 0; login < 40; login++) {
      const { pendingToken = '' } = await mfa.beginLogin({ user: ada });
      const { session } = expectOk(await mfa.openPendingToken(pendingToken));
      expect(await mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: WRONG } })).toStrictEqual(refused);
      expect(reasonOf(await mfa.startEnrollment({ user: ada, session }))).toBe('assurance_required');
    }
    const { pendingToken = '' } = await mfa.beginLogin({ user: ada });
    const { session } = expectOk(await mfa.openPendingToken(pendingToken));
    expect(
      reasonOf(await mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: fixture.recoveryCodes[0] } })),
    ).toBe('ok');
    const profile = await peek(fixture.storage, ada.id);
    expect([profile?.usedTokens.length, profile?.enrollmentStarts.length]).toEqual([1, 1]);
  });

  it('F24: in another process does not block a right one', async () => {
    const fixture = await createEnrolled();
    const other = createFixture({ storage: fixture.storage, clock: fixture.clock.now });
    const session = await loginPending(other.mfa);
    await Promise.all(
      Array.from({ length: 150 }, () => other.mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: WRONG } })),
    );
    expect(reasonOf(await recover(fixture, fixture.recoveryCodes[0]))).toBe('ok');
  });
});

describe('recovery codes that are turned off', () => {
  async function switchedOff() {
    const on = await createEnrolled();
    const { token } = await loginWithCode(on);
    const off = createFixture({ storage: on.storage, clock: on.clock.now, recoveryCodes: false });
    return { on, off: { ...off, clock: on.clock, authenticator: on.authenticator, recoveryCodes: on.recoveryCodes }, token };
  }

  it('F18: are not offered, counted or accepted, right and wrong get the same answer, and a session that they proved stays', async () => {
    const { on, off } = await switchedOff();
    const { session } = await loginWithCode(on);
    expect(expectOk(await off.mfa.getStatus({ user: ada })).status.recoveryCodesLeft).toBe(0);
    expect((await off.mfa.report()).recoveryCodes).toEqual({ none: 1, few: 0, enough: 0 });
    const pending = await loginPending(on.mfa);
    const { access, ...decision } = await off.mfa.checkAccess({ user: ada, session: pending });
    expect([access, decision]).toMatchObject(['challenge', { factors: ['totp'] }]);
    const before = await peek(on.storage, ada.id);
    for (const recoveryCode of [on.recoveryCodes[0], WRONG, 'no code']) {
      expect(
        await off.mfa.verify({ user: ada, session: pending, proof: { kind: 'recovery-code', code: recoveryCode } }),
      ).toStrictEqual({
        ok: false,
        reason: 'not_allowed',
      });
    }
    expect(await peek(on.storage, ada.id)).toEqual(before);
    expect((await off.mfa.checkAccess({ user: ada, session })).access).toBe('allow');
  });

  it('F18: are not touched by a report or a dry run', async () => {
    const { on, off } = await switchedOff();
    await off.mfa.report();
    await off.mfa.rotateKeys({ dryRun: true });
    await off.mfa.afterRestore({ dryRun: true });
    expect(off.counts.writes).toBe(0);
    expect((await peek(on.storage, ada.id))?.recoveryCodes?.digests).toHaveLength(10);
  });

  type Both = Awaited<ReturnType<typeof switchedOff>>;
  const first: [string, (both: Both) => Promise<unknown>][] = [
    ['a login', ({ off }) => off.mfa.beginLogin({ user: ada })],
    ['a login by a remembered device', ({ off, token }) => off.mfa.beginLogin({ user: ada, deviceToken: token })],
    [
      'a wrong code',
      async ({ on, off }) => {
        const code = wrongCode(on.authenticator, on.clock.now());
        return off.mfa.verify({ user: ada, session: await loginPending(on.mfa), proof: { kind: 'totp', code } });
      },
    ],
    [
      'a right code',
      async ({ on, off }) => {
        on.clock.advance(MINUTE);
        const code = on.authenticator.code(on.clock.now());
        return off.mfa.verify({ user: ada, session: await loginPending(on.mfa), proof: { kind: 'totp', code } });
      },
    ],
    ['another authenticator', async ({ on, off }) => enrollAnother(off, (await loginWithCode(on)).session)],
    [
      'the end of all sessions',
      async ({ on, off }) => off.mfa.endAllSessions({ user: ada, session: (await loginWithCode(on)).session }),
    ],
    ['a password change', ({ off }) => off.mfa.passwordChanged({ userId: ada.id })],
  ];

  it.each(first)(
    'F18: the set is dropped by %s, which is told, and stays off when they are switched on again',
    async (_, act) => {
      const both = await switchedOff();
      const { on, off } = both;
      await act(both);
      expect((await peek(on.storage, ada.id))?.recoveryCodes).toBeNull();
      const revoked = { name: 'recovery_codes_revoked', because: 'switched_off', userId: ada.id };
      expect(off.events.filter(({ name }) => name === 'recovery_codes_revoked')).toMatchObject([revoked]);
      expect(off.notices.filter(({ name }) => name === 'recovery_codes_revoked')).toMatchObject([revoked]);
      on.clock.advance(MINUTE);
      expect(expectOk(await on.mfa.getStatus({ user: ada })).status.recoveryCodesLeft).toBe(0);
      expect(reasonOf(await recover(on, on.recoveryCodes[0]))).toBe('invalid_code');
      off.events.length = 0;
      await off.mfa.beginLogin({ user: ada });
      expect(off.names()).toEqual(['login_begun']);
    },
  );

  it('F18: work again for a user who did not log in while they were off', async () => {
    const { on } = await switchedOff();
    expect(reasonOf(await recover(on, on.recoveryCodes[0]))).toBe('ok');
  });
});
