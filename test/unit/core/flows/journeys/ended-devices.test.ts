import { assuranceClaims, assuranceFromClaims, type MfaSession } from '@mfa-kit/core';
import { describe, expect, it } from 'vitest';
import { peek, poke } from '../../../../faults/core-faulty-storage.js';
import {
  ada,
  type Browser,
  createAuthenticator,
  createEnrolled,
  createFixture,
  DAY,
  type Enrolled,
  expectOk,
  loginPending,
  loginWithCode,
  MINUTE,
  reasonOf,
} from '../../../../support/core-fixture.js';

/** Two browsers of one user: one is revoked, or somebody else uses its token. */
async function twoBrowsers(): Promise<{ fixture: Enrolled; thief: Browser; owner: Browser }> {
  const fixture = await createEnrolled();
  return { fixture, thief: await loginWithCode(fixture, { rememberDevice: true }), owner: await loginWithCode(fixture) };
}

function revoke(fixture: Enrolled, by: MfaSession, deviceId: string) {
  return fixture.mfa.revokeDevice({ user: ada, session: by, deviceId });
}

async function because(fixture: Enrolled, session: MfaSession | undefined): Promise<string> {
  const decision = await fixture.mfa.checkAccess({ user: ada, session });
  return decision.access === 'challenge' ? decision.because : decision.access;
}

describe('F17: each proof names its device', () => {
  it('for a code, a recovery code, a step-up, a remembered login and a confirmed enrollment', async () => {
    const fixture = createFixture();
    const begun = await loginPending(fixture.mfa);
    const started = expectOk(await fixture.mfa.startEnrollment({ user: ada, session: begun }));
    const app = createAuthenticator(started.enrollment.uri);
    const now = () => fixture.clock.now();
    const enrolled = expectOk(
      await fixture.mfa.confirmEnrollment({
        user: ada,
        session: started.session,
        enrollmentId: started.enrollment.id,
        proof: { kind: 'totp', code: app.code(now()) },
        deviceLabel: 'Firefox',
        rememberDevice: true,
      }),
    );
    const token = enrolled.device?.token ?? '';
    const deviceId = enrolled.device?.deviceId;
    expect(deviceId).toBeTruthy();
    expect(enrolled.assurance.deviceId).toBe(deviceId);
    const remembered = await fixture.mfa.beginLogin({ user: ada, deviceToken: token });
    expect(remembered.session).toMatchObject({ assurance: { via: 'remembered-device', deviceId } });
    fixture.clock.advance(MINUTE);
    const { session } = remembered;
    const stepUp = expectOk(
      await fixture.mfa.verify({ user: ada, session, proof: { kind: 'totp', code: app.code(now()) }, deviceToken: token }),
    );
    expect(stepUp.assurance.deviceId).toBe(deviceId);
    fixture.clock.advance(MINUTE);
    // A step-up request may come without the token, but the session still came from that browser.
    const bare = expectOk(
      await fixture.mfa.verify({ user: ada, session: stepUp.session, proof: { kind: 'totp', code: app.code(now()) } }),
    );
    expect(bare.assurance.deviceId).toBe(deviceId);
    const recoveryCode = enrolled.recoveryCodes?.[0];
    const pending = await loginPending(fixture.mfa);
    const recovered = expectOk(
      await fixture.mfa.verify({
        user: ada,
        session: pending,
        proof: { kind: 'recovery-code', code: recoveryCode },
        deviceToken: token,
      }),
    );
    expect(recovered.assurance).toMatchObject({ via: 'recovery-code', deviceId });
    fixture.clock.advance(MINUTE);
    const nowhere = expectOk(
      await fixture.mfa.verify({
        user: ada,
        session: await loginPending(fixture.mfa),
        proof: { kind: 'totp', code: app.code(now()) },
      }),
    );
    expect(nowhere.assurance).not.toHaveProperty('deviceId');
  });
});

