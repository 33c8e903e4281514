import type { MfaSession } from '@mfa-kit/core';
import { describe, expect, it } from 'vitest';
import {
  ada,
  createEnrolled,
  type Enrolled,
  enrollAnother,
  good,
  loginPending,
  loginWithCode,
  MINUTE,
  reasonOf,
  type TestUser,
} from '../../support/core-fixture.js';
import { proofOf } from '../../support/proof-of.js';

type Door = (bench: Enrolled, session: MfaSession | undefined, user?: TestUser) => Promise<{ ok: boolean; reason?: string }>;

const own = async (bench: Enrolled) => good(await bench.mfa.getStatus({ user: ada })).status;

const doors: [string, Door][] = [
  ['startEnrollment', ({ mfa }, session, user = ada) => mfa.startEnrollment({ user, session })],
  [
    'renameAuthenticator',
    async (bench, session, user = ada) => {
      const authenticatorId = (await own(bench)).authenticators[0]?.id ?? '';
      return bench.mfa.renameAuthenticator({ user, session, authenticatorId, name: 'Mine' });
    },
  ],
  [
    'removeAuthenticator',
    async (bench, session, user = ada) => {
      const authenticatorId = (await own(bench)).authenticators[0]?.id ?? '';
      return bench.mfa.removeAuthenticator({ user, session, authenticatorId });
    },
  ],
  ['regenerateRecoveryCodes', ({ mfa }, session, user = ada) => mfa.regenerateRecoveryCodes({ user, session })],
  ['revokeDevice', ({ mfa }, session, user = ada) => mfa.revokeDevice({ user, session, deviceId: 'x' })],
  ['endAllSessions', ({ mfa }, session, user = ada) => mfa.endAllSessions({ user, session })],
];

async function twoAuthenticators(): Promise<Enrolled & { fresh: MfaSession }> {
  const bench = await createEnrolled();
  await enrollAnother(bench, bench.session);
  const { session } = await loginWithCode(bench);
  return { ...bench, fresh: session };
}

describe('ENR-5, T16, DEV-8: doors to what is the user’s own', () => {
  it.each(doors)('%s refuses a password alone', async (_, door) => {
    const bench = await twoAuthenticators();
    const session = await loginPending(bench.mfa);
    expect(await door(bench, session)).toEqual({ ok: false, reason: 'assurance_required', maxAgeSeconds: 300 });
  });

  it.each(doors)('%s refuses a remembered device', async (_, door) => {
    const bench = await twoAuthenticators();
    const { token } = await loginWithCode(bench, { rememberDevice: true });
    const { session } = await bench.mfa.beginLogin({ user: ada, deviceToken: token });
    expect(session?.state).toBe('verified');
    expect(reasonOf((await door(bench, session)) as never)).toBe('assurance_required');
  });

  it.each(doors)('%s refuses a proof of five minutes and a millisecond, and takes one of five minutes', async (_, door) => {
    const stale = await twoAuthenticators();
    stale.clock.advance(5 * MINUTE + 1);
    expect(reasonOf((await door(stale, stale.fresh)) as never)).toBe('assurance_required');
    stale.clock.advance(-1);
    expect(reasonOf((await door(stale, stale.fresh)) as never)).toBe('ok');
  });

  it.each(doors)('%s refuses a proof dated more than a minute ahead', async (_, door) => {
    const bench = await twoAuthenticators();
    bench.clock.advance(-MINUTE - 1);
    expect(reasonOf((await door(bench, bench.fresh)) as never)).toBe('assurance_required');
  });

  it.each(doors)('%s refuses a proof of another epoch', async (_, door) => {
    const bench = await twoAuthenticators();
    good(await bench.mfa.passwordChanged({ userId: ada.id }));
    expect(reasonOf((await door(bench, bench.fresh)) as never)).toBe('assurance_required');
  });

  it.each(doors)('%s refuses no state, and another user’s', async (_, door) => {
    const bench = await twoAuthenticators();
    expect(reasonOf((await door(bench, undefined)) as never)).toBe('login_again');
    expect(reasonOf((await door(bench, bench.fresh, { id: 'user-eve', name: 'eve' })) as never)).toBe('login_again');
  });

  it.each(doors)('%s takes a fresh proof by a recovery code: whoever lost the phone must be able to mend it', async (_, door) => {
    const bench = await twoAuthenticators();
    const session = await loginPending(bench.mfa);
    const verified = good(
      await bench.mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: bench.recoveryCodes[0] } }),
    );
    expect(reasonOf((await door(bench, verified.session)) as never)).toBe('ok');
  });

  it.each(doors)('%s keeps the acting session in', async (_, door) => {
    const bench = await twoAuthenticators();
    const answer = (await door(bench, bench.fresh)) as { session?: MfaSession };
    expect((await bench.mfa.checkAccess({ user: ada, session: answer.session })).access).toBe('allow');
  });

  it.each(doors)('%s refuses where the record is gone and the host remembers', async (_, door) => {
    const bench = await twoAuthenticators();
    good(await bench.mfa.forgetUser({ userId: ada.id }));
    bench.events.length = 0;
    const answer = await bench.mfa.regenerateRecoveryCodes({ user: { ...ada, enrolled: true }, session: bench.fresh });
    expect(reasonOf(answer)).toBe('profile_missing');
    expect(bench.names()).toEqual(['profile_missing']);
    void door;
  });
});

