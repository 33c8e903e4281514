import { describe, expect, it } from 'vitest';
import type { Assurance } from '../../../../packages/core/src/assurance.js';
import { effectivePolicy } from '../../../../packages/core/src/policy/enforcement.js';
import {
  type AccessFacts,
  challengeFactors,
  checkRequirement,
  decideAccess,
} from '../../../../packages/core/src/policy/requirement.js';
import { newProfile, type Profile } from '../../../../packages/core/src/profile/profile.js';

const NOW = 1_800_000_000_000;
const totp = { id: 'a', kind: 'totp', name: 'Phone', createdAt: 0, enrollmentId: 'e', data: {} };
const passkey = { ...totp, id: 'b', kind: 'passkey-of-a-later-version' };

function decide(given: Partial<AccessFacts>) {
  const policy = effectivePolicy({}, 30);
  return decideAccess({ enrolled: undefined, policy, profile: null, session: undefined, requirement: {}, now: NOW, ...given });
}

function enrolled(...authenticators: Profile['authenticators']): Profile {
  return { ...newProfile(), epoch: 'now', authenticators };
}

describe('decideAccess', () => {
  it('without a state: login-again, or the challenge for a bearer whose first factor the host vouches for', () => {
    expect(decide({})).toStrictEqual({ access: 'login-again' });
    expect(decide({ firstFactorProven: true })).toStrictEqual({ access: 'enroll' });
    expect(decide({ policy: effectivePolicy({ mfa: 'off' }, 30) })).toStrictEqual({ access: 'allow', via: 'not-required' });
    expect(decide({ firstFactorProven: true, profile: enrolled(totp) })).toStrictEqual({
      access: 'challenge',
      because: 'missing',
      factors: ['totp'],
    });
  });

  it('allows a user within the time for enrolling and returns its end; past it the same end', () => {
    const policy = effectivePolicy({ enrollBy: NOW + 1 }, 30);
    const given = { firstFactorProven: true, policy };
    expect(decide(given)).toStrictEqual({ access: 'allow', via: 'grace', enrollBy: NOW + 1 });
    expect(decide({ ...given, now: NOW + 1 })).toStrictEqual({ access: 'enroll', enrollBy: NOW + 1 });
  });

  it('returns the maximum age of the proof for a step-up', () => {
    const assurance: Assurance = { userId: 'u', epoch: 'now', amr: [], acr: '', verifiedAt: NOW - 300_001, via: 'otp' };
    const given = {
      profile: enrolled(totp),
      session: { state: 'verified', assurance },
      requirement: { maxAgeSeconds: 300 },
    } as const;
    expect(decide(given)).toStrictEqual({ access: 'challenge', because: 'expired', factors: ['totp'], maxAgeSeconds: 300 });
    expect(decide({ ...given, now: NOW - 1 })).toMatchObject({ access: 'allow', via: 'otp' });
  });

  it('T25: accepts a remembered device by its own entry only', () => {
    const assurance: Assurance = {
      userId: 'u',
      epoch: 'now',
      amr: [],
      acr: '',
      verifiedAt: NOW,
      via: 'remembered-device',
      deviceId: 'd',
    };
    const entry = { id: 'other', label: '', createdAt: NOW, lastUsedAt: NOW, rememberedAt: NOW, rememberedUntil: NOW + 1000 };
    const session = { state: 'verified', assurance } as const;
    const profile = { ...enrolled(totp), devices: [entry as never] };
    expect(decide({ profile, session })).toMatchObject({ access: 'challenge', because: 'revoked' });
  });
});

describe('challengeFactors', () => {
  it('lists only kinds that this version knows', () => {
    expect(challengeFactors(enrolled(passkey))).toEqual([]);
    expect(challengeFactors(enrolled(passkey, totp))).toEqual(['totp']);
    const recoveryCodes = { key: '', digests: ['one'], createdAt: 0 };
    expect(challengeFactors({ ...enrolled(passkey), recoveryCodes })).toEqual(['recovery-code']);
    expect(challengeFactors({ ...enrolled(totp), recoveryCodes: { ...recoveryCodes, digests: [] } })).toEqual(['totp']);
  });
});

describe('SUP-6: an invalid requirement', () => {
  it.each([
    [null, 'must be an object'],
    [undefined, 'must be an object'],
    [300, 'must be an object'],
    ['300', 'must be an object'],
    [{ maxAge: 300 }, '"maxAge"'],
    [{ maxAgeSeconds: -1 }, 'maxAgeSeconds'],
    [{ maxAgeSeconds: 1.5 }, 'maxAgeSeconds'],
    [{ acceptRememberedDevice: 'no' }, 'acceptRememberedDevice'],
  ])('%j is refused by name', (wrong, name) => {
    const check = () => checkRequirement(wrong as never);
    expect(check).toThrowError(expect.objectContaining({ name: 'MfaError', code: 'invalid_option' }));
    expect(check).toThrowError(name);
  });

  it('is copied and frozen, and the original is checked each time', () => {
    const given = { maxAgeSeconds: 60 };
    const checked = checkRequirement(given);
    given.maxAgeSeconds = -1;
    expect(checked).toStrictEqual({ maxAgeSeconds: 60 });
    expect(Object.isFrozen(checked)).toBe(true);
    expect(checkRequirement(checked)).toBe(checked);
    expect(() => checkRequirement(given)).toThrow(/maxAgeSeconds/);
  });
});
