import { describe, expect, it } from 'vitest';
import { newDevice } from '../../../../packages/core/src/profile/device.js';
import { isEnrolled, newProfile, type Profile, tidyName, withNewEpoch } from '../../../../packages/core/src/profile/profile.js';

const T0 = 1_800_000_000_000;
const authenticator = { id: 'a', kind: 'totp', name: 'Phone', createdAt: T0, enrollmentId: 'e', data: {} };
const enrollment = { id: 'e2', kind: 'totp', name: '', startedAt: T0, expiresAt: T0 + 1, steppedUp: false, data: {} };

describe('a profile', () => {
  it('is enrolled by an authenticator of any kind, and by nothing else', () => {
    const started: Profile = { ...newProfile(), enrollments: [enrollment] };
    expect([null, newProfile(), started].map(isEnrolled)).toEqual([false, false, false]);
    expect(isEnrolled({ ...newProfile(), authenticators: [{ ...authenticator, kind: 'of a later version' }] })).toBe(true);
  });

  it('keeps its authenticators in a new epoch, but no earlier enrollment or remembered device', () => {
    const device = newDevice({ id: 'd', label: '', tokenId: 't' }, T0);
    const remembered = { ...device, rememberedUntil: T0 + 1, rememberedAt: T0 };
    const before: Profile = {
      ...newProfile(),
      authenticators: [authenticator],
      enrollments: [enrollment],
      devices: [remembered],
    };
    const after = withNewEpoch(before);
    expect(after).toMatchObject({ authenticators: [authenticator], enrollments: [], devices: [device] });
    expect(after.devices).toStrictEqual([device]);
    expect(after.epoch).not.toBe(before.epoch);
    expect(after.deviceEpoch).not.toBe(before.deviceEpoch);
  });
});

describe('a name or label', () => {
  it.each([
    ['stays as it is', "Ada's phone", "Ada's phone"],
    ['has no blanks around it', '  Phone \t', 'Phone'],
    ['begins at its first letter, however many blanks stand before', `${' '.repeat(80)}Phone`, 'Phone'],
    ['ends at 64 characters', 'x'.repeat(65), 'x'.repeat(64)],
    ['ends without a blank where it is cut', `${'x'.repeat(63)} more`, 'x'.repeat(63)],
    ['is cut between characters, never within one', '🦊'.repeat(65), '🦊'.repeat(64)],
    ['holds no line break', 'a\nb\u2028c\u2029d', 'a b c d'],
    ['holds nothing that moves a terminal', 'a\u001b[31mb\u0000c', 'a [31mb c'],
    ['holds no half of a character', 'a\ud83eb', 'a b'],
    ['is the other one when nothing is left', ' \n\u0000 ', 'Authenticator'],
    ['is the other one when it is no text', ['Phone'], 'Authenticator'],
  ])('%s', (_rule, given, tidy) => {
    expect(tidyName(given, 'Authenticator')).toBe(tidy);
  });
});