describe('removal', () => {
  async function removeFirst(bench: Enrolled, session: MfaSession, user: TestUser = ada) {
    const authenticatorId = (await own(bench)).authenticators[0]?.id ?? '';
    return bench.mfa.removeAuthenticator({ user, session, authenticatorId });
  }

  it('T43: the last authenticator stays while MFA is required, grace or not', async () => {
    const bench = await createEnrolled();
    const { session } = await loginWithCode(bench);
    expect(reasonOf(await removeFirst(bench, session))).toBe('not_allowed');
    const grace = { ...ada, enrollBy: bench.clock.now() + 1e9 };
    expect(reasonOf(await removeFirst(bench, session, grace))).toBe('not_allowed');
    expect((await own(bench)).authenticators).toHaveLength(1);
  });

  it('T43: of the last two removed at once one stays', async () => {
    const bench = await twoAuthenticators();
    const ids = (await own(bench)).authenticators.map((authenticator) => authenticator.id);
    const answers = await Promise.all(
      ids.map((authenticatorId) => bench.mfa.removeAuthenticator({ user: ada, session: bench.fresh, authenticatorId })),
    );
    expect(answers.map(reasonOf).sort()).toEqual(['assurance_required', 'ok']);
    expect((await own(bench)).authenticators).toHaveLength(1);
  });

  it('the last one may go where MFA is optional: with it go recovery codes and devices', async () => {
    const bench = await createEnrolled();
    const user: TestUser = { ...ada, mfa: 'optional' };
    const { session } = await loginWithCode(bench);
    const removed = good(await removeFirst(bench, session, user));
    expect(await own(bench)).toMatchObject({ enrolled: false, authenticators: [], devices: [], recoveryCodesLeft: 0 });
    expect(await bench.mfa.checkAccess({ user, session: removed.session })).toEqual({ access: 'allow', via: 'not-required' });
    const stepUp = { user, session: removed.session, requirement: { maxAgeSeconds: 60 } };
    expect((await bench.mfa.checkAccess(stepUp)).access).toBe('enroll');
    const again = await bench.mfa.verify({
      user,
      session: removed.session,
      proof: { kind: 'recovery-code', code: bench.recoveryCodes[0] },
    });
    expect(reasonOf(again)).toBe('not_enrolled');
  });

  it('SES-7: every other session is revoked', async () => {
    const bench = await twoAuthenticators();
    const other = await loginWithCode(bench);
    good(await removeFirst(bench, other.session));
    const decision = await bench.mfa.checkAccess({ user: ada, session: bench.fresh });
    expect(decision).toMatchObject({ access: 'challenge', because: 'revoked' });
  });

  it('what is not there cannot be removed or renamed', async () => {
    const bench = await twoAuthenticators();
    for (const authenticatorId of ['', 'x', '__proto__', 'length']) {
      const input = { user: ada, session: bench.fresh, authenticatorId };
      expect(reasonOf(await bench.mfa.removeAuthenticator(input))).toBe('not_enrolled');
      expect(reasonOf(await bench.mfa.renameAuthenticator({ ...input, name: 'x' }))).toBe('not_enrolled');
    }
  });

  it('a removed authenticator proves nothing any more', async () => {
    const bench = await twoAuthenticators();
    good(await removeFirst(bench, bench.fresh));
    bench.clock.advance(MINUTE);
    const code = bench.authenticator.code(bench.clock.now());
    expect(
      reasonOf(await bench.mfa.verify({ user: ada, session: await loginPending(bench.mfa), proof: { kind: 'totp', code } })),
    ).toBe('invalid_code');
  });
});

describe('names', () => {
  it.each([
    ['  My   phone ', 'My   phone'],
    ['x'.repeat(100), 'x'.repeat(64)],
    ['🦊'.repeat(100), '🦊'.repeat(64)],
    ['a\r\nb\u001b[31mc\u2028d', 'a  b [31mc d'],
    ['half \ud83d pair', 'half   pair'],
    ['', 'Authenticator app'],
    ['\0\0', 'Authenticator app'],
    [['x'], 'Authenticator app'],
    [{ length: 3 }, 'Authenticator app'],
    [null, 'Authenticator app'],
    [7, 'Authenticator app'],
  ])('LOG-2, T46: %j becomes %j', async (name, stored) => {
    const bench = await createEnrolled();
    const { session } = await loginWithCode(bench);
    const authenticatorId = (await own(bench)).authenticators[0]?.id ?? '';
    good(await bench.mfa.renameAuthenticator({ user: ada, session, authenticatorId, name: name as string }));
    expect((await own(bench)).authenticators[0]?.name).toBe(stored);
    good(await bench.mfa.startEnrollment({ user: ada, session, name: name as string }));
    bench.clock.advance(MINUTE);
    const code = bench.authenticator.code(bench.clock.now());
    const input = { user: ada, session: await loginPending(bench.mfa), proof: proofOf({ code }), rememberDevice: true };
    good(await bench.mfa.verify({ ...input, deviceLabel: name as string }));
    expect((await own(bench)).devices[0]?.label).toBe(stored.replace('Authenticator app', 'Browser'));
  });
});

