import type { MfaSession } from '@mfa-kit/core';
import { describe, expect, it } from 'vitest';
import {
  ada,
  createEnrolled,
  type Enrolled,
  enrollAnother,
  expectOk,
  loginPending,
  loginWithCode,
  MINUTE,
  reasonOf,
  type TestUser,
} from '../../../support/core-fixture.js';
import { proofOf } from '../../../support/proof-of.js';

type Method = (fixture: Enrolled, session: MfaSession | undefined, user?: TestUser) => Promise<{ ok: boolean; reason?: string }>;

const own = async (fixture: Enrolled) => expectOk(await fixture.mfa.getStatus({ user: ada })).status;

const methods: [string, Method][] = [
  ['startEnrollment', ({ mfa }, session, user = ada) => mfa.startEnrollment({ user, session })],
  [
    'renameAuthenticator',
    async (fixture, session, user = ada) => {
      const authenticatorId = (await own(fixture)).authenticators[0]?.id ?? '';
      return fixture.mfa.renameAuthenticator({ user, session, authenticatorId, name: 'Mine' });
    },
  ],
  [
    'removeAuthenticator',
    async (fixture, session, user = ada) => {
      const authenticatorId = (await own(fixture)).authenticators[0]?.id ?? '';
      return fixture.mfa.removeAuthenticator({ user, session, authenticatorId });
    },
  ],
  ['regenerateRecoveryCodes', ({ mfa }, session, user = ada) => mfa.regenerateRecoveryCodes({ user, session })],
  ['revokeDevice', ({ mfa }, session, user = ada) => mfa.revokeDevice({ user, session, deviceId: 'x' })],
  ['endAllSessions', ({ mfa }, session, user = ada) => mfa.endAllSessions({ user, session })],
];

async function twoAuthenticators(): Promise<Enrolled & { fresh: MfaSession }> {
  const fixture = await createEnrolled();
  await enrollAnother(fixture, fixture.session);
  const { session } = await loginWithCode(fixture);
  return { ...fixture, fresh: session };
}

describe('ENR-5, T16, DEV-8: a method that changes the user’s own data', () => {
  it.each(methods)('%s refuses a password alone', async (_, method) => {
    const fixture = await twoAuthenticators();
    const session = await loginPending(fixture.mfa);
    expect(await method(fixture, session)).toEqual({ ok: false, reason: 'assurance_required', maxAgeSeconds: 300 });
  });

  it.each(methods)('%s refuses a remembered device', async (_, method) => {
    const fixture = await twoAuthenticators();
    const { token } = await loginWithCode(fixture, { rememberDevice: true });
    const { session } = await fixture.mfa.beginLogin({ user: ada, deviceToken: token });
    expect(session?.state).toBe('verified');
    expect(reasonOf((await method(fixture, session)) as never)).toBe('assurance_required');
  });

  it.each(methods)('%s accepts a proof of five minutes, and refuses one that is a millisecond older', async (_, method) => {
    const stale = await twoAuthenticators();
    stale.clock.advance(5 * MINUTE + 1);
    expect(reasonOf((await method(stale, stale.fresh)) as never)).toBe('assurance_required');
    stale.clock.advance(-1);
    expect(reasonOf((await method(stale, stale.fresh)) as never)).toBe('ok');
  });

  it.each(methods)('%s refuses a proof dated more than a minute ahead', async (_, method) => {
    const fixture = await twoAuthenticators();
    fixture.clock.advance(-MINUTE - 1);
    expect(reasonOf((await method(fixture, fixture.fresh)) as never)).toBe('assurance_required');
  });

  it.each(methods)('%s refuses a proof of another epoch', async (_, method) => {
    const fixture = await twoAuthenticators();
    expectOk(await fixture.mfa.passwordChanged({ userId: ada.id }));
    expect(reasonOf((await method(fixture, fixture.fresh)) as never)).toBe('assurance_required');
  });

  it.each(methods)('%s refuses no state, and the state of another user', async (_, method) => {
    const fixture = await twoAuthenticators();
    expect(reasonOf((await method(fixture, undefined)) as never)).toBe('login_again');
    expect(reasonOf((await method(fixture, fixture.fresh, { id: 'user-eve', name: 'eve' })) as never)).toBe('login_again');
  });

  it.each(methods)(
    '%s accepts a fresh proof by recovery code, because a user who lost the phone must be able to replace it',
    async (_, method) => {
      const fixture = await twoAuthenticators();
      const session = await loginPending(fixture.mfa);
      const verified = expectOk(
        await fixture.mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: fixture.recoveryCodes[0] } }),
      );
      expect(reasonOf((await method(fixture, verified.session)) as never)).toBe('ok');
    },
  );

  it.each(methods)('%s keeps the acting session', async (_, method) => {
    const fixture = await twoAuthenticators();
    const answer = (await method(fixture, fixture.fresh)) as { session?: MfaSession };
    expect((await fixture.mfa.checkAccess({ user: ada, session: answer.session })).access).toBe('allow');
  });

  it.each(methods)('%s refuses if the record is gone and the host remembers the enrollment', async (_, method) => {
    const fixture = await twoAuthenticators();
    expectOk(await fixture.mfa.forgetUser({ userId: ada.id }));
    fixture.events.length = 0;
    const answer = await fixture.mfa.regenerateRecoveryCodes({ user: { ...ada, enrolled: true }, session: fixture.fresh });
    expect(reasonOf(answer)).toBe('profile_missing');
    expect(fixture.names()).toEqual(['profile_missing']);
    void method;
  });
});

