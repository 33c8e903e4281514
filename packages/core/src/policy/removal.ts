import type { Profile } from '../profile/profile.js';
import type { EffectivePolicy } from './enforcement.js';

/** Whether this authenticator may go: never the last one while MFA is required. */
export function mayRemove(policy: EffectivePolicy, profile: Profile, authenticatorId: string): boolean {
  const remaining = profile.authenticators.filter((candidate) => candidate.id !== authenticatorId);
  return remaining.length > 0 || policy.mfa !== 'required';
}
