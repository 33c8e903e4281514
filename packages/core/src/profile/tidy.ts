import type { EventDetail } from '../events.js';
import { CLOCK_TOLERANCE_MS } from '../time.js';
import { type Device, unrememberDevices } from './device.js';
import { type Profile, UNENROLLED_EXPLAINS_MS } from './profile.js';

/** A profile after cleanup. */
export interface Tidied {
  profile: Profile;
  /** Whether it must be stored even if nothing else changes. */
  mustStore: boolean;
  /** Events to report after it is stored. */
  events: EventDetail[];
}

/** The profile without recovery codes where they are switched off: off means that nobody is offered them and no flow finds them. */
export function withoutSwitchedOff(profile: Profile, recoveryCodes: boolean): Profile {
  return recoveryCodes || profile.recoveryCodes === null ? profile : { ...profile, recoveryCodes: null };
}

/**
 * Cleans up a profile before a change: removes what is switched off, and entries dated ahead of the clock that would become valid later.
 *
 * The first change drops recovery codes that are switched off. Entries dated ahead are dropped only together with another write, so
 * that a login while the clock is briefly behind loses nothing.
 *
 * Such dates come from a clock that was wrong. A remembered device, a retired token, a pending enrollment and a note of a reset that
 * explains nothing now are dropped, which is the strict choice for each. The last use of a device is set to now, so that the device
 * does not outlive those used since. Harmless dates stay: the ledger of used codes and the guess budget must not forget, and a
 * creation date is only shown to people.
 */
export function tidyProfile(
  profile: Profile,
  { recoveryCodes, asStored, now }: { recoveryCodes: boolean; asStored: boolean; now: number },
): Tidied {
  const on = withoutSwitchedOff(profile, recoveryCodes);
  const kept = asStored ? on : withoutFuture(on, now + CLOCK_TOLERANCE_MS, now);
  const revoked = !recoveryCodes && (profile.recoveryCodes?.digests.length ?? 0) > 0;
  const events: EventDetail[] = revoked ? [{ name: 'recovery_codes_revoked', because: 'switched_off' }] : [];
  return { profile: kept, mustStore: on !== profile && !asStored, events };
}

function withoutFuture(profile: Profile, latest: number, now: number): Profile {
  const { unenrolledAt = 0, enrollments, enrollmentStarts, devices } = profile;
  const faulty =
    unenrolledAt > now + UNENROLLED_EXPLAINS_MS ||
    enrollments.some(({ startedAt }) => startedAt > latest) ||
    enrollmentStarts.some((start) => start > latest) ||
    devices.some((device) => lastInstant(device) > latest);
  if (!faulty) return profile;
  const { unenrolledAt: _, ...rest } = profile;
  return {
    ...(unenrolledAt > now + UNENROLLED_EXPLAINS_MS ? rest : profile),
    enrollments: enrollments.filter(({ startedAt }) => startedAt <= latest),
    enrollmentStarts: enrollmentStarts.filter((start) => start <= latest),
    devices: devices.map((device) => (lastInstant(device) > latest ? withoutLead(device, latest, now) : device)),
  };
}

function lastInstant({ firstUsedAt, lastUsedAt, rememberedAt = 0, next, retiring }: Device): number {
  let last = Math.max(firstUsedAt, lastUsedAt, rememberedAt, next?.mintedAt ?? 0);
  if (retiring) for (const { successorShownAt } of retiring) last = Math.max(last, successorShownAt);
  return last;
}

function withoutLead(device: Device, latest: number, now: number): Device {
  const dated = (instant: number) => (instant > latest ? now : instant);
  const { rememberedAt = 0, next, retiring } = device;
  const kept = rememberedAt > latest ? (unrememberDevices([device])[0] as Device) : device;
  return {
    ...kept,
    firstUsedAt: dated(device.firstUsedAt),
    lastUsedAt: dated(device.lastUsedAt),
    ...(next ? { next: { ...next, mintedAt: dated(next.mintedAt) } } : {}),
    ...(retiring ? { retiring: retiring.filter(({ successorShownAt }) => successorShownAt <= latest) } : {}),
  };
}
