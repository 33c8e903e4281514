import type { EventDetail } from '../../events.js';
import { closeWindow, type TotpData, totpFactor } from '../../factors/totp/totp.js';
import type { Authenticator, Profile } from '../../profile/profile.js';

/** A code checked against every authenticator of the user. */
export interface CheckedCode {
  /** `repeated`: used, and the authenticator accepted a code a moment ago. */
  outcome: 'accepted' | 'replayed' | 'repeated' | 'wrong';
  /** The profile with every ledger that the code matched brought up to date. */
  profile: Profile;
  /** The authenticator that accepted it. */
  authenticatorId?: string;
  events: EventDetail[];
}

/** So long after an authenticator accepted a code a used code is one of the same moment. */
const SAME_MOMENT = 10_000;

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
  let used: 'replayed' | 'repeated' | undefined;
  let ahead = 0;
  const authenticators = profile.authenticators.map((authenticator) => {
    if (!isTotp(authenticator)) return authenticator;
    const checked = factor.check(authenticator.data, code, { now });
    ahead = Math.max(ahead, checked.aheadSeconds ?? 0);
    if (checked.outcome === 'replayed') used = used === 'replayed' || !isSameMoment(authenticator, now) ? 'replayed' : 'repeated';
    if (checked.outcome !== 'accepted') return authenticator;
    accepted ??= authenticator.id;
    return { ...authenticator, data: checked.data, lastUsedAt: now };
  });
  const events: EventDetail[] = ahead > 0 ? [{ name: 'clock_anomaly', aheadSeconds: ahead }] : [];
  if (accepted !== undefined) {
    return { outcome: 'accepted', profile: { ...profile, authenticators }, authenticatorId: accepted, events };
  }
  return { outcome: used ?? 'wrong', profile, events };
}

/** The profile with no code left that is accepted now, in any authenticator: the next ones are good within a minute. */
export function closeCurrentCodes(profile: Profile, windowSteps: 0 | 1, now: number): Profile {
  const authenticators = profile.authenticators.map((authenticator) =>
    isTotp(authenticator) ? { ...authenticator, data: closeWindow(authenticator.data, windowSteps, now) } : authenticator,
  );
  return { ...profile, authenticators };
}

function isSameMoment({ lastUsedAt }: Authenticator, now: number): boolean {
  return lastUsedAt !== undefined && Math.abs(now - lastUsedAt) <= SAME_MOMENT;
}

function isTotp(authenticator: Authenticator): authenticator is Authenticator & { data: TotpData } {
  return authenticator.kind === 'totp';
}