describe('DEV-9, F17: the sessions of a revoked device end with it', () => {
  it('at the guard, in every management flow, and at the first write', async () => {
    const { fixture, thief, owner } = await twoBrowsers();
    const started = expectOk(await fixture.mfa.startEnrollment({ user: ada, session: thief.session }));
    expectOk(await revoke(fixture, owner.session, thief.deviceId));
    expect(await because(fixture, thief.session)).toBe('revoked');
    expect(await because(fixture, started.session)).toBe('revoked');
    expect(await because(fixture, owner.session)).toBe('allow');
    const { mfa } = fixture;
    const session = started.session;
    const [authenticator] = expectOk(await mfa.getStatus({ user: ada })).status.authenticators;
    const app = createAuthenticator(started.enrollment.uri);
    const enrollmentId = started.enrollment.id;
    for (const answer of [
      await mfa.startEnrollment({ user: ada, session }),
      await mfa.currentEnrollment({ user: ada, session }),
      await mfa.confirmEnrollment({
        user: ada,
        session,
        enrollmentId,
        proof: { kind: 'totp', code: app.code(fixture.clock.now()) },
      }),
      await mfa.renameAuthenticator({ user: ada, session, authenticatorId: authenticator?.id ?? '', name: 'x' }),
      await mfa.removeAuthenticator({ user: ada, session, authenticatorId: authenticator?.id ?? '' }),
      await mfa.regenerateRecoveryCodes({ user: ada, session }),
      await mfa.revokeDevice({ user: ada, session, deviceId: owner.deviceId }),
      await mfa.endAllSessions({ user: ada, session }),
    ]) {
      expect(reasonOf(answer)).toBe('assurance_required');
    }
    fixture.events.length = 0;
    // Its enrollment no longer belongs to it, as after a change of the epoch: there is nothing to cancel.
    expectOk(await mfa.cancelEnrollment({ user: ada, session, enrollmentId }));
    expect(fixture.events).toEqual([]);
    const kept = await mfa.passwordChanged({ userId: ada.id, keep: thief.session });
    expect(kept.session).toBeUndefined();
  });

  it('and stay so twenty days later; a new code from that session is a new proof', async () => {
    const { fixture, thief, owner } = await twoBrowsers();
    expectOk(await revoke(fixture, owner.session, thief.deviceId));
    fixture.clock.advance(20 * DAY);
    expect(await because(fixture, thief.session)).toBe('revoked');
    expect((await fixture.mfa.beginLogin({ user: ada, deviceToken: thief.token })).decision.access).toBe('challenge');
    const code = fixture.authenticator.code(fixture.clock.now());
    const again = expectOk(await fixture.mfa.verify({ user: ada, session: thief.session, proof: { kind: 'totp', code } }));
    expect(again.assurance.deviceId).not.toBe(thief.deviceId);
    expect(await because(fixture, again.session)).toBe('allow');
  });

  it('for a bearer client too, because the token names the device of its proof', async () => {
    const { fixture, thief, owner } = await twoBrowsers();
    const claims = { sub: ada.id, ...assuranceClaims(thief.session.assurance, ['pwd']) };
    expect(claims.mfa_device).toBe(thief.deviceId);
    const assurance = assuranceFromClaims(claims);
    if (!assurance) throw new Error('the claims speak of no assurance');
    const session: MfaSession = { state: 'verified', assurance };
    expect(await because(fixture, session)).toBe('allow');
    expectOk(await revoke(fixture, owner.session, thief.deviceId));
    expect(await because(fixture, session)).toBe('revoked');
  });

  it('also if its token was used twice, at a login and at a proof', async () => {
    for (const endpoint of ['login', 'proof']) {
      const { fixture, thief: stolen, owner } = await twoBrowsers();
      fixture.clock.advance(DAY);
      const second = (await fixture.mfa.beginLogin({ user: ada, deviceToken: stolen.token })).device?.token ?? '';
      fixture.clock.advance(DAY);
      await fixture.mfa.beginLogin({ user: ada, deviceToken: second });
      fixture.clock.advance(DAY);
      expect(await because(fixture, stolen.session)).toBe('allow');
      if (endpoint === 'login') {
        const begun = await fixture.mfa.beginLogin({ user: ada, deviceToken: stolen.token });
        expect(await because(fixture, begun.session)).toBe('missing');
      } else {
        const session = await loginPending(fixture.mfa);
        const code = fixture.authenticator.code(fixture.clock.now());
        const given = {
          user: ada,
          session,
          proof: { kind: 'totp' as const, code },
          deviceToken: stolen.token,
          deviceLabel: 'Firefox',
        };
        const { assurance, session: proven } = expectOk(await fixture.mfa.verify(given));
        expect(assurance.deviceId).not.toBe(stolen.deviceId);
        expect(await because(fixture, proven)).toBe('allow');
      }
      expect(fixture.names()).toContain('device_token_reused');
      expect(await because(fixture, stolen.session)).toBe('revoked');
      expect(await because(fixture, owner.session)).toBe('allow');
    }
  });

  it('but not if the device was dropped by age, or forgotten by another change', async () => {
    const { fixture, thief: first } = await twoBrowsers();
    for (let count = 0; count < 20; count++) await loginWithCode(fixture);
    expect((await peek(fixture.storage, ada.id))?.devices.some(({ id }) => id === first.deviceId)).toBe(false);
    expect(await because(fixture, first.session)).toBe('allow');
    expect((await peek(fixture.storage, ada.id))?.endedDevices).toBeUndefined();
  });

  it('F17: once, even if the device was dropped by age before an older page revoked it', async () => {
    const { fixture, thief } = await twoBrowsers();
    for (let count = 0; count < 20; count++) await loginWithCode(fixture);
    const owner = await loginWithCode(fixture);
    expect(await because(fixture, thief.session)).toBe('allow');
    fixture.events.length = 0;
    for (let count = 0; count < 3; count++) expectOk(await revoke(fixture, owner.session, thief.deviceId));
    expect(await because(fixture, thief.session)).toBe('revoked');
    expect(fixture.events).toMatchObject([{ name: 'device_revoked', deviceId: thief.deviceId }]);
    expect((await peek(fixture.storage, ada.id))?.endedDevices).toEqual([thief.deviceId]);
  });

  it('up to 32 of them; one more changes the epoch instead and empties the list', async () => {
    const { fixture, thief, owner } = await twoBrowsers();
    const ended = Array.from({ length: 31 }, (_, index) => `ended-${index}`);
    await poke(fixture.storage, ada.id, (profile) => ({ ...profile, endedDevices: ended }));
    const before = await peek(fixture.storage, ada.id);
    const one = await loginWithCode(fixture);
    const { session } = expectOk(await revoke(fixture, owner.session.assurance ? one.session : owner.session, thief.deviceId));
    const full = await peek(fixture.storage, ada.id);
    expect(full?.endedDevices).toEqual([...ended, thief.deviceId]);
    expect(full?.epoch).toBe(before?.epoch);
    const again = expectOk(await revoke(fixture, session, owner.deviceId));
    const changed = await peek(fixture.storage, ada.id);
    expect(changed?.endedDevices).toBeUndefined();
    expect(changed?.epoch).not.toBe(before?.epoch);
    for (const dead of [thief.session, owner.session, one.session]) expect(await because(fixture, dead)).toBe('revoked');
    expect(await because(fixture, again.session)).toBe('allow');
    expect(JSON.stringify(full).length).toBeLessThan(10_000);
  });

  it('and a change of the epoch empties the list', async () => {
    const { fixture, thief, owner } = await twoBrowsers();
    const { session } = expectOk(await revoke(fixture, owner.session, thief.deviceId));
    expect((await peek(fixture.storage, ada.id))?.endedDevices).toEqual([thief.deviceId]);
    expectOk(await fixture.mfa.endAllSessions({ user: ada, session }));
    expect(await peek(fixture.storage, ada.id)).not.toHaveProperty('endedDevices');
  });

  it.each([false, true])(
    'including the acting session of one’s own device, and the answer says so (the list is full: %s)',
    async (isFull) => {
      const { fixture, owner, thief } = await twoBrowsers();
      if (isFull) {
        const endedDevices = Array.from({ length: 32 }, (_, index) => `ended-${index}`);
        await poke(fixture.storage, ada.id, (profile) => ({ ...profile, endedDevices }));
      }
      const answer = expectOk(await revoke(fixture, owner.session, owner.deviceId));
      expect(answer).toMatchObject({ endedOwnSession: true, session: { state: 'pending', userId: ada.id } });
      expect(await because(fixture, owner.session)).toBe('revoked');
      expect(await because(fixture, answer.session)).toBe('missing');
      fixture.clock.advance(MINUTE);
      const code = fixture.authenticator.code(fixture.clock.now());
      const again = expectOk(
        await fixture.mfa.verify({ user: ada, session: answer.session, proof: { kind: 'totp', code }, deviceLabel: 'Firefox' }),
      );
      expect(await because(fixture, again.session)).toBe('allow');
      expect(await because(fixture, thief.session)).toBe(isFull ? 'revoked' : 'allow');
    },
  );

  it('but the acting session stays if another device is revoked', async () => {
    const { fixture, owner, thief } = await twoBrowsers();
    const answer = expectOk(await revoke(fixture, owner.session, thief.deviceId));
    expect(answer.session).toEqual(owner.session);
    expect(answer).not.toHaveProperty('endedOwnSession');
    const gone = expectOk(await revoke(fixture, owner.session, 'never-there'));
    expect(gone).toEqual({ ok: true, session: owner.session });
    expect((await peek(fixture.storage, ada.id))?.endedDevices).toEqual([thief.deviceId]);
  });
});

