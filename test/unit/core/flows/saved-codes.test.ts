import { describe, expect, it } from 'vitest';
import {
  ada,
  bob,
  createAuthenticator,
  createEnrolled,
  DAY,
  type Enrolled,
  expectOk,
  loginPending,
  MINUTE,
  reasonOf,
} from '../../../support/core-fixture.js';

/** What ada is told about her recovery codes: in her status, and at a login with a code a minute later. */
async function seenState({ mfa, clock, authenticator }: Enrolled) {
  clock.advance(MINUTE);
  const { status } = expectOk(await mfa.getStatus({ user: ada }));
  const session = await loginPending(mfa);
  const verified = expectOk(
    await mfa.verify({ user: ada, session, proof: { kind: 'totp', code: authenticator.code(clock.now()) } }),
  );
  return { status: status.recoveryCodesUnsaved, login: verified.recoveryCodesUnsaved, session: verified.session };
}

/** Ada with recovery codes that nobody has confirmed as saved. */
async function withNewCodes(): Promise<Enrolled> {
  const fixture = await createEnrolled();
  const { recoveryCodes } = expectOk(await fixture.mfa.regenerateRecoveryCodes({ user: ada, session: fixture.session }));
  fixture.events.length = 0;
  return { ...fixture, recoveryCodes };
}

const UNSAVED = { status: true, login: true };
const SAVED = { status: undefined, login: undefined };

