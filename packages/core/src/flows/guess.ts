import type { EventDetail } from '../events.js';
import { afterSuccess, budgetAt, chargeGuess, chargeReplay, type GuessBudget } from '../policy/lockout.js';
import type { Profile } from '../profile/profile.js';
import { type Refusal, refuse } from '../results.js';
import type { KnownDevice } from './known-device.js';

/** A guess with its price: the profile to store, and the refusal unless it was right. */
export interface PricedGuess {
  refusal?: Refusal;
  /** Absent: nothing to store. */
  profile?: Profile;
  events: EventDetail[];
}

/**
 * The budget that a guess from this browser is taken from: its own if it has passed a factor before, else the one that all
 * unknown browsers share.
 */
function budgetOf(profile: Profile, known: KnownDevice): GuessBudget {
  return known.state === 'live' ? known.device.budget : profile.budget;
}

/** The wait before a guess of this cost, as the answer of a throttled one; null: evaluate it. Nothing is consumed. */
export function throttleGuess(
  profile: Profile,
  known: KnownDevice,
  door: 'verify' | 'enroll',
  cost: number,
  now: number,
): PricedGuess | null {
  const { waitMs, budget, mustStore } = budgetAt(budgetOf(profile, known), cost, now);
  if (waitMs === 0) return null;
  const retryAfterSeconds = Math.ceil(waitMs / 1000);
  return {
    refusal: refuse('throttled', { retryAfterSeconds }),
    events: [{ name: 'throttled', factor: 'totp', door, retryAfterSeconds }],
    ...(mustStore ? { profile: withBudget(profile, known, budget) } : {}),
  };
}

/** Takes the price of an evaluated guess. `profile` already holds what the check itself stores. */
export function priceGuess(
  profile: Profile,
  known: KnownDevice,
  door: 'verify' | 'enroll',
  guess: { outcome: 'accepted' | 'replayed' | 'wrong'; cost: number },
  now: number,
): PricedGuess {
  const { budget } = budgetAt(budgetOf(profile, known), guess.cost, now);
  if (guess.outcome === 'accepted') return { profile: withBudget(profile, known, afterSuccess(budget)), events: [] };
  const failed: EventDetail = { name: 'verification_failed', factor: 'totp', door, why: guess.outcome };
  if (guess.outcome === 'replayed') {
    const charged = chargeReplay(budget, now);
    return { refusal: refuse('invalid_code'), profile: withBudget(profile, known, charged), events: [failed] };
  }
  const charged = chargeGuess(budget, guess.cost, now);
  const suspected: EventDetail[] = charged.suspicion ? [{ name: 'guessing_suspected', level: charged.suspicion }] : [];
  return {
    refusal: refuse('invalid_code'),
    profile: withBudget(profile, known, charged.budget),
    events: [failed, ...suspected],
  };
}

function withBudget(profile: Profile, known: KnownDevice, budget: GuessBudget): Profile {
  if (known.state !== 'live') return { ...profile, budget };
  const devices = profile.devices.map((device) => (device.id === known.device.id ? { ...device, budget } : device));
  return { ...profile, devices };
}
