import { type Assurance, assuranceClaims, assuranceFromClaims } from '@mfa-kit/core';
import { describe, expect, it } from 'vitest';
import { ada, bob, createEnrolled, expectOk, loginPending, loginWithCode } from '../../support/core-fixture.js';

const assurance: Assurance = {
  userId: 'u',
  epoch: 'e',
  amr: ['otp', 'mfa'],
  acr: 'urn:mfa-kit:mfa',
  verifiedAt: 1_800_000_000_999,
  via: 'otp',
};
const claims = { sub: 'u', ...assuranceClaims(assurance, ['pwd']) };

describe('the claims of an assurance', () => {
  it('STP-4: say what was done and when, in the terms of the RFCs', () => {
    expect(claims).toEqual({
      sub: 'u',
      amr: ['pwd', 'otp', 'mfa'],
      acr: 'urn:mfa-kit:mfa',
      auth_time: 1_800_000_000,
      mfa_epoch: 'e',
      mfa_via: 'otp',
    });
  });

  it('are read back as the same assurance, never younger than it was', () => {
    const back = assuranceFromClaims(claims);
    expect(back).toEqual({ ...assurance, amr: ['pwd', 'otp', 'mfa'], verifiedAt: 1_800_000_000_000 });
    expect(assuranceClaims(back as Assurance, ['pwd'])).toEqual(assuranceClaims(assurance, ['pwd']));
  });

  it('of a remembered device include the device', () => {
    const remembered: Assurance = { ...assurance, via: 'remembered-device', amr: ['remembered_device'], deviceId: 'd' };
    const made = { sub: 'u', ...assuranceClaims(remembered, ['pwd']) };
    expect(made).toMatchObject({ amr: ['pwd', 'remembered_device'], mfa_device: 'd', mfa_via: 'remembered-device' });
    expect(assuranceFromClaims(made)).toMatchObject({ deviceId: 'd', via: 'remembered-device' });
  });

  const bad: [string, object][] = [
    ...['sub', 'amr', 'acr', 'auth_time', 'mfa_epoch', 'mfa_via'].map((name): [string, object] => [
      `without ${name}`,
      { [name]: undefined },
    ]),
    ['with a number for sub', { sub: 7 }],
    ['with text for amr', { amr: 'otp' }],
    ['with numbers in amr', { amr: ['otp', 7] }],
    ['with amr that lacks the method', { amr: ['pwd', 'mfa'] }],
    ['with auth_time as text', { auth_time: '1800000000' }],
    ['with auth_time in parts of a second', { auth_time: 1_800_000_000.5 }],
    ['with auth_time that is no number', { auth_time: Number.NaN }],
    ['with an empty epoch', { mfa_epoch: '' }],
    ['with a method of its own', { mfa_via: 'pwd', amr: ['pwd'] }],
    ['with a remembered device unnamed', { mfa_via: 'remembered-device', amr: ['remembered_device'] }],
    ['with a number for the device, F17,', { mfa_device: 7 }],
    ['with an empty device, F17,', { mfa_device: '' }],
    ['with a list of devices, F17,', { mfa_device: ['d'] }],
    ['that are a remembered device by name only', { mfa_via: 'otp', amr: ['remembered_device', 'mfa'] }],
  ];

  it.each(bad)('SES-6: %s prove nothing', (_, change) => {
    expect(assuranceFromClaims({ ...claims, ...change })).toBeNull();
  });

  it('SES-6: of a host’s ordinary token prove nothing', () => {
    expect(assuranceFromClaims({ sub: 'u', amr: ['pwd'], auth_time: 1, acr: '0' })).toBeNull();
    expect(assuranceFromClaims({})).toBeNull();
  });
});

describe('STP-4: the assurance of every kind of login', () => {
  it('is true for a code, a recovery code and a remembered device', async () => {
    const fixture = await createEnrolled();
    const byCode = await loginWithCode(fixture, { rememberDevice: true });
    const remembered = await fixture.mfa.beginLogin({ user: ada, deviceToken: byCode.token });
    const input = {
      user: ada,
      session: await loginPending(fixture.mfa),
      proof: { kind: 'recovery-code' as const, code: fixture.recoveryCodes[0] },
    };
    const byRecovery = expectOk(await fixture.mfa.verify(input));
    const methods = [byCode.session, remembered.session, byRecovery.session].map((session) =>
      session?.state === 'verified' ? [session.assurance.via, session.assurance.amr, session.assurance.acr] : null,
    );
    expect(methods).toEqual([
      ['otp', ['otp', 'mfa'], 'urn:mfa-kit:mfa'],
      ['remembered-device', ['remembered_device'], 'urn:mfa-kit:remembered-device'],
      ['recovery-code', ['recovery_code', 'mfa'], 'urn:mfa-kit:mfa'],
    ]);
  });

  it('SES-6: allow what the session allowed, end with the epoch, and do not work for another user', async () => {
    const fixture = await createEnrolled();
    const { session } = await loginWithCode(fixture);
    const made = { sub: ada.id, ...assuranceClaims(session.assurance, ['pwd']) };
    const access = async (claims: Record<string, unknown>, user = ada) => {
      const proven = assuranceFromClaims(claims);
      const state = proven ? { state: 'verified' as const, assurance: proven } : undefined;
      return (await fixture.mfa.checkAccess({ user, session: state, requirement: { maxAgeSeconds: 60 } })).access;
    };
    expect(await access(made)).toBe('allow');
    expect(await access({ ...made, auth_time: made.auth_time - 61 })).toBe('challenge');
    expect(await access(made, bob)).toBe('login-again');
    expect(await access({ ...made, sub: bob.id })).toBe('login-again');
    expectOk(await fixture.mfa.passwordChanged({ userId: ada.id }));
    expect(await access(made)).toBe('challenge');
  });
});
