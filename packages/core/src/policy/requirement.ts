import {
  type AccessDecision,
  type Assurance,
  type ChallengeFactor,
  LEAST_AGE_SECONDS,
  type MfaSession,
  type Requirement,
} from '../assurance.js';
import { MfaError } from '../errors.js';
import type { Factor } from '../factors/factor.js';
import { FACTORS } from '../factors/registry.js';
import { checkFieldNames, checkFlag, describe } from '../host-input.js';
import { isRemembered } from '../profile/device.js';
import { isEnrolled, isInForce, type Profile } from '../profile/profile.js';
import { CLOCK_TOLERANCE_MS } from '../time.js';
import { type EffectivePolicy, enrollmentDeadline, isProfileMissing } from './enforcement.js';

/** Everything that the guard's decision depends on. */
export interface AccessFacts {
  enrolled: boolean | null | undefined;
  policy: EffectivePolicy;
  profile: Profile | null;
  /** State of this user; undefined if it belongs to another user. */
  session: MfaSession | undefined;
  requirement: Requirement;
  /** The host vouches for the first factor although there is no state, for example with a bearer token without MFA facts. */
  firstFactorProven?: boolean;
  now: number;
}

/** Changing authenticators, devices and codes requires a proof no older than this. */
export const MANAGEMENT_MAX_AGE_SECONDS = 300;

/** Decides for the guard: allow, challenge, enroll, login-again or refuse. */
export function decideAccess(facts: AccessFacts): AccessDecision {
  const { enrolled, policy, profile, session, requirement, firstFactorProven, now } = facts;
  if (policy.mfa === 'off') {
    // A user who was asked for a proof and never gave one does not get in because MFA was turned off.
    return session?.state === 'pending' ? { access: 'login-again' } : { access: 'allow', via: 'not-required' };
  }
  if (isProfileMissing(enrolled, profile, now)) return { access: 'refuse', reason: 'profile_missing' };
  if (!session && !firstFactorProven) return { access: 'login-again' };
  if (session?.state === 'pending' && session.epoch !== profile?.epoch) return { access: 'login-again' };
  if (!profile || !isEnrolled(profile)) return decideUnenrolled(facts);
  if (session?.state !== 'verified') return challenge('missing', profile, requirement);
  return decideProven(session.assurance, profile, facts);
}

const FIELDS: readonly (keyof Requirement)[] = ['maxAgeSeconds', 'acceptRememberedDevice'];

/** What {@link checkRequirement} returned, so that a guard does not check it again for every request. */
const checked = new WeakSet<Requirement>();

/** Rejects unknown fields, because a typo would silently weaken the guard. Called when a route is created. */
export function checkRequirement(requirement: Requirement): Requirement {
  return checked.has(requirement) ? requirement : checkFields(requirement);
}

function checkFields(requirement: unknown): Requirement {
  checkFieldNames(requirement, FIELDS, refuseRequirement, refuseUnknown);
  const { maxAgeSeconds, acceptRememberedDevice } = requirement;
  checkFlag('acceptRememberedDevice', acceptRememberedDevice, refuseRequirement);
  // Keep only what was read and checked, because a getter may answer differently the next time.
  const own: Requirement = {};
  if (maxAgeSeconds !== undefined) own.maxAgeSeconds = checkAge(maxAgeSeconds);
  if (acceptRememberedDevice !== undefined) own.acceptRememberedDevice = acceptRememberedDevice;
  checked.add(Object.freeze(own));
  return own;
}

function checkAge(maxAgeSeconds: unknown): number {
  if (typeof maxAgeSeconds === 'number' && Number.isSafeInteger(maxAgeSeconds) && maxAgeSeconds >= LEAST_AGE_SECONDS) {
    return maxAgeSeconds;
  }
  throw invalid(
    `maxAgeSeconds must be a whole number of seconds, at least ${LEAST_AGE_SECONDS}; it is ${describe(maxAgeSeconds)}. With a lower ` +
      'limit, a proof would be too old before the request that needs it arrives. Write { maxAgeSeconds: 300 } for a proof of the last five minutes.',
  );
}