describe('removing an authenticator', () => {
  async function removeFirst(fixture: Enrolled, session: MfaSession, user: TestUser = ada) {
    const authenticatorId = (await own(fixture)).authenticators[0]?.id ?? '';
    return fixture.mfa.removeAuthenticator({ user, session, authenticatorId });
  }

  it('T43: keeps the last one while MFA is required, with or without grace', async () => {
    const fixture = await createEnrolled();
    const { session } = await loginWithCode(fixture);
    expect(reasonOf(await removeFirst(fixture, session))).toBe('not_allowed');
    const grace = { ...ada, enrollBy: fixture.clock.now() + 1e9 };
    expect(reasonOf(await removeFirst(fixture, session, grace))).toBe('not_allowed');
    expect((await own(fixture)).authenticators).toHaveLength(1);
  });

  it('T43: keeps one if the last two are removed at the same time', async () => {
    const fixture = await twoAuthenticators();
    const ids = (await own(fixture)).authenticators.map((authenticator) => authenticator.id);
    const answers = await Promise.all(
      ids.map((authenticatorId) => fixture.mfa.removeAuthenticator({ user: ada, session: fixture.fresh, authenticatorId })),
    );
    expect(answers.map(reasonOf).sort()).toEqual(['assurance_required', 'ok']);
    expect((await own(fixture)).authenticators).toHaveLength(1);
  });

  it('removes the last one if MFA is optional, together with recovery codes and devices', async () => {
    const fixture = await createEnrolled();
    const user: TestUser = { ...ada, mfa: 'optional' };
    const { session } = await loginWithCode(fixture);
    const removed = expectOk(await removeFirst(fixture, session, user));
    expect(await own(fixture)).toMatchObject({ enrolled: false, authenticators: [], devices: [], recoveryCodesLeft: 0 });
    expect(await fixture.mfa.checkAccess({ user, session: removed.session })).toEqual({ access: 'allow', via: 'not-required' });
    const stepUp = { user, session: removed.session, requirement: { maxAgeSeconds: 60 } };
    expect((await fixture.mfa.checkAccess(stepUp)).access).toBe('enroll');
    const again = await fixture.mfa.verify({
      user,
      session: removed.session,
      proof: { kind: 'recovery-code', code: fixture.recoveryCodes[0] },
    });
    expect(reasonOf(again)).toBe('not_enrolled');
  });

  it('SES-7: ends every other session', async () => {
    const fixture = await twoAuthenticators();
    const other = await loginWithCode(fixture);
    expectOk(await removeFirst(fixture, other.session));
    const decision = await fixture.mfa.checkAccess({ user: ada, session: fixture.fresh });
    expect(decision).toMatchObject({ access: 'challenge', because: 'revoked' });
  });

  it('returns not_found for one that does not exist, as does renaming', async () => {
    const fixture = await twoAuthenticators();
    for (const authenticatorId of ['', 'x', '__proto__', 'length']) {
      const input = { user: ada, session: fixture.fresh, authenticatorId };
      expect(reasonOf(await fixture.mfa.removeAuthenticator(input))).toBe('not_enrolled');
      expect(reasonOf(await fixture.mfa.renameAuthenticator({ ...input, name: 'x' }))).toBe('not_enrolled');
    }
  });

  it('makes its codes invalid', async () => {
    const fixture = await twoAuthenticators();
    expectOk(await removeFirst(fixture, fixture.fresh));
    fixture.clock.advance(MINUTE);
    const code = fixture.authenticator.code(fixture.clock.now());
    expect(
      reasonOf(await fixture.mfa.verify({ user: ada, session: await loginPending(fixture.mfa), proof: { kind: 'totp', code } })),
    ).toBe('invalid_code');
  });
});

describe('names of authenticators', () => {
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
    const fixture = await createEnrolled();
    const { session } = await loginWithCode(fixture);
    const authenticatorId = (await own(fixture)).authenticators[0]?.id ?? '';
    expectOk(await fixture.mfa.renameAuthenticator({ user: ada, session, authenticatorId, name: name as string }));
    expect((await own(fixture)).authenticators[0]?.name).toBe(stored);
    expectOk(await fixture.mfa.startEnrollment({ user: ada, session, name: name as string }));
    fixture.clock.advance(MINUTE);
    const code = fixture.authenticator.code(fixture.clock.now());
    const input = { user: ada, session: await loginPending(fixture.mfa), proof: proofOf({ code }), rememberDevice: true };
    expectOk(await fixture.mfa.verify({ ...input, deviceLabel: name as string }));
    expect((await own(fixture)).devices[0]?.label).toBe(stored.replace('Authenticator app', 'Browser'));
  });
});

