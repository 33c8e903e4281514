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

/** Everything the guard's question depends on. */
export interface AccessFacts {
  enrolled: boolean | null | undefined;
  policy: EffectivePolicy;
  profile: Profile | null;
  /** State of this user; state of another user is nobody's and comes in as undefined. */
  session: MfaSession | undefined;
  requirement: Requirement;
  /** The host vouches for the first factor, though there is no state: a bearer token that speaks of no MFA. */
  firstFactorProven?: boolean;
  now: number;
}

/** Managing authenticators, devices and codes needs a proof no older than this. */
export const MANAGEMENT_MAX_AGE_SECONDS = 300;

/** Answers the guard's question (DESIGN: allow, challenge, enroll, login-again, refuse). */
export function decideAccess(facts: AccessFacts): AccessDecision {
  const { enrolled, policy, profile, session, requirement, firstFactorProven, now } = facts;
  if (policy.mfa === 'off') {
    // Who was asked for a proof and never gave one does not get in because MFA was switched off.
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

/** What {@link checkRequirement} gave: a guard that has it asks again at every request. */
const checked = new WeakSet<Requirement>();

/** Throws unless the requirement is one: a misspelled field would be a guard that does not hold. Checked when a route is made. */
export function checkRequirement(requirement: Requirement): Requirement {
  return checked.has(requirement) ? requirement : checkFields(requirement);
}

function checkFields(requirement: unknown): Requirement {
  checkFieldNames(requirement, FIELDS, refuseRequirement, refuseUnknown);
  const { maxAgeSeconds, acceptRememberedDevice } = requirement;
  checkFlag('acceptRememberedDevice', acceptRememberedDevice, refuseRequirement);
  // Only what was read and checked is kept: a getter may answer differently the next time.
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
    `maxAgeSeconds must be a whole number of seconds, ${LEAST_AGE_SECONDS} at least; it is ${describe(maxAgeSeconds)}. A younger ` +
      'proof would be too old when the request arrives that needs it. Write { maxAgeSeconds: 300 } for a proof of the last five minutes.',
  );
}

function refuseUnknown(name: string): never {
  throw invalid(`Unknown requirement "${name}". Known fields: ${FIELDS.join(', ')}.`);
}

function refuseRequirement(what: string): never {
  throw invalid(`A requirement ${what} Write { maxAgeSeconds: 300 }, for example.`);
}

/** What a guard asks for that was told nothing more. */
export const PLAIN_REQUIREMENT = checkRequirement({});

/** Whether a proof is in force and an active factor's, not older than the limit (inclusive). */
export function isFresh(assurance: Assurance, profile: Profile, maxAgeSeconds: number, now: number): boolean {
  if (!isInForce(assurance, profile) || assurance.via === 'remembered-device') return false;
  return isNotInFuture(assurance, now) && now - assurance.verifiedAt <= maxAgeSeconds * 1000;
}

/** Whether the proof is dated at a time that has passed. */
export function isNotInFuture(assurance: Assurance, now: number): boolean {
  return Number.isFinite(assurance.verifiedAt) && assurance.verifiedAt <= now + CLOCK_TOLERANCE_MS;
}

/** What a challenge can be answered with. */
export function challengeFactors(profile: Profile): ChallengeFactor[] {
  return FACTORS.filter((factor) => isHeld(factor, profile)).map(({ kind }) => kind);
}

function isHeld({ kind, store }: Factor, profile: Profile): boolean {
  if (!store) return profile.authenticators.some((authenticator) => authenticator.kind === kind);
  const data = store.read(profile);
  return data !== null && !store.isEmpty(data);
}

function decideUnenrolled({ policy, profile, session, requirement, now }: AccessFacts): AccessDecision {
  // A proof of another epoch: what it proved is gone, and the password it began with may be too.
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
