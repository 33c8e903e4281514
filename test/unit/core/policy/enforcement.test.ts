import { describe, expect, it } from 'vitest';
import {
  effectivePolicy,
  enrollmentDeadline,
  isProfileMissing,
  noteDeadline,
} from '../../../../packages/core/src/policy/enforcement.js';
import { newProfile } from '../../../../packages/core/src/profile/profile.js';

const T0 = 1_800_000_000_000;
const DAY = 24 * 3_600_000;

describe('effectivePolicy completes', () => {
  it.each([
    ['required', { mfa: 'required' }, { mfa: 'required', mayEnroll: true, rememberDays: 30 }],
    ['optional', { mfa: 'optional' }, { mfa: 'optional', mayEnroll: true, rememberDays: 30 }],
    ['off, which disables enrollment', { mfa: 'off' }, { mfa: 'off', mayEnroll: false, rememberDays: 30 }],
    ['nothing said', {}, { mfa: 'required', mayEnroll: true, rememberDays: 30 }],
    ['not allowed to enroll', { mayEnroll: false }, { mfa: 'required', mayEnroll: false, rememberDays: 30 }],
    ['never remembered', { rememberDevice: false }, { mfa: 'required', mayEnroll: true, rememberDays: 0 }],
    ['a deadline', { enrollBy: T0 }, { mfa: 'required', mayEnroll: true, rememberDays: 30, enrollBy: T0 }],
    [
      'a deadline where nothing is due',
      { mfa: 'optional', enrollBy: T0 },
      { mfa: 'optional', mayEnroll: true, rememberDays: 30 },
    ],
  ])('%s', (_, given, effective) => {
    expect(effectivePolicy(given as never, 30)).toStrictEqual(effective);
  });
});

describe('T41, T42: the deadline for enrolling', () => {
  const policy = effectivePolicy({ enrollBy: T0 }, 30);
  const none = effectivePolicy({}, 30);

  it('is the earliest that the policy ever returned, or none', () => {
    expect(enrollmentDeadline(policy, null)).toBe(T0);
    expect(enrollmentDeadline(policy, newProfile())).toBe(T0);
    expect(enrollmentDeadline(policy, { ...newProfile(), enrollBy: T0 - 1 })).toBe(T0 - 1);
    expect(enrollmentDeadline(policy, { ...newProfile(), enrollBy: T0 + 1 })).toBe(T0);
    expect(enrollmentDeadline(none, { ...newProfile(), enrollBy: T0 })).toBeUndefined();
  });

  it('is noted once', () => {
    const noted = noteDeadline(policy, newProfile());
    expect(noted?.enrollBy).toBe(T0);
    expect(noteDeadline(policy, noted ?? newProfile())).toBeNull();
    expect(noteDeadline(none, newProfile())).toBeNull();
  });
});

describe('T34: a record without an authenticator, although the host remembers an enrollment', () => {
  const removed = { ...newProfile(), unenrolledAt: T0 };
  const authenticator = { id: 'a', kind: 'totp', name: 'Phone', createdAt: 0, enrollmentId: 'e', data: {} };

  it('is missing, unless the host did not say so or the record shows one', () => {
    expect(isProfileMissing(true, null, T0)).toBe(true);
    expect(isProfileMissing(true, newProfile(), T0)).toBe(true);
    expect(isProfileMissing(false, null, T0)).toBe(false);
    expect(isProfileMissing(undefined, null, T0)).toBe(false);
    expect(isProfileMissing(true, { ...newProfile(), authenticators: [authenticator] }, T0)).toBe(false);
  });

  it('is expected for a week after a removal, in both directions of a wrong clock', () => {
    for (const now of [T0 - 7 * DAY, T0, T0 + 7 * DAY]) expect(isProfileMissing(true, removed, now), String(now)).toBe(false);
    for (const now of [T0 - 7 * DAY - 1, T0 + 7 * DAY + 1]) expect(isProfileMissing(true, removed, now), String(now)).toBe(true);
  });
});
