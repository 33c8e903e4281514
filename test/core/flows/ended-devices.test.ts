import { assuranceClaims, assuranceFromClaims, type MfaSession } from '@mfa-kit/core';
import { describe, expect, it } from 'vitest';
import { peek, poke } from '../../faults/core-faulty-storage.js';
import {
  ada,
  type Browser,
  createAuthenticator,
  createBench,
  createEnrolled,
  DAY,
  type Enrolled,
  good,
  loginPending,
  loginWithCode,
  MINUTE,
  reasonOf,
} from '../../support/core-fixture.js';

/** Two browsers of one user: one is revoked, or its token is used by somebody else. */
async function twoBrowsers(): Promise<{ bench: Enrolled; thief: Browser; owner: Browser }> {
  const bench = await createEnrolled();
  return { bench, thief: await loginWithCode(bench, { rememberDevice: true }), owner: await loginWithCode(bench) };
}

function revoke(bench: Enrolled, by: MfaSession, deviceId: string) {
  return bench.mfa.revokeDevice({ user: ada, session: by, deviceId });
}

async function because(bench: Enrolled, session: MfaSession | undefined): Promise<string> {
  const decision = await bench.mfa.checkAccess({ user: ada, session });
  return decision.access === 'challenge' ? decision.because : decision.access;
}

