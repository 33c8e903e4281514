import type { MfaEvent } from '@mfa-kit/core';
import { describe, expect, it } from 'vitest';
import {
  ada,
  createEnrolled,
  createFixture,
  DAY,
  enrollAnother,
  expectOk,
  loginPending,
  loginWithCode,
  MINUTE,
  wrongCode,
} from '../../../support/core-fixture.js';

/** The events without their common fields. */
function details(events: readonly MfaEvent[]): object[] {
  return events.map(({ at: _at, userId: _user, enrolled: _enrolled, context: _context, ...detail }) => detail);
}

describe('management and its events', () => {
  it('one authenticator is renamed, and a device is revoked once', async () => {
    const fixture = await createEnrolled();
    const { session, token, deviceId } = await loginWithCode(fixture, { rememberDevice: true });
    const second = await enrollAnother(fixture, session);
    const { mfa, events } = fixture;
    events.length = 0;
    const { authenticatorId } = second;
    expectOk(await mfa.renameAuthenticator({ user: ada, session: second.session, authenticatorId, name: 'Work phone' }));
    expect(details(events)).toStrictEqual([{ name: 'authenticator_renamed', authenticatorId }]);
    const { status } = expectOk(await mfa.getStatus({ user: ada }));
    expect(status.authenticators.map(({ name }) => name)).toEqual(['Authenticator app', 'Work phone']);
    expect(status.devices.map(({ id }) => id)).toEqual([deviceId]);
    events.length = 0;
    const elsewhere = expectOk(
      await mfa.verify({
        user: ada,
        session: await loginPending(mfa),
        proof: { kind: 'totp', code: second.authenticator.code(fixture.clock.now() + 30_000) },
      }),
    );
    events.length = 0;
    for (let times = 0; times < 2; times++) expectOk(await mfa.revokeDevice({ user: ada, session: elsewhere.session, deviceId }));
    expectOk(await mfa.revokeDevice({ user: ada, session: elsewhere.session, deviceId: 'another' }));
    expect(details(events)).toStrictEqual([{ name: 'device_revoked', deviceId }]);
    expect(expectOk(await mfa.getStatus({ user: ada })).status.devices).toEqual([]);
    expect((await mfa.beginLogin({ user: ada, deviceToken: token })).decision.access).toBe('challenge');
  });

  it('revoking one device leaves the others', async () => {
    const fixture = await createEnrolled();
    const one = await loginWithCode(fixture);
    const other = await loginWithCode(fixture);
    expectOk(await fixture.mfa.revokeDevice({ user: ada, session: other.session, deviceId: one.deviceId }));
    expect(expectOk(await fixture.mfa.getStatus({ user: ada })).status.devices.map(({ id }) => id)).toEqual([other.deviceId]);
  });
});

describe('getStatus', () => {
  it('returns exactly this for a user who has nothing', async () => {
    const { mfa, clock } = createFixture();
    const lists = { factors: [], authenticators: [], devices: [] };
    const status = { enrolled: false, mayEnroll: true, ...lists, recoveryCodesLeft: 0, waitSeconds: 0 };
    expect(await mfa.getStatus({ user: ada })).toStrictEqual({ ok: true, status: { ...status, mfa: 'required' } });
    const enrollBy = clock.now() + DAY;
    expect(await mfa.getStatus({ user: { ...ada, enrollBy } })).toStrictEqual({
      ok: true,
      status: { ...status, mfa: 'required', enrollBy },
    });
    expect(await mfa.getStatus({ user: { ...ada, mfa: 'off' } })).toStrictEqual({
      ok: true,
      status: { ...status, mfa: 'off', mayEnroll: false },
    });
  });

  it('T34: refuses if the record is gone, except if MFA is off', async () => {
    const { mfa, events } = createFixture();
    expect(await mfa.getStatus({ user: { ...ada, enrolled: true } })).toStrictEqual({ ok: false, reason: 'profile_missing' });
    expect(details(events)).toStrictEqual([{ name: 'profile_missing' }]);
    expect((await mfa.getStatus({ user: { ...ada, enrolled: true, mfa: 'off' } })).ok).toBe(true);
  });

  it('returns everything that a user has', async () => {
    const fixture = await createEnrolled();
    const { mfa, clock } = fixture;
    const enrolledAt = clock.now() - 2 * MINUTE;
    const { deviceId } = await loginWithCode(fixture, { rememberDevice: true });
    const at = clock.now();
    expect(expectOk(await mfa.getStatus({ user: ada })).status).toStrictEqual({
      enrolled: true,
      mfa: 'required',
      mayEnroll: true,
      factors: ['totp', 'recovery-code'],
      authenticators: [
        { id: expect.any(String), kind: 'totp', name: 'Authenticator app', createdAt: enrolledAt, lastUsedAt: at },
      ],
      devices: [{ id: deviceId, label: 'Firefox', firstUsedAt: at, lastUsedAt: at, rememberedUntil: at + 30 * DAY }],
      recoveryCodesLeft: 10,
      waitSeconds: 0,
    });
    const session = await loginPending(mfa);
    for (let tries = 0; tries < 5; tries++)
      await mfa.verify({ user: ada, session, proof: { kind: 'totp', code: wrongCode(fixture.authenticator, at) } });
    expect(expectOk(await mfa.getStatus({ user: ada })).status.waitSeconds).toBe(30);
  });
});

