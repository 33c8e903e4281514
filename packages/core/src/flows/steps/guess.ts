import type { EventDetail } from '../../events.js';
import type { FactorOutcome } from '../../factors/factor.js';
import {
  afterSuccess,
  type BudgetOwner,
  budgetAt,
  chargeGuess,
  chargeReplay,
  type GuessBudget,
  msAhead,
  UNTOUCHED,
} from '../../limits/guess-budget.js';
import { chargeRecovery, isFlooded } from '../../limits/recovery-tries.js';
import { noteWrongCode } from '../../limits/wrong-codes.js';
import type { PendingEnrollment } from '../../profile/enrollment.js';
import type { Profile } from '../../profile/profile.js';
import { type Refusal, refuse } from '../../results.js';
import type { ProofAt } from './check-proof.js';
import type { DeviceMatch } from './presented-device.js';

/** A guess and what it costs: the profile to store, and the refusal unless the code was right. */
export interface PricedGuess {
  refusal?: Refusal;
  /** Absent if there is nothing to store. */
  profile?: Profile;
  events: EventDetail[];
}

/** The budget that pays for a guess, and how to store it after a change. */
export interface BudgetSource {
  owner: BudgetOwner;
  budget: GuessBudget;
  put(profile: Profile, budget: GuessBudget): Profile;
}

/**
 * The budget that pays for a guess from this browser: its own budget if it has passed a factor before, otherwise the one that all
 * unknown browsers share.
 */
export function budgetOfBrowser(profile: Profile, known: DeviceMatch): BudgetSource {
  if (known.state !== 'live') {
    return { owner: 'account', budget: profile.budget, put: (next, budget) => ({ ...next, budget }) };
  }
  const { id } = known.device;
  return {
    owner: 'device',
    budget: known.device.budget,
    put: (next, budget) => ({
      ...next,
      devices: next.devices.map((device) => (device.id === id ? { ...device, budget } : device)),
    }),
  };
}

/**
 * The budget of one pending enrollment. The session that confirms it shows the secret on its screen, so a wrong code there is not a
 * guess at an authenticator, and wrong codes that others enter must not keep the user from confirming. This limit only bounds the work.
 */
export function budgetOfEnrollment({ id, budget = UNTOUCHED }: PendingEnrollment): BudgetSource {
  return {
    owner: 'enrollment',
    budget,
    put: (next, changed) => ({
      ...next,
      enrollments: next.enrollments.map((pending) => (pending.id === id ? { ...pending, budget: changed } : pending)),
    }),
  };
}

/** Returns the refusal if the user must wait before the next guess, or null if the guess may be evaluated. Charges and stores nothing. */
export function throttleGuess(source: BudgetSource, at: ProofAt, now: number): PricedGuess | null {
  const { waitMs, aheadMs } = budgetAt(source.budget, now, source.owner);
  if (waitMs === 0) return null;
  const retryAfterSeconds = Math.ceil(waitMs / 1000);
  return {
    refusal: refuse('throttled', { retryAfterSeconds }),
    events: [{ name: 'throttled', factor: at.factor, endpoint: at.endpoint, retryAfterSeconds }, ...clockAnomaly(aheadMs)],
  };
}

/**
 * Charges an evaluated guess. `profile` already contains what the check itself stores.
 *
 * `repeated`: a code that was accepted a moment ago, sent again because two requests raced or a form was submitted twice. It is
 * refused like every used code but costs nothing. This allows no extra guess, because such a code is never accepted.
 */
export function priceGuess(
  source: BudgetSource,
  profile: Profile,
  at: ProofAt,
  outcome: FactorOutcome,
  now: number,
): PricedGuess {
  const anomaly = clockAnomaly(msAhead(source.budget, now));
  if (outcome === 'accepted') return { profile: source.put(profile, afterSuccess(source.budget, now)), events: anomaly };
  const why = outcome === 'wrong' ? 'wrong' : 'replayed';
  const refusal = refuse('invalid_code');
  const events: EventDetail[] = [{ name: 'verification_failed', factor: at.factor, endpoint: at.endpoint, why }, ...anomaly];
  // Store nothing, so that many repeats of one right code do not cause many writes. The faster answer reveals only that the code
  // was accepted a moment ago, which is useless because the code is never accepted again.
  if (outcome === 'repeated') return { refusal, events };
  if (outcome === 'replayed') return { refusal, events, profile: source.put(profile, chargeReplay(source.budget, now)) };
  const charged = chargeGuess(source.budget, now);
  if (source.owner === 'enrollment') return { refusal, events, profile: source.put(profile, charged) };
  const { owner } = source;
  const noted = noteWrongCode({ wrongCodes: profile.wrongCodes, budget: charged, owner }, now);
  if (noted.level) events.push({ name: 'guessing_suspected', level: noted.level });
  return {
    refusal,
    events,
    profile: source.put({ ...profile, wrongCodes: noted.wrongCodes }, noted.budget ?? charged),
  };
}

/** The event for a budget whose time is ahead of the clock. The emitter reports it at most once an hour. */
function clockAnomaly(aheadMs: number): EventDetail[] {
  return aheadMs > 0 ? [{ name: 'clock_anomaly', aheadSeconds: Math.ceil(aheadMs / 1000) }] : [];
}

/**
 * Charges a proof that cannot be guessed. Only the number of writes is limited: beyond the limit, a wrong proof is counted in one event
 * without a write, and a right proof is still accepted.
 */
export function chargeUnguessable(
  { outcome, profile }: { outcome: FactorOutcome; profile: Profile },
  owner: BudgetOwner,
  at: ProofAt,
  now: number,
): PricedGuess {
  if (outcome === 'accepted') return { profile, events: [] };
  const refusal = refuse('invalid_code');
  if (isFlooded(profile.recoveryTries, now)) return { refusal, events: [{ name: 'recovery_codes_flooded', tries: 1 }] };
  const { factor, endpoint } = at;
  // It costs nothing, like a repeated code of an authenticator.
  if (outcome !== 'wrong') return { refusal, events: [{ name: 'verification_failed', factor, endpoint, why: 'replayed' }] };
  const noted = noteWrongCode({ wrongCodes: profile.wrongCodes, budget: undefined, owner }, now);
  const events: EventDetail[] = [{ name: 'verification_failed', factor, endpoint, why: 'wrong' }];
  if (noted.level) events.push({ name: 'guessing_suspected', level: noted.level });
  return {
    refusal,
    events,
    profile: { ...profile, recoveryTries: chargeRecovery(profile.recoveryTries, now), wrongCodes: noted.wrongCodes },
  };
}
