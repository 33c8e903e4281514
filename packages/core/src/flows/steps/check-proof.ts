import type { FactorKind } from '../../assurance.js';
import { type Awaitable, isThenable } from '../../awaitable.js';
import type { EventDetail } from '../../events.js';
import type { Checked, Factor, FactorContext, FactorOutcome, FactorStore } from '../../factors/factor.js';
import { factorOf } from '../../factors/registry.js';
import type { Authenticator, Profile } from '../../profile/profile.js';
import { refuse } from '../../results.js';
import { withinDeadline } from '../../store/deadline.js';

/** A proof in its normal form, and the factor that checks it. */
export interface ParsedProof {
  factor: Factor;
  value: unknown;
}

/** A proof checked against everything that the user has of its kind. */
export interface CheckedProof {
  /** `late` means that the check did not finish within the time of the operation. */
  outcome: FactorOutcome | 'late';
  /** The profile with the step marked as used in every authenticator that matched. */
  profile: Profile;
  /** The authenticator that accepted it. */
  authenticatorId?: string | undefined;
  events: EventDetail[];
}

/** The input of a check. `left` returns how many milliseconds the operation still has. */
export type CheckContext = FactorContext & { left: () => number };

/** The refusal of a proof whose check did not end in time. */
export const CHECK_LATE = refuse('busy', { retryAfterSeconds: 1 });

/** A proof that is used again within this time after it was accepted counts as a repeated request. */
const SAME_MOMENT = 10_000;

/** The authenticators whose proofs can be guessed. The odds of a guess grow with each of them. */
export function countGuessable(profile: Profile): number {
  return profile.authenticators.filter(({ kind }) => factorOf(kind)?.traits.guessable).length;
}

/**
 * Checks a proof. Tries it against all authenticators of its kind in one pass without an early exit, and marks its step as used in each
 * one that matches.
 */
export async function checkProof(profile: Profile, { factor, value }: ParsedProof, context: CheckContext): Promise<CheckedProof> {
  const { store } = factor;
  if (store) return checkStored(profile, { factor, value, store }, context);
  let accepted: string | undefined;
  let used: 'replayed' | 'repeated' | undefined;
  let ahead = 0;
  const authenticators: Authenticator[] = [];
  for (const authenticator of profile.authenticators) {
    if (authenticator.kind !== factor.kind) {
      authenticators.push(authenticator);
      continue;
    }
    const checked = await inTime(factor.check(authenticator.data, value, context), context.left);
    if (checked === null) return { outcome: 'late', profile, events: [] };
    ahead = Math.max(ahead, checked.aheadSeconds ?? 0);
    if (checked.outcome === 'accepted') {
      accepted ??= authenticator.id;
      authenticators.push({ ...authenticator, data: checked.data, lastUsedAt: context.now });
      continue;
    }
    authenticators.push(authenticator);
    if (checked.outcome !== 'wrong') {
      used = used === 'replayed' || !isSameMoment(authenticator, context.now) ? 'replayed' : 'repeated';
    }
  }
  const events: EventDetail[] = ahead > 0 ? [{ name: 'clock_anomaly', aheadSeconds: ahead }] : [];
  if (accepted === undefined) return { outcome: used ?? 'wrong', profile, events };
  return { outcome: 'accepted', profile: { ...profile, authenticators }, authenticatorId: accepted, events };
}

async function checkStored(
  profile: Profile,
  { factor, value, store }: ParsedProof & { store: FactorStore<unknown> },
  context: CheckContext,
): Promise<CheckedProof> {
  const data = store.read(profile);
  if (data === null) return { outcome: 'wrong', profile, events: [] };
  const checked = await inTime(factor.check(data, value, context), context.left);
  if (checked === null) return { outcome: 'late', profile, events: [] };
  const { outcome } = checked;
  return { outcome, profile: outcome === 'accepted' ? store.write(profile, checked.data) : profile, events: [] };
}

/** Returns the outcome of a check, or null if it does not finish in time. A synchronous check needs no timer. */
export function inTime<Data>(checking: Awaitable<Checked<Data>>, left: () => number): Awaitable<Checked<Data> | null> {
  return isThenable(checking) ? awaitCheck(checking, left) : checking;
}

async function awaitCheck<Data>(checking: Promise<Checked<Data>>, left: () => number): Promise<Checked<Data> | null> {
  const ended = await withinDeadline(left(), () => checking);
  if (ended.done) return ended.value;
  if (ended.why === 'error') throw ended.cause;
  return null;
}

/** Marks every code that would be accepted now as used in all authenticators. New codes work within a minute. */
export function useUpCurrentProofs(profile: Profile, context: FactorContext): Profile {
  const authenticators = profile.authenticators.map((authenticator) => {
    const factor = factorOf(authenticator.kind);
    return factor?.useUp ? { ...authenticator, data: factor.useUp(authenticator.data, context) } : authenticator;
  });
  return { ...profile, authenticators };
}

/** The name of a proof in the audit trail. */
export interface ProofAt {
  factor: FactorKind;
  endpoint: 'verify' | 'enroll';
}

function isSameMoment({ lastUsedAt }: Authenticator, now: number): boolean {
  return lastUsedAt !== undefined && Math.abs(now - lastUsedAt) <= SAME_MOMENT;
}