function refuseUnknown(name: string): never {
  throw invalid(`Unknown requirement "${name}". Known fields: ${FIELDS.join(', ')}.`);
}

function refuseRequirement(what: string): never {
  throw invalid(`A requirement ${what} For example, write { maxAgeSeconds: 300 }.`);
}

/** The requirement of a guard without arguments. */
export const PLAIN_REQUIREMENT = checkRequirement({});

/** Whether a proof is in force, with a factor, and not older than the limit (inclusive). */
export function isFresh(assurance: Assurance, profile: Profile, maxAgeSeconds: number, now: number): boolean {
  if (!isInForce(assurance, profile) || assurance.via === 'remembered-device') return false;
  return isNotInFuture(assurance, now) && now - assurance.verifiedAt <= maxAgeSeconds * 1000;
}

/** Whether the proof's time has passed. */
export function isNotInFuture(assurance: Assurance, now: number): boolean {
  return Number.isFinite(assurance.verifiedAt) && assurance.verifiedAt <= now + CLOCK_TOLERANCE_MS;
}

/** The kinds that can answer a challenge. */
export function challengeFactors(profile: Profile): ChallengeFactor[] {
  return FACTORS.filter((factor) => isHeld(factor, profile)).map(({ kind }) => kind);
}

function isHeld({ kind, store }: Factor, profile: Profile): boolean {
  if (!store) return profile.authenticators.some((authenticator) => authenticator.kind === kind);
  const data = store.read(profile);
  return data !== null && !store.isEmpty(data);
}

function decideUnenrolled({ policy, profile, session, requirement, now }: AccessFacts): AccessDecision {
  // The proof is of another epoch: what it proved is gone, and the password it began with may have changed as well.
  if (session?.state === 'verified' && !(profile && isInForce(session.assurance, profile))) return { access: 'login-again' };
  const stepUp = requirement.maxAgeSeconds !== undefined;
  if (!stepUp && policy.mfa === 'optional') return { access: 'allow', via: 'not-required' };
  const enrollBy = enrollmentDeadline(policy, profile);
  if (!stepUp && enrollBy !== undefined && now < enrollBy) return { access: 'allow', via: 'grace', enrollBy };
  if (!policy.mayEnroll) return { access: 'refuse', reason: 'not_allowed' };
  return { access: 'enroll', ...(enrollBy === undefined ? {} : { enrollBy }) };
}

function decideProven(assurance: Assurance, profile: Profile, { policy, requirement, now }: AccessFacts): AccessDecision {
  if (!isInForce(assurance, profile)) return challenge('revoked', profile, requirement);
  if (!isNotInFuture(assurance, now)) return challenge('missing', profile, requirement);
  if (assurance.via === 'remembered-device') {
    const device = profile.devices.find((candidate) => candidate.id === assurance.deviceId);
    if (device?.rememberedUntil === undefined || policy.rememberDays === 0) return challenge('revoked', profile, requirement);
    if (!isRemembered(device, policy.rememberDays, now)) return challenge('expired', profile, requirement);
    if (requirement.acceptRememberedDevice === false) return challenge('missing', profile, requirement);
  }
  const { maxAgeSeconds } = requirement;
  if (maxAgeSeconds !== undefined && !isFresh(assurance, profile, maxAgeSeconds, now)) {
    return challenge('expired', profile, requirement);
  }
  return { access: 'allow', via: assurance.via, assurance };
}

function challenge(because: 'missing' | 'expired' | 'revoked', profile: Profile, { maxAgeSeconds }: Requirement): AccessDecision {
  return {
    access: 'challenge',
    because,
    factors: challengeFactors(profile),
    ...(maxAgeSeconds === undefined ? {} : { maxAgeSeconds }),
  };
}

function invalid(message: string): MfaError {
  return new MfaError('invalid_option', message);
}
