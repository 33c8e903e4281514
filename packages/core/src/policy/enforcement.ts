import type { MfaPolicy } from '../options.js';
import { isEnrolled, type Profile } from '../profile/profile.js';

/** A policy with its defaults in place. */
export interface EffectivePolicy {
  mfa: 'required' | 'optional' | 'off';
  mayEnroll: boolean;
  /** Days a device may be remembered; 0: never. */
  rememberDays: number;
  enrollBy?: number;
}

/** So long a removal or reset that the host may not have heard of explains an empty profile. */
const UNENROLLED_EXPLAINS = 7 * 24 * 3_600_000;

/** Completes what the host's policy said. Words that it does not know are the strict ones. */
export function effectivePolicy(given: MfaPolicy, rememberDays: number): EffectivePolicy {
  const mfa = given.mfa === 'optional' || given.mfa === 'off' ? given.mfa : 'required';
  const policy: EffectivePolicy = {
    mfa,
    mayEnroll: given.mayEnroll !== false && mfa !== 'off',
    rememberDays: given.rememberDevice === false ? 0 : rememberDays,
  };
  const { enrollBy } = given;
  if (mfa === 'required' && enrollBy !== undefined && Number.isFinite(enrollBy)) policy.enrollBy = enrollBy;
  return policy;
}

/** Until when a user without authenticator is let through: the earliest deadline that was ever given. */
export function enrollmentDeadline(policy: EffectivePolicy, profile: Profile | null): number | undefined {
  if (policy.enrollBy === undefined) return undefined;
  return Math.min(policy.enrollBy, profile?.enrollBy ?? policy.enrollBy);
}

/** The profile with an earlier deadline noted, or null when there is nothing to note. */
export function noteDeadline(policy: EffectivePolicy, profile: Profile): Profile | null {
  const deadline = enrollmentDeadline(policy, profile);
  if (deadline === undefined || deadline === profile.enrollBy) return null;
  return { ...profile, enrollBy: deadline };
}

/**
 * Whether the host remembers an enrollment that the record does not show: absence is not permission.
 *
 * A removal or reset that the host did not hear of explains it for a week; whoever can put an old row back gains no more.
 */
export function isProfileMissing(enrolled: boolean | undefined, profile: Profile | null, now: number): boolean {
  if (enrolled !== true || isEnrolled(profile)) return false;
  const unenrolledAt = profile?.unenrolledAt;
  return unenrolledAt === undefined || Math.abs(now - unenrolledAt) > UNENROLLED_EXPLAINS;
}
