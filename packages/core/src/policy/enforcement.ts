import { MfaError } from '../errors.js';
import { checkFieldNames, checkFlag, describe, instantFault, isInstant } from '../host-input.js';
import type { MfaPolicy } from '../options.js';
import { isEnrolled, type Profile, UNENROLLED_EXPLAINS_MS } from '../profile/profile.js';

/** A policy with its defaults in place. */
export interface EffectivePolicy {
  mfa: 'required' | 'optional' | 'off';
  mayEnroll: boolean;
  /** Days a device may be remembered; 0: never. */
  rememberDays: number;
  enrollBy?: number;
}

const KNOWN: Record<keyof MfaPolicy, true> = { mfa: true, enrollBy: true, mayEnroll: true, rememberDevice: true };
const FIELDS = Object.keys(KNOWN);

/** Checks and completes the answer of the host's policy. An invalid field is an error, never the lax reading. */
export function effectivePolicy(given: unknown, rememberDays: number): EffectivePolicy {
  checkFieldNames(given, FIELDS, refusePolicy);
  const { mfa = 'required', enrollBy, mayEnroll, rememberDevice } = given;
  if (mfa !== 'required' && mfa !== 'optional' && mfa !== 'off') {
    refusePolicy(`has an "mfa" other than 'required', 'optional' and 'off'; it is ${describe(mfa)}.`);
  }
  checkFlag('mayEnroll', mayEnroll, refusePolicy);
  checkFlag('rememberDevice', rememberDevice, refusePolicy);
  if (enrollBy !== undefined && !isInstant(enrollBy)) {
    refusePolicy(`is wrong: "enrollBy" ${instantFault(enrollBy)} Leave it out if there is no deadline.`);
  }
  const policy: EffectivePolicy = {
    mfa,
    mayEnroll: mayEnroll !== false && mfa !== 'off',
    rememberDays: rememberDevice === false ? 0 : rememberDays,
  };
  if (mfa === 'required' && enrollBy !== undefined) policy.enrollBy = enrollBy;
  return policy;
}

function refusePolicy(what: string): never {
  throw new MfaError('host_callback_failed', `The answer of the option "policy" ${what}`);
}

/**
 * Until when a user without an authenticator is allowed: the deadline that support has set, or the earliest one that the policy ever
 * returned.
 */
export function enrollmentDeadline(policy: EffectivePolicy, profile: Profile | null): number | undefined {
  if (policy.mfa !== 'required') return undefined;
  return extensionOf(profile) ?? earliestDeadline(policy, profile);
}

function earliestDeadline(policy: EffectivePolicy, profile: Profile | null): number | undefined {
  if (policy.enrollBy === undefined) return undefined;
  return Math.min(policy.enrollBy, profile?.enrollBy ?? policy.enrollBy);
}

/** Returns the profile with an earlier deadline noted, or null if there is nothing to note. */
export function noteDeadline(policy: EffectivePolicy, profile: Profile): Profile | null {
  const deadline = earliestDeadline(policy, profile);
  if (deadline === undefined || deadline === profile.enrollBy) return null;
  const extension = extensionOf(profile);
  const { epoch } = profile;
  const moved = extension === undefined ? {} : { enrollByExtension: { enrollBy: extension, over: deadline, epoch } };
  return { ...profile, enrollBy: deadline, ...moved };
}

/** The deadline that support has set, while it overrides the stored one. */
function extensionOf(profile: Profile | null): number | undefined {
  const extension = profile?.enrollByExtension;
  return extension?.over === profile?.enrollBy && extension?.epoch === profile?.epoch ? extension?.enrollBy : undefined;
}

/**
 * Whether the host remembers an enrollment that the record does not show. A missing record does not grant access.
 *
 * For a week after a removal or reset an empty profile is expected, because the host may not know of it yet. Somebody who can put an old
 * row back gains nothing more from this.
 */
export function isProfileMissing(enrolled: boolean | null | undefined, profile: Profile | null, now: number): boolean {
  if (enrolled !== true || isEnrolled(profile)) return false;
  const unenrolledAt = profile?.unenrolledAt;
  return unenrolledAt === undefined || Math.abs(now - unenrolledAt) > UNENROLLED_EXPLAINS_MS;
}

/** Whether this authenticator may be removed. The last one never may while MFA is required. */
export function mayRemove(policy: EffectivePolicy, profile: Profile, authenticatorId: string): boolean {
  const remaining = profile.authenticators.filter((candidate) => candidate.id !== authenticatorId);
  return remaining.length > 0 || policy.mfa !== 'required';
}