describe('DEV-9, F19: a remembered device', () => {
  it('causes a notice', async () => {
    const fixture = await createEnrolled();
    const { deviceId } = await loginWithCode(fixture, { rememberDevice: true });
    expect(fixture.notices).toMatchObject([{ name: 'device_remembered', deviceId, userId: ada.id }]);
    fixture.notices.length = 0;
    await loginWithCode(fixture);
    expect(fixture.notices).toEqual([]);
  });

  it('records the kind of proof, for as long as it is remembered', async () => {
    const fixture = await createEnrolled();
    const { deviceId, token, session } = await loginWithCode(fixture, { rememberDevice: true });
    const device = async () => (await peek(fixture.storage, ada.id))?.devices.find(({ id }) => id === deviceId);
    const noted = await device();
    expect(noted?.rememberedBy).toEqual({ via: 'otp', at: noted?.rememberedAt });
    await fixture.mfa.beginLogin({ user: ada, deviceToken: token });
    expect((await device())?.rememberedBy).toEqual(noted?.rememberedBy);
    expectOk(await fixture.mfa.endAllSessions({ user: ada, session }));
    expect(await device()).not.toHaveProperty('rememberedBy');
    expect(await device()).not.toHaveProperty('rememberedAt');
  });

  it.each([
    ['by a proof that this version does not know', (at: number) => ({ via: 'webauthn', at }), 'challenge'],
    ['by an older version, which says nothing of the proof', () => undefined, 'allow'],
    [
      'again by an older version, which left the word of the earlier proof',
      (at: number) => ({ via: 'webauthn', at: at - 1 }),
      'allow',
    ],
  ] as const)('counts only if the proof that remembered it would be accepted: %s', async (_, rememberedBy, access) => {
    const fixture = await createEnrolled();
    const { token } = await loginWithCode(fixture, { rememberDevice: true });
    const before = await fixture.mfa.beginLogin({ user: ada, deviceToken: token });
    expect(before.decision.access).toBe('allow');
    await poke(fixture.storage, ada.id, (profile) => ({
      ...profile,
      devices: profile.devices.map(({ rememberedBy: _by, ...device }) => {
        const by = rememberedBy(device.rememberedAt ?? 0);
        return (by ? { ...device, rememberedBy: by } : device) as typeof device;
      }),
    }));
    fixture.clock.advance(DAY);
    expect((await fixture.mfa.beginLogin({ user: ada, deviceToken: token })).decision.access).toBe(access);
    expect((await fixture.mfa.checkAccess({ user: ada, session: before.session })).access).toBe(access);
  });
});
