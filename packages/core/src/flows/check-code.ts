import type { EventDetail } from '../events.js';
import { closeWindow, type TotpData, totpFactor } from '../factors/totp.js';
import type { Authenticator, Profile } from '../profile/profile.js';

/** A code checked against every authenticator of the user. */
export interface CheckedCode {
  outcome: 'accepted' | 'replayed' | 'wrong';
  /** The profile with every ledger that the code matched brought up to date. */
  profile: Profile;
  /** The authenticator that accepted it. */
  authenticatorId?: string;
  events: EventDetail[];
}

/** The number of authenticators that a 6-digit code is tried against. */
export function codeAuthenticators(profile: Profile): number {
  return profile.authenticators.filter(isTotp).length;
}

/**
 * Tries a code against all authenticators in one pass without early exit, and closes the step in each one that matches.
 */
export function checkCode(profile: Profile, code: string, windowSteps: 0 | 1, now: number): CheckedCode {
  const factor = totpFactor(windowSteps);
  let accepted: string | undefined;
  let replayed = false;
  let ahead = 0;
  const authenticators = profile.authenticators.map((authenticator) => {
    if (!isTotp(authenticator)) return authenticator;
    const checked = factor.check(authenticator.data, code, { now });
    ahead = Math.max(ahead, checked.aheadSeconds ?? 0);
    replayed ||= checked.outcome === 'replayed';
    if (checked.outcome !== 'accepted') return { ...authenticator, data: checked.data };
    accepted ??= authenticator.id;
    return { ...authenticator, data: checked.data, lastUsedAt: now };
  });
  const events: EventDetail[] = ahead > 0 ? [{ name: 'clock_anomaly', aheadSeconds: ahead }] : [];
  if (accepted !== undefined) {
    return { outcome: 'accepted', profile: { ...profile, authenticators }, authenticatorId: accepted, events };
  }
  return { outcome: replayed ? 'replayed' : 'wrong', profile: { ...profile, authenticators }, events };
}

/** The profile with no code left that is accepted now, in any authenticator: the next ones are good within a minute. */
export function closeCurrentCodes(profile: Profile, windowSteps: 0 | 1, now: number): Profile {
  const authenticators = profile.authenticators.map((authenticator) =>
    isTotp(authenticator) ? { ...authenticator, data: closeWindow(authenticator.data, windowSteps, now) } : authenticator,
  );
  return { ...profile, authenticators };
}

function isTotp(authenticator: Authenticator): authenticator is Authenticator & { data: TotpData } {
  return authenticator.kind === 'totp';
}
