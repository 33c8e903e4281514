import type { MfaSession, VerifiedSession } from '../../assurance.js';
import type { EventDetail } from '../../events.js';
import type { KnownUser } from '../../host-input.js';
import { isUsed, noteUsed } from '../../limits/used-tokens.js';
import { type EffectivePolicy, isProfileMissing } from '../../policy/enforcement.js';
import { isFresh, MANAGEMENT_MAX_AGE_SECONDS } from '../../policy/requirement.js';
import { isEnrolled, type Profile } from '../../profile/profile.js';
import { type Refusal, refuse } from '../../results.js';
import { CLOCK_TOLERANCE_MS } from '../../time.js';

/** The input of a gate. */
export interface GateInput {
  user: KnownUser;
  policy: EffectivePolicy;
  session: MfaSession;
  profile: Profile | null;
  now: number;
}

/** An open gate, with the profile. */
export interface OpenGate {
  open: true;
  profile: Profile;
}

/** A closed gate, with the refusal. */
export interface ClosedGate {
  open: false;
  refusal: Refusal;
  events?: EventDetail[] | undefined;
}

/** The open gate of a session with a second factor. */
export interface OpenManagementGate extends OpenGate {
  session: VerifiedSession;
}

export type Gate = OpenGate | ClosedGate;

/** For a proof: requires a valid state of this user, and an authenticator. */
export function proofGate(at: GateInput): Gate {
  const gate = stateGate(at);
  if (!gate.open) return gate;
  return isEnrolled(gate.profile) ? gate : closed(refuse('not_enrolled'));
}

/** For managing authenticators, devices and codes: requires a second factor verified within the last five minutes. */
export function managementGate(at: GateInput): OpenManagementGate | ClosedGate {
  const gate = stateGate(at);
  if (!gate.open) return gate;
  const { session, now } = at;
  if (!isEnrolled(gate.profile)) return closed(refuse('not_enrolled'));
  const fresh = session.state === 'verified' && isFresh(session.assurance, gate.profile, MANAGEMENT_MAX_AGE_SECONDS, now);
  return fresh ? { ...gate, session } : closed(assuranceRequired());
}

/** Part of every gate: requires that the profile exists, and that the state has its epoch and is not used up. */
export function stateGate({ user, policy, session, profile, now }: GateInput): Gate {
  if (isProfileMissing(user.enrolled, profile, now)) {
    return closed(refuse('profile_missing'), [{ name: 'profile_missing' }]);
  }
  if (session.state === 'pending') {
    if (policy.mfa === 'off' || !profile || session.epoch !== profile.epoch) return closed(refuse('login_again'));
    if (session.token && (session.token.expiresAt + CLOCK_TOLERANCE_MS <= now || isUsed(profile.usedTokens, session.token.id))) {
      return closed(refuse('pending_token_invalid'));
    }
    // Checked before any proof, because otherwise this refusal would reveal that the proof was right.
    if (session.token && !noteUsed(profile.usedTokens, session.token, now)) {
      return closed(refuse('limit_reached', { retryAfterSeconds: 60 }));
    }
  }
  return profile ? { open: true, profile } : closed(refuse('login_again'));
}

/** Marks the session's pending token as used, if it has one. {@link stateGate} has checked that the profile has room for it. */
export function useUpToken(profile: Profile, session: MfaSession, now: number): Profile {
  if (session.state !== 'pending' || !session.token) return profile;
  return { ...profile, usedTokens: noteUsed(profile.usedTokens, session.token, now) ?? profile.usedTokens };
}

/** The refusal for a missing recent second factor. */
export function assuranceRequired(): Refusal {
  return refuse('assurance_required', { maxAgeSeconds: MANAGEMENT_MAX_AGE_SECONDS });
}

function closed(refusal: Refusal, events?: EventDetail[]): ClosedGate {
  return { open: false, refusal, events };
}
