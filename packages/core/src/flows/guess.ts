import type { EventDetail } from '../events.js';
import {
  afterSuccess,
  type BudgetOwner,
  budgetAt,
  chargeGuess,
  chargeReplay,
  type GuessBudget,
  UNTOUCHED,
} from '../policy/lockout.js';
import { noteWrongCode } from '../policy/suspicion.js';
import type { PendingEnrollment, Profile } from '../profile/profile.js';
import { type Refusal, refuse } from '../results.js';
import type { KnownDevice } from './known-device.js';

/** A guess with its price: the profile to store, and the refusal unless it was right. */
export interface PricedGuess {
  refusal?: Refusal;
  /** Absent: nothing to store. */
  profile?: Profile;
  events: EventDetail[];
}

/** The budget that a guess is taken from, and where it is put back. */
export interface Purse {
  owner: BudgetOwner;
  budget: GuessBudget;
  put(profile: Profile, budget: GuessBudget): Profile;
}

/**
 * The budget that a guess from this browser is taken from: its own if it has passed a factor before, else the one that all
 * unknown browsers share.
 */
export function browserPurse(profile: Profile, known: KnownDevice): Purse {
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
 * The budget of one pending enrollment. Its secret is on the screen of the session that confirms it, so a wrong code there is no
 * guess at anybody's authenticator, and the wrong codes of others must not keep the user from confirming. The limit bounds the work.
 */
export function enrollmentPurse({ id, budget = UNTOUCHED }: PendingEnrollment): Purse {
  return {
    owner: 'enrollment',
    budget,
    put: (next, changed) => ({
      ...next,
      enrollments: next.enrollments.map((pending) => (pending.id === id ? { ...pending, budget: changed } : pending)),
    }),
  };
}

/** The wait before a guess, as the answer of a throttled one; null: evaluate it. Nothing is consumed and nothing stored. */
export function throttleGuess(purse: Purse, door: 'verify' | 'enroll', now: number): PricedGuess | null {
  const { waitMs } = budgetAt(purse.budget, now, purse.owner);
  if (waitMs === 0) return null;
  const retryAfterSeconds = Math.ceil(waitMs / 1000);
  return {
    refusal: refuse('throttled', { retryAfterSeconds }),
    events: [{ name: 'throttled', factor: 'totp', door, retryAfterSeconds }, ...leadOf(purse, now)],
  };
}

/**
 * Takes the price of an evaluated guess. `profile` already holds what the check itself stores.
 *
 * `repeated`: a used code that was accepted a moment ago, because two requests raced or a form was submitted twice. It is refused
 * like every used code and costs nothing; since it cannot be accepted, and a wrong code never is one, nobody gains a guess by it.
 */
export function priceGuess(
  purse: Purse,
  profile: Profile,
  door: 'verify' | 'enroll',
  outcome: 'accepted' | 'replayed' | 'repeated' | 'wrong',
  now: number,
): PricedGuess {
  const lead = leadOf(purse, now);
  if (outcome === 'accepted') return { profile: purse.put(profile, afterSuccess(purse.budget, now)), events: lead };
  const why = outcome === 'wrong' ? 'wrong' : 'replayed';
  const refused = {
    refusal: refuse('invalid_code'),
    events: [{ name: 'verification_failed', factor: 'totp', door, why } as const, ...lead],
  };
  // Stored though nothing is charged: the time of the answer does not tell a used code from a wrong one.
  if (outcome === 'repeated') return { ...refused, profile };
  if (outcome === 'replayed') return { ...refused, profile: purse.put(profile, chargeReplay(purse.budget, now)) };
  const charged = chargeGuess(purse.budget, now);
  if (purse.owner === 'enrollment') return { ...refused, profile: purse.put(profile, charged) };
  const { owner } = purse;
  const noted = noteWrongCode({ wrongCodes: profile.wrongCodes, budget: charged, owner }, now);
  return {
    ...refused,
    // Not by a spread, which is slow where it adds a field.
    profile: Object.assign({}, purse.put(profile, noted.budget ?? charged), { wrongCodes: noted.wrongCodes }),
    events: [...refused.events, ...(noted.level ? [{ name: 'guessing_suspected', level: noted.level } as const] : [])],
  };
}

/** That a budget lies ahead of the clock, of which the emitter tells once an hour. */
function leadOf({ budget, owner }: Purse, now: number): EventDetail[] {
  const { aheadMs } = budgetAt(budget, now, owner);
  return aheadMs > 0 ? [{ name: 'clock_anomaly', aheadSeconds: Math.ceil(aheadMs / 1000) }] : [];
}