describe('LOG-1: a login', () => {
  it('is one event that says how far it came, and which token came with it', async () => {
    const fixture = await createEnrolled();
    const { mfa, clock, events } = fixture;
    await mfa.beginLogin({ user: { ...ada, mfa: 'off' } });
    await mfa.beginLogin({ user: ada });
    expect(details(events)).toStrictEqual([
      { name: 'login_begun', access: 'allow' },
      { name: 'login_begun', access: 'challenge' },
    ]);
    const { token, deviceId } = await loginWithCode(fixture, { rememberDevice: true });
    events.length = 0;
    clock.advance(2 * MINUTE);
    const used = await mfa.beginLogin({ user: ada, deviceToken: token });
    expect(used.device).toMatchObject({ deviceId, expiresAt: expect.any(Number), rememberedUntil: expect.any(Number) });
    clock.advance(2 * MINUTE);
    await mfa.beginLogin({ user: ada, deviceToken: used.device?.token ?? '' });
    clock.advance(2 * MINUTE);
    await mfa.beginLogin({ user: ada, deviceToken: token });
    expect(details(events)).toStrictEqual([
      { name: 'device_used', deviceId },
      { name: 'login_begun', access: 'allow' },
      { name: 'device_used', deviceId },
      { name: 'login_begun', access: 'allow' },
      { name: 'device_token_reused', deviceId },
      { name: 'login_begun', access: 'challenge' },
    ]);
    expect(expectOk(await mfa.getStatus({ user: ada })).status.devices).toEqual([]);
  });

  it('FLT-1: is unavailable while the storage is', async () => {
    const fixture = createFixture();
    const { mfa, events } = createFixture({
      storage: { ...fixture.storage, read: () => Promise.reject(new Error('down')) },
    });
    expect(await mfa.beginLogin({ user: ada })).toStrictEqual({
      decision: { access: 'unavailable', retryAfterSeconds: expect.any(Number) },
    });
    expect(details(events).at(-1)).toStrictEqual({ name: 'login_begun', access: 'unavailable' });
  });

  it('with a token used twice ends only that token’s device', async () => {
    const fixture = await createEnrolled();
    const one = await loginWithCode(fixture, { rememberDevice: true });
    const other = await loginWithCode(fixture, { rememberDevice: true });
    fixture.clock.advance(2 * MINUTE);
    const next = await fixture.mfa.beginLogin({ user: ada, deviceToken: one.token });
    fixture.clock.advance(2 * MINUTE);
    await fixture.mfa.beginLogin({ user: ada, deviceToken: next.device?.token ?? '' });
    fixture.clock.advance(2 * MINUTE);
    expect((await fixture.mfa.beginLogin({ user: ada, deviceToken: one.token })).decision.access).toBe('challenge');
    expect(expectOk(await fixture.mfa.getStatus({ user: ada })).status.devices.map(({ id }) => id)).toEqual([other.deviceId]);
  });
});

describe('calls by the host and its support', () => {
  it('LOG-4: require actor and reason for a reset and for a cleared lockout', async () => {
    const { mfa } = await createEnrolled();
    for (const method of ['resetMfa', 'clearLockout'] as const) {
      const given = { userId: ada.id, actor: 'support', reason: 'lost phone' };
      for (const name of ['actor', 'reason'] as const) {
        for (const value of [undefined, ' ']) {
          const asked = mfa[method]({ ...given, [name]: value } as never);
          await expect(asked).rejects.toThrowError(`${method} needs "${name}"`);
        }
      }
    }
  });

  it('give tries back on every device after a cleared lockout, and do nothing for an unknown user', async () => {
    const fixture = await createEnrolled();
    const { mfa, clock, authenticator } = fixture;
    const { token } = await loginWithCode(fixture);
    const session = await loginPending(mfa);
    const wrong = wrongCode(authenticator, clock.now());
    for (let tries = 0; tries < 5; tries++)
      await mfa.verify({ user: ada, session, proof: { kind: 'totp', code: wrong }, deviceToken: token });
    const right = () =>
      mfa.verify({
        user: ada,
        session,
        proof: { kind: 'totp', code: authenticator.code(clock.now() + 30_000) },
        deviceToken: token,
      });
    clock.advance(20_000);
    expect(await right()).toMatchObject({ reason: 'throttled' });
    const support = { actor: 'support', reason: 'lost phone' };
    expect(await mfa.clearLockout({ userId: ada.id, ...support })).toStrictEqual({ ok: true, cleared: true });
    expectOk(await right());
    expect(await mfa.clearLockout({ userId: 'nobody', ...support })).toStrictEqual({ ok: true, cleared: false });
  });

  it('do not carry over another user’s state at a password change', async () => {
    const { mfa, session } = await createEnrolled();
    const foreign = { ...session, assurance: { ...session.assurance, userId: 'user-bob' } };
    expect(await mfa.passwordChanged({ userId: ada.id, keep: foreign })).toStrictEqual({ ok: true, ended: true });
  });

  it.each(['report', 'rotateKeys', 'afterRestore'] as const)('SUP-6: %s refuses an invalid input by name', async (method) => {
    const { mfa } = createFixture();
    const walk = mfa[method] as (input: unknown) => Promise<unknown>;
    for (const input of [null, 7])
      await expect(walk(input)).rejects.toThrowError(`${method}: takes an object with cursor, onPage, signal`);
    await expect(walk({ dryrun: true })).rejects.toThrowError(
      `${method}: there is no "dryrun"; known are cursor, onPage, signal`,
    );
    for (const [name, type] of [
      ['cursor', 'must be a string'],
      ['onPage', 'must be a function'],
      ['signal', 'must be an AbortSignal'],
    ] as const) {
      await expect(walk({ [name]: 7 })).rejects.toMatchObject({ code: 'invalid_argument' });
      await expect(walk({ [name]: 7 })).rejects.toThrowError(`${method}: "${name}" ${type}`);
      await expect(walk({ [name]: undefined })).resolves.toMatchObject({ complete: true });
    }
  });
});
