import type { MfaSession, VerifiedSession } from '../../assurance.js';
import type { EventDetail } from '../../events.js';
import type { KnownUser } from '../../host-input.js';
import { isUsed, noteUsed } from '../../limits/used-tokens.js';
import { type EffectivePolicy, isProfileMissing } from '../../policy/enforcement.js';
import { isFresh, MANAGEMENT_MAX_AGE_SECONDS } from '../../policy/requirement.js';
import { isEnrolled, type Profile } from '../../profile/profile.js';
import { type Refusal, refuse } from '../../results.js';
import { CLOCK_TOLERANCE_MS } from '../../time.js';

/** What a gate looks at. */
export interface GateInput {
  user: KnownUser;
  policy: EffectivePolicy;
  session: MfaSession;
  profile: Profile | null;
  now: number;
}

/** A gate that is open has the profile. */
export interface OpenGate {
  open: true;
  profile: Profile;
}

/** A gate that is closed has the refusal. */
export interface ClosedGate {
  open: false;
  refusal: Refusal;
  events?: EventDetail[] | undefined;
}

/** A gate that is open only to a session with a second factor. */
export interface OpenManagementGate extends OpenGate {
  session: VerifiedSession;
}

export type Gate = OpenGate | ClosedGate;

/** For a proof: needs a state of this user that still counts, and an authenticator. */
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

/** Part of every gate: the profile exists, and the state is of its epoch and not used up. */
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

/** The profile with the session's pending token used up, if it has one. {@link stateGate} saw that there is room for it. */
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