describe('recovery codes', () => {
  it('REC-3, REC-5: regenerating kills the old set in the same write, and is told', async () => {
    const bench = await createEnrolled();
    const { session } = await loginWithCode(bench);
    bench.resetCounts();
    const made = good(await bench.mfa.regenerateRecoveryCodes({ user: ada, session }));
    expect(bench.counts).toEqual({ reads: 1, writes: 1, removes: 0, lists: 0 });
    expect(made.recoveryCodes).toHaveLength(10);
    expect((await own(bench)).recoveryCodesLeft).toBe(10);
    for (const recoveryCode of bench.recoveryCodes) {
      const pending = await loginPending(bench.mfa);
      expect(
        reasonOf(await bench.mfa.verify({ user: ada, session: pending, proof: { kind: 'recovery-code', code: recoveryCode } })),
      ).toBe('invalid_code');
    }
    expect(bench.notices.map((notice) => notice.name)).toEqual(['recovery_codes_regenerated', 'guessing_suspected']);
  });

  it('FLT-6, I7: a proof makes one set; the request repeated on its way replaces no codes that its first answer has shown', async () => {
    const bench = await createEnrolled();
    const { session } = await loginWithCode(bench);
    bench.clock.advance(20);
    const made = good(await bench.mfa.regenerateRecoveryCodes({ user: ada, session }));
    bench.clock.advance(20);
    for (const again of [session, made.session]) {
      const repeated = await bench.mfa.regenerateRecoveryCodes({ user: ada, session: again });
      expect(repeated).toEqual({ ok: false, reason: 'assurance_required', maxAgeSeconds: 300 });
    }
    const proof = {
      user: ada,
      session: await loginPending(bench.mfa),
      proof: { kind: 'recovery-code' as const, code: made.recoveryCodes[0] },
    };
    expect(good(await bench.mfa.verify(proof)).recoveryCodesLeft).toBe(9);
    const fresh = await loginWithCode(bench);
    bench.clock.advance(20);
    good(await bench.mfa.regenerateRecoveryCodes({ user: ada, session: fresh.session }));
  });

  it('FLT-5: a set made while the clock was ahead bars nobody from a new one', async () => {
    const bench = await createEnrolled();
    bench.clock.advance(365 * 24 * 60 * MINUTE);
    const ahead = await loginWithCode(bench);
    bench.clock.advance(20);
    good(await bench.mfa.regenerateRecoveryCodes({ user: ada, session: ahead.session }));
    bench.clock.advance(-364 * 24 * 60 * MINUTE);
    const { session } = await loginWithCode(bench);
    good(await bench.mfa.regenerateRecoveryCodes({ user: ada, session }));
  });

  it('REC-4, REC-7: tells when few and none are left; amr says recovery_code; the authenticator stays', async () => {
    const bench = await createEnrolled();
    for (const [index, recoveryCode] of bench.recoveryCodes.entries()) {
      const session = await loginPending(bench.mfa);
      const verified = good(await bench.mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: recoveryCode } }));
      expect(verified.recoveryCodesLeft).toBe(9 - index);
      expect(verified.assurance).toMatchObject({ via: 'recovery-code', amr: ['recovery_code', 'mfa'] });
    }
    const low = bench.events.filter((event) => event.name === 'recovery_codes_low').map((event) => event.recoveryCodesLeft);
    expect(low).toEqual([3, 2, 1, 0]);
    const { session, decision } = await bench.mfa.beginLogin({ user: ada });
    expect(decision).toMatchObject({ access: 'challenge', factors: ['totp'] });
    const code = bench.authenticator.code(bench.clock.now());
    expect(reasonOf(await bench.mfa.verify({ user: ada, session, proof: { kind: 'totp', code } }))).toBe('ok');
  });

  it('REC-7: need the first factor', async () => {
    const bench = await createEnrolled();
    const answer = await bench.mfa.verify({
      user: ada,
      session: undefined,
      proof: { kind: 'recovery-code', code: bench.recoveryCodes[0] },
    });
    expect(reasonOf(answer)).toBe('login_again');
  });

  it('switched off there are none', async () => {
    const bench = await createEnrolled(ada, { recoveryCodes: false });
    expect(bench.recoveryCodes).toEqual([]);
    const { session } = await loginWithCode(bench);
    expect(reasonOf(await bench.mfa.regenerateRecoveryCodes({ user: ada, session }))).toBe('not_allowed');
  });
});