describe('recovery codes whose answer may have been lost', () => {
  it('F84: are reported at every login and in the status, until the user says that they are saved', async () => {
    const fixture = await withNewCodes();
    const { mfa, recoveryCodes, events, names } = fixture;
    expect(await seenState(fixture)).toMatchObject(UNSAVED);
    const { session } = await seenState(fixture);
    expect((await seenState(fixture)).login).toBe(true);
    // Reported, but not enforced: the guard asks nothing, and the codes work.
    expect((await mfa.checkAccess({ user: ada, session })).access).toBe('allow');
    events.length = 0;
    expect(await mfa.recoveryCodesSaved({ user: ada, session })).toEqual({ ok: true });
    expect(names()).toEqual(['recovery_codes_saved']);
    expect(events[0]).toMatchObject({ userId: ada.id, enrolled: true });
    expect(await seenState(fixture)).toMatchObject(SAVED);
    const used = await mfa.verify({
      user: ada,
      session: await loginPending(mfa),
      proof: { kind: 'recovery-code', code: recoveryCodes[0] },
    });
    expect(expectOk(used)).toMatchObject({ recoveryCodesLeft: 9 });
  });

  it('F84: are replaced by a new set, also unconfirmed, only in the write whose answer shows it', async () => {
    const fixture = await withNewCodes();
    const { mfa, recoveryCodes } = fixture;
    const { session } = await seenState(fixture);
    expectOk(await mfa.recoveryCodesSaved({ user: ada, session }));
    const made = expectOk(await mfa.regenerateRecoveryCodes({ user: ada, session }));
    expect(made.recoveryCodesId).toMatch(/^[\w-]{22}$/);
    expect(await seenState(fixture)).toMatchObject(UNSAVED);
    const pending = await loginPending(mfa);
    expect(
      reasonOf(await mfa.verify({ user: ada, session: pending, proof: { kind: 'recovery-code', code: recoveryCodes[1] } })),
    ).toBe('invalid_code');
    expect(
      reasonOf(await mfa.verify({ user: ada, session: pending, proof: { kind: 'recovery-code', code: made.recoveryCodes[1] } })),
    ).toBe('ok');
  });

  it('F84: count as seen after one of them was used', async () => {
    const fixture = await withNewCodes();
    const pending = await loginPending(fixture.mfa);
    const used = expectOk(
      await fixture.mfa.verify({ user: ada, session: pending, proof: { kind: 'recovery-code', code: fixture.recoveryCodes[3] } }),
    );
    expect(used.recoveryCodesUnsaved).toBeUndefined();
    expect(await seenState(fixture)).toMatchObject(SAVED);
  });

  it('F84: are not confirmed by the button below an older set', async () => {
    const { mfa, clock } = await createEnrolled(ada);
    const pending = await loginPending(mfa, bob);
    const { enrollment, session } = expectOk(await mfa.startEnrollment({ user: bob, session: pending }));
    const app = createAuthenticator(enrollment.uri);
    const code = app.code(clock.now());
    const first = expectOk(
      await mfa.confirmEnrollment({ user: bob, session, enrollmentId: enrollment.id, proof: { kind: 'totp', code } }),
    );
    clock.advance(MINUTE);
    const again = await loginPending(mfa, bob);
    const verified = expectOk(
      await mfa.verify({ user: bob, session: again, proof: { kind: 'totp', code: app.code(clock.now()) } }),
    );
    const acting = { user: bob, session: verified.session };
    const second = expectOk(await mfa.regenerateRecoveryCodes(acting));
    const unsaved = async () => expectOk(await mfa.getStatus({ user: bob })).status.recoveryCodesUnsaved;
    const outdated = await mfa.recoveryCodesSaved({ ...acting, recoveryCodesId: first.recoveryCodesId });
    expect([reasonOf(outdated), await unsaved()]).toEqual(['recovery_codes_outdated', true]);
    const named = { ...acting, recoveryCodesId: second.recoveryCodesId };
    expect([reasonOf(await mfa.recoveryCodesSaved(named)), await unsaved()]).toEqual(['ok', undefined]);
    expect(reasonOf(await mfa.recoveryCodesSaved(named))).toBe('ok');
  });

  it('F84: cost a verification nothing beyond its one read and one write, and a second click no write', async () => {
    const fixture = await withNewCodes();
    const { mfa, clock, authenticator, counts, resetCounts } = fixture;
    const session = await loginPending(mfa);
    clock.advance(MINUTE);
    resetCounts();
    const verified = expectOk(
      await mfa.verify({ user: ada, session, proof: { kind: 'totp', code: authenticator.code(clock.now()) } }),
    );
    expect([counts.reads, counts.writes]).toEqual([1, 1]);
    resetCounts();
    for (let press = 0; press < 3; press++) expectOk(await mfa.recoveryCodesSaved({ user: ada, session: verified.session }));
    expect([counts.reads, counts.writes]).toEqual([3, 1]);
  });

  it('F84, SES-2: can be confirmed with any proof in force, of any age, and by no other session', async () => {
    const fixture = await withNewCodes();
    const { mfa, clock, session, authenticator, names } = fixture;
    const reason = async (given: typeof session | Awaited<ReturnType<typeof loginPending>> | undefined, user = ada) =>
      reasonOf(await mfa.recoveryCodesSaved({ user, session: given }));
    expect(await reason(undefined)).toBe('login_again');
    expect(await reason(await loginPending(mfa))).toBe('assurance_required');
    expect(await reason(session, bob)).toBe('login_again');
    clock.advance(MINUTE);
    const pending = await loginPending(mfa);
    const code = authenticator.code(clock.now());
    const { device } = expectOk(
      await mfa.verify({ user: ada, session: pending, proof: { kind: 'totp', code }, rememberDevice: true, deviceToken: [] }),
    );
    const remembered = await mfa.beginLogin({ user: ada, deviceToken: device?.token ?? '' });
    expect(remembered.session).toMatchObject({ assurance: { via: 'remembered-device' } });
    expect(await reason(remembered.session)).toBe('assurance_required');
    await mfa.endSessionsOf({ userId: ada.id, actor: 'support', reason: 'asked' });
    expect(await reason(session)).toBe('assurance_required');
    expect(names()).not.toContain('recovery_codes_saved');
    const { session: fresh } = await seenState(fixture);
    clock.advance(2 * DAY);
    expect(await reason(fresh)).toBe('ok');
  });

  it('F84: are not reported to a user who has none, while they are off, or after a reset', async () => {
    const without = await createEnrolled(ada, { recoveryCodes: false });
    expect(await seenState(without)).toMatchObject(SAVED);
    expect(reasonOf(await without.mfa.recoveryCodesSaved({ user: ada, session: without.session }))).toBe(
      'recovery_codes_outdated',
    );
    const fixture = await withNewCodes();
    await fixture.mfa.resetMfa({ userId: ada.id, actor: 'support', reason: 'asked' });
    expect(expectOk(await fixture.mfa.getStatus({ user: ada })).status.recoveryCodesUnsaved).toBeUndefined();
  });
});
