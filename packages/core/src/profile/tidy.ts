import type { EventDetail } from '../events.js';
import { type Device, forgetRemembered } from './device.js';
import type { Profile } from './profile.js';

/** What a profile must not say any more, taken out. */
export interface Tidied {
  profile: Profile;
  /** To be stored even if nothing else is. */
  mustStore: boolean;
  /** To be reported once it is stored. */
  events: EventDetail[];
}

/** Clocks of servers that work differ by less. */
const CLOCK_TOLERANCE = 60_000;
/** So long, before and after, the note of a reset explains an empty profile (policy/enforcement.ts). */
const UNENROLLED_EXPLAINS = 7 * 24 * 3_600_000;

/** The profile without recovery codes where they are switched off: off means that nobody is offered them and no flow finds them. */
export function withoutSwitchedOff(profile: Profile, recoveryCodes: boolean): Profile {
  return recoveryCodes || profile.recoveryCodes === null ? profile : { ...profile, recoveryCodes: null };
}

/**
 * The profile as a change of it begins: without what is switched off, and without instants that lie ahead of the clock where they
 * would come to life when the clock gets there.
 *
 * Recovery codes that are switched off are dropped by the first change that meets them. What lies ahead goes only with the next
 * write that there is anyway, so that a login while the clock is behind for a moment forgets nothing.
 *
 * A clock that was wrong for a moment has dated it. A remembrance, a token that was retired, a pending enrollment and a note of a
 * reset that explains nothing now are dropped, which is the strict reading of each. When a device was used is dated now, so that it
 * does not outlive those that were used since. What lies ahead and does no harm stays: a ledger of used codes and a guess budget
 * must not forget, and when something was made only tells people.
 */
export function tidyProfile(
  profile: Profile,
  { recoveryCodes, asStored, now }: { recoveryCodes: boolean; asStored: boolean; now: number },
): Tidied {
  const on = withoutSwitchedOff(profile, recoveryCodes);
  const kept = asStored ? on : withoutFuture(on, now + CLOCK_TOLERANCE, now);
  const revoked = !recoveryCodes && (profile.recoveryCodes?.digests.length ?? 0) > 0;
  const events: EventDetail[] = revoked ? [{ name: 'recovery_codes_revoked', because: 'switched_off' }] : [];
  return { profile: kept, mustStore: on !== profile && !asStored, events };
}

function withoutFuture(profile: Profile, latest: number, now: number): Profile {
  const { unenrolledAt = 0, enrollments, enrollmentStarts, devices } = profile;
  const faulty =
    unenrolledAt > now + UNENROLLED_EXPLAINS ||
    enrollments.some(({ startedAt }) => startedAt > latest) ||
    enrollmentStarts.some((start) => start > latest) ||
    devices.some((device) => lastInstant(device) > latest);
  if (!faulty) return profile;
  const { unenrolledAt: _, ...rest } = profile;
  return {
    ...(unenrolledAt > now + UNENROLLED_EXPLAINS ? rest : profile),
    enrollments: enrollments.filter(({ startedAt }) => startedAt <= latest),
    enrollmentStarts: enrollmentStarts.filter((start) => start <= latest),
    devices: devices.map((device) => (lastInstant(device) > latest ? withoutLead(device, latest, now) : device)),
  };
}

function lastInstant({ firstUsedAt, lastUsedAt, rememberedAt = 0, next, retiring = [] }: Device): number {
  return Math.max(
    firstUsedAt,
    lastUsedAt,
    rememberedAt,
    next?.mintedAt ?? 0,
    ...retiring.map(({ successorShownAt }) => successorShownAt),
  );
}

function withoutLead(device: Device, latest: number, now: number): Device {
  const dated = (instant: number) => (instant > latest ? now : instant);
  const { rememberedAt = 0, next, retiring } = device;
  const kept = rememberedAt > latest ? (forgetRemembered([device])[0] as Device) : device;
  return {
    ...kept,
    firstUsedAt: dated(device.firstUsedAt),
    lastUsedAt: dated(device.lastUsedAt),
    ...(next ? { next: { ...next, mintedAt: dated(next.mintedAt) } } : {}),
    ...(retiring ? { retiring: retiring.filter(({ successorShownAt }) => successorShownAt <= latest) } : {}),
  };
}