describe('F17: each proof names its device', () => {
  it('a code, a recovery code, a step-up, a remembered login and a confirmed enrollment', async () => {
    const bench = createBench();
    const begun = await loginPending(bench.mfa);
    const started = good(await bench.mfa.startEnrollment({ user: ada, session: begun }));
    const app = createAuthenticator(started.enrollment.uri);
    const now = () => bench.clock.now();
    const enrolled = good(
      await bench.mfa.confirmEnrollment({
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
    const remembered = await bench.mfa.beginLogin({ user: ada, deviceToken: token });
    expect(remembered.session).toMatchObject({ assurance: { via: 'remembered-device', deviceId } });
    bench.clock.advance(MINUTE);
    const { session } = remembered;
    const stepUp = good(
      await bench.mfa.verify({ user: ada, session, proof: { kind: 'totp', code: app.code(now()) }, deviceToken: token }),
    );
    expect(stepUp.assurance.deviceId).toBe(deviceId);
    bench.clock.advance(MINUTE);
    // The request of a step-up may come without the token: the session came from that browser all the same.
    const bare = good(
      await bench.mfa.verify({ user: ada, session: stepUp.session, proof: { kind: 'totp', code: app.code(now()) } }),
    );
    expect(bare.assurance.deviceId).toBe(deviceId);
    const recoveryCode = enrolled.recoveryCodes?.[0];
    const pending = await loginPending(bench.mfa);
    const recovered = good(
      await bench.mfa.verify({
        user: ada,
        session: pending,
        proof: { kind: 'recovery-code', code: recoveryCode },
        deviceToken: token,
      }),
    );
    expect(recovered.assurance).toMatchObject({ via: 'recovery-code', deviceId });
    bench.clock.advance(MINUTE);
    const nowhere = good(
      await bench.mfa.verify({
        user: ada,
        session: await loginPending(bench.mfa),
        proof: { kind: 'totp', code: app.code(now()) },
      }),
    );
    expect(nowhere.assurance).not.toHaveProperty('deviceId');
  });
});

describe('DEV-9, F17: the sessions that came from a revoked device end with it', () => {
  it('at the guard, in every management flow, and at the first write', async () => {
    const { bench, thief, owner } = await twoBrowsers();
    const started = good(await bench.mfa.startEnrollment({ user: ada, session: thief.session }));
    good(await revoke(bench, owner.session, thief.deviceId));
    expect(await because(bench, thief.session)).toBe('revoked');
    expect(await because(bench, started.session)).toBe('revoked');
    expect(await because(bench, owner.session)).toBe('allow');
    const { mfa } = bench;
    const session = started.session;
    const [authenticator] = good(await mfa.getStatus({ user: ada })).status.authenticators;
    const app = createAuthenticator(started.enrollment.uri);
    const enrollmentId = started.enrollment.id;
    for (const answer of [
      await mfa.startEnrollment({ user: ada, session }),
      await mfa.currentEnrollment({ user: ada, session }),
      await mfa.confirmEnrollment({
        user: ada,
        session,
        enrollmentId,
        proof: { kind: 'totp', code: app.code(bench.clock.now()) },
      }),
      await mfa.renameAuthenticator({ user: ada, session, authenticatorId: authenticator?.id ?? '', name: 'x' }),
      await mfa.removeAuthenticator({ user: ada, session, authenticatorId: authenticator?.id ?? '' }),
      await mfa.regenerateRecoveryCodes({ user: ada, session }),
      await mfa.revokeDevice({ user: ada, session, deviceId: owner.deviceId }),
      await mfa.endAllSessions({ user: ada, session }),
    ]) {
      expect(reasonOf(answer)).toBe('assurance_required');
    }
    bench.events.length = 0;
    // Its enrollment is not its own any more, as after a change of the epoch: there is nothing to cancel.
    good(await mfa.cancelEnrollment({ user: ada, session, enrollmentId }));
    expect(bench.events).toEqual([]);
    const kept = await mfa.passwordChanged({ userId: ada.id, keep: thief.session });
    expect(kept.session).toBeUndefined();
  });

  it('stays so twenty days later, and a new code from that session is a new proof', async () => {
    const { bench, thief, owner } = await twoBrowsers();
    good(await revoke(bench, owner.session, thief.deviceId));
    bench.clock.advance(20 * DAY);
    expect(await because(bench, thief.session)).toBe('revoked');
    expect((await bench.mfa.beginLogin({ user: ada, deviceToken: thief.token })).decision.access).toBe('challenge');
    const code = bench.authenticator.code(bench.clock.now());
    const again = good(await bench.mfa.verify({ user: ada, session: thief.session, proof: { kind: 'totp', code } }));
    expect(again.assurance.deviceId).not.toBe(thief.deviceId);
    expect(await because(bench, again.session)).toBe('allow');
  });

  it('for a bearer client too: the token says from which device its proof came', async () => {
    const { bench, thief, owner } = await twoBrowsers();
    const claims = { sub: ada.id, ...assuranceClaims(thief.session.assurance, ['pwd']) };
    expect(claims.mfa_device).toBe(thief.deviceId);
    const assurance = assuranceFromClaims(claims);
    if (!assurance) throw new Error('the claims speak of no assurance');
    const session: MfaSession = { state: 'verified', assurance };
    expect(await because(bench, session)).toBe('allow');
    good(await revoke(bench, owner.session, thief.deviceId));
    expect(await because(bench, session)).toBe('revoked');
  });

  it('the reuse of its token does the same, at a login and at a proof', async () => {
    for (const door of ['login', 'proof']) {
      const { bench, thief: stolen, owner } = await twoBrowsers();
      bench.clock.advance(DAY);
      const second = (await bench.mfa.beginLogin({ user: ada, deviceToken: stolen.token })).device?.token ?? '';
      bench.clock.advance(DAY);
      await bench.mfa.beginLogin({ user: ada, deviceToken: second });
      bench.clock.advance(DAY);
      expect(await because(bench, stolen.session)).toBe('allow');
      if (door === 'login') {
        const begun = await bench.mfa.beginLogin({ user: ada, deviceToken: stolen.token });
        expect(await because(bench, begun.session)).toBe('missing');
      } else {
        const session = await loginPending(bench.mfa);
        const code = bench.authenticator.code(bench.clock.now());
        const given = {
          user: ada,
          session,
          proof: { kind: 'totp' as const, code },
          deviceToken: stolen.token,
          deviceLabel: 'Firefox',
        };
        const { assurance, session: proven } = good(await bench.mfa.verify(given));
        expect(assurance.deviceId).not.toBe(stolen.deviceId);
        expect(await because(bench, proven)).toBe('allow');
      }
      expect(bench.names()).toContain('device_token_reused');
      expect(await because(bench, stolen.session)).toBe('revoked');
      expect(await because(bench, owner.session)).toBe('allow');
    }
  });

  it('a device that is dropped by age, or forgotten by another change, ends nothing', async () => {
    const { bench, thief: first } = await twoBrowsers();
    for (let count = 0; count < 20; count++) await loginWithCode(bench);
    expect((await peek(bench.storage, ada.id))?.devices.some(({ id }) => id === first.deviceId)).toBe(false);
    expect(await because(bench, first.session)).toBe('allow');
    expect((await peek(bench.storage, ada.id))?.endedDevices).toBeUndefined();
  });

  it('F17: one that was dropped by age before it was revoked, from an older page, ends its sessions all the same, once', async () => {
    const { bench, thief } = await twoBrowsers();
    for (let count = 0; count < 20; count++) await loginWithCode(bench);
    const owner = await loginWithCode(bench);
    expect(await because(bench, thief.session)).toBe('allow');
    bench.events.length = 0;
    for (let count = 0; count < 3; count++) good(await revoke(bench, owner.session, thief.deviceId));
    expect(await because(bench, thief.session)).toBe('revoked');
    expect(bench.events).toMatchObject([{ name: 'device_revoked', deviceId: thief.deviceId }]);
    expect((await peek(bench.storage, ada.id))?.endedDevices).toEqual([thief.deviceId]);
  });

  it('32 are listed; with one more the epoch changes instead, and the list is empty again', async () => {
    const { bench, thief, owner } = await twoBrowsers();
    const ended = Array.from({ length: 31 }, (_, index) => `ended-${index}`);
    await poke(bench.storage, ada.id, (profile) => ({ ...profile, endedDevices: ended }));
    const before = await peek(bench.storage, ada.id);
    const one = await loginWithCode(bench);
    const { session } = good(await revoke(bench, owner.session.assurance ? one.session : owner.session, thief.deviceId));
    const full = await peek(bench.storage, ada.id);
    expect(full?.endedDevices).toEqual([...ended, thief.deviceId]);
    expect(full?.epoch).toBe(before?.epoch);
    const again = good(await revoke(bench, session, owner.deviceId));
    const changed = await peek(bench.storage, ada.id);
    expect(changed?.endedDevices).toBeUndefined();
    expect(changed?.epoch).not.toBe(before?.epoch);
    for (const dead of [thief.session, owner.session, one.session]) expect(await because(bench, dead)).toBe('revoked');
    expect(await because(bench, again.session)).toBe('allow');
    expect(JSON.stringify(full).length).toBeLessThan(10_000);
  });

  it('a change of the epoch empties the list', async () => {
    const { bench, thief, owner } = await twoBrowsers();
    const { session } = good(await revoke(bench, owner.session, thief.deviceId));
    expect((await peek(bench.storage, ada.id))?.endedDevices).toEqual([thief.deviceId]);
    good(await bench.mfa.endAllSessions({ user: ada, session }));
    expect(await peek(bench.storage, ada.id)).not.toHaveProperty('endedDevices');
  });

  it.each([false, true])('one’s own ends one’s own session, and the answer says so (the list is full: %s)', async (isFull) => {
    const { bench, owner, thief } = await twoBrowsers();
    if (isFull) {
      const endedDevices = Array.from({ length: 32 }, (_, index) => `ended-${index}`);
      await poke(bench.storage, ada.id, (profile) => ({ ...profile, endedDevices }));
    }
    const answer = good(await revoke(bench, owner.session, owner.deviceId));
    expect(answer).toMatchObject({ endedOwnSession: true, session: { state: 'pending', userId: ada.id } });
    expect(await because(bench, owner.session)).toBe('revoked');
    expect(await because(bench, answer.session)).toBe('missing');
    bench.clock.advance(MINUTE);
    const code = bench.authenticator.code(bench.clock.now());
    const again = good(
      await bench.mfa.verify({ user: ada, session: answer.session, proof: { kind: 'totp', code }, deviceLabel: 'Firefox' }),
    );
    expect(await because(bench, again.session)).toBe('allow');
    expect(await because(bench, thief.session)).toBe(isFull ? 'revoked' : 'allow');
  });

  it('another one leaves one’s own session as it is', async () => {
    const { bench, owner, thief } = await twoBrowsers();
    const answer = good(await revoke(bench, owner.session, thief.deviceId));
    expect(answer.session).toEqual(owner.session);
    expect(answer).not.toHaveProperty('endedOwnSession');
    const gone = good(await revoke(bench, owner.session, 'never-there'));
    expect(gone).toEqual({ ok: true, session: owner.session });
    expect((await peek(bench.storage, ada.id))?.endedDevices).toEqual([thief.deviceId]);
  });
});

describe('DEV-9, F19: a remembered device', () => {
  it('is a notice', async () => {
    const bench = await createEnrolled();
    const { deviceId } = await loginWithCode(bench, { rememberDevice: true });
    expect(bench.notices).toMatchObject([{ name: 'device_remembered', deviceId, userId: ada.id }]);
    bench.notices.length = 0;
    await loginWithCode(bench);
    expect(bench.notices).toEqual([]);
  });

  it('says by which proof, and for as long as that remembrance lasts', async () => {
    const bench = await createEnrolled();
    const { deviceId, token, session } = await loginWithCode(bench, { rememberDevice: true });
    const device = async () => (await peek(bench.storage, ada.id))?.devices.find(({ id }) => id === deviceId);
    const noted = await device();
    expect(noted?.rememberedBy).toEqual({ via: 'otp', at: noted?.rememberedAt });
    await bench.mfa.beginLogin({ user: ada, deviceToken: token });
    expect((await device())?.rememberedBy).toEqual(noted?.rememberedBy);
    good(await bench.mfa.endAllSessions({ user: ada, session }));
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
  ] as const)('stands in only where the proof that remembered it would be accepted: %s', async (_, rememberedBy, access) => {
    const bench = await createEnrolled();
    const { token } = await loginWithCode(bench, { rememberDevice: true });
    const before = await bench.mfa.beginLogin({ user: ada, deviceToken: token });
    expect(before.decision.access).toBe('allow');
    await poke(bench.storage, ada.id, (profile) => ({
      ...profile,
      devices: profile.devices.map(({ rememberedBy: _by, ...device }) => {
        const by = rememberedBy(device.rememberedAt ?? 0);
        return (by ? { ...device, rememberedBy: by } : device) as typeof device;
      }),
    }));
    bench.clock.advance(DAY);
    expect((await bench.mfa.beginLogin({ user: ada, deviceToken: token })).decision.access).toBe(access);
    expect((await bench.mfa.checkAccess({ user: ada, session: before.session })).access).toBe(access);
  });
});