describe('recovery codes', () => {
  it('REC-3, REC-5: are replaced in the same write that creates new ones, with a notice', async () => {
    const fixture = await createEnrolled();
    const { session } = await loginWithCode(fixture);
    fixture.resetCounts();
    const made = expectOk(await fixture.mfa.regenerateRecoveryCodes({ user: ada, session }));
    expect(fixture.counts).toEqual({ reads: 1, writes: 1, removes: 0, lists: 0 });
    expect(made.recoveryCodes).toHaveLength(10);
    expect((await own(fixture)).recoveryCodesLeft).toBe(10);
    for (const recoveryCode of fixture.recoveryCodes) {
      const pending = await loginPending(fixture.mfa);
      expect(
        reasonOf(await fixture.mfa.verify({ user: ada, session: pending, proof: { kind: 'recovery-code', code: recoveryCode } })),
      ).toBe('invalid_code');
    }
    expect(fixture.notices.map((notice) => notice.name)).toEqual(['recovery_codes_regenerated', 'guessing_suspected']);
  });

  it('FLT-6, I7: are created once per proof: a repeated request does not replace codes that its first answer has shown', async () => {
    const fixture = await createEnrolled();
    const { session } = await loginWithCode(fixture);
    fixture.clock.advance(20);
    const made = expectOk(await fixture.mfa.regenerateRecoveryCodes({ user: ada, session }));
    fixture.clock.advance(20);
    for (const again of [session, made.session]) {
      const repeated = await fixture.mfa.regenerateRecoveryCodes({ user: ada, session: again });
      expect(repeated).toEqual({ ok: false, reason: 'assurance_required', maxAgeSeconds: 300 });
    }
    const proof = {
      user: ada,
      session: await loginPending(fixture.mfa),
      proof: { kind: 'recovery-code' as const, code: made.recoveryCodes[0] },
    };
    expect(expectOk(await fixture.mfa.verify(proof)).recoveryCodesLeft).toBe(9);
    const fresh = await loginWithCode(fixture);
    fixture.clock.advance(20);
    expectOk(await fixture.mfa.regenerateRecoveryCodes({ user: ada, session: fresh.session }));
  });

  it('FLT-5: created while the clock was ahead can be replaced', async () => {
    const fixture = await createEnrolled();
    fixture.clock.advance(365 * 24 * 60 * MINUTE);
    const ahead = await loginWithCode(fixture);
    fixture.clock.advance(20);
    expectOk(await fixture.mfa.regenerateRecoveryCodes({ user: ada, session: ahead.session }));
    fixture.clock.advance(-364 * 24 * 60 * MINUTE);
    const { session } = await loginWithCode(fixture);
    expectOk(await fixture.mfa.regenerateRecoveryCodes({ user: ada, session }));
  });

  it('REC-4, REC-7: report when few and none are left; amr says recovery_code; the authenticator stays', async () => {
    const fixture = await createEnrolled();
    for (const [index, recoveryCode] of fixture.recoveryCodes.entries()) {
      const session = await loginPending(fixture.mfa);
      const verified = expectOk(
        await fixture.mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: recoveryCode } }),
      );
      expect(verified.recoveryCodesLeft).toBe(9 - index);
      expect(verified.assurance).toMatchObject({ via: 'recovery-code', amr: ['recovery_code', 'mfa'] });
    }
    const low = fixture.events.filter((event) => event.name === 'recovery_codes_low').map((event) => event.recoveryCodesLeft);
    expect(low).toEqual([3, 2, 1, 0]);
    const { session, decision } = await fixture.mfa.beginLogin({ user: ada });
    expect(decision).toMatchObject({ access: 'challenge', factors: ['totp'] });
    const code = fixture.authenticator.code(fixture.clock.now());
    expect(reasonOf(await fixture.mfa.verify({ user: ada, session, proof: { kind: 'totp', code } }))).toBe('ok');
  });

  it('REC-7: need the first factor', async () => {
    const fixture = await createEnrolled();
    const answer = await fixture.mfa.verify({
      user: ada,
      session: undefined,
      proof: { kind: 'recovery-code', code: fixture.recoveryCodes[0] },
    });
    expect(reasonOf(answer)).toBe('login_again');
  });

  it('do not exist if they are turned off', async () => {
    const fixture = await createEnrolled(ada, { recoveryCodes: false });
    expect(fixture.recoveryCodes).toEqual([]);
    const { session } = await loginWithCode(fixture);
    expect(reasonOf(await fixture.mfa.regenerateRecoveryCodes({ user: ada, session }))).toBe('not_allowed');
  });
});
