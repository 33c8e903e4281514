import type { Assurance } from '../assurance.js';
import { randomId } from '../crypto/random.js';
import { isMadeId } from '../host-input.js';
import { type GuessBudget, UNTOUCHED } from '../limits/guess-budget.js';
import type { RecoveryTries } from '../limits/recovery-tries.js';
import type { UsedToken } from '../limits/used-tokens.js';
import type { WrongCodes } from '../limits/wrong-codes.js';
import { DAY } from '../time.js';
import { type Device, unrememberDevices } from './device.js';
import type { PendingEnrollment } from './enrollment.js';
import type { RecoveryCodeSet } from './recovery-code-set.js';

/** One enrolled authenticator; `data` is its factor's. One of a kind that this version does not know still counts as one. */
export interface Authenticator {
  id: string;
  kind: string;
  name: string;
  /** Epoch milliseconds. */
  createdAt: number;
  lastUsedAt?: number;
  /** The enrollment that it came from, so that a repeated confirmation is recognized. */
  enrollmentId: string;
  data: unknown;
}

/** All that is known about one user: one record, sealed, replaced as a whole. */
export interface Profile {
  format: 1;
  /** 128 random bits; older state of another epoch is worth nothing. */
  epoch: string;
  /** Changes whenever remembered devices are cleared. */
  deviceEpoch: string;
  /** The last 16 versions before this one, newest first: how a doubtful write is recognized. */
  versions: string[];
  authenticators: Authenticator[];
  enrollments: PendingEnrollment[];
  /** Instants of enrollment starts within the hour. */
  enrollmentStarts: number[];
  recoveryCodes: RecoveryCodeSet | null;
  recoveryTries: RecoveryTries;
  devices: Device[];
  /** Devices that were revoked, or whose token was reused: what was proven from them counts no more. */
  endedDevices?: string[];
  /** Guesses from browsers that are not known. */
  budget: GuessBudget;
  /** Wrong codes after a right password that the user was not notified of. Release 1 keeps this and adds none. */
  wrongCodes?: WrongCodes;
  usedTokens: UsedToken[];
  /** The earliest deadline that policy ever gave: it is never extended. */
  enrollBy?: number;
  /**
   * The deadline that support has set in place of policy's. `over`: the {@link enrollBy} that it stands over. It counts only while that
   * and the epoch are the same: release 1 keeps the field when it enrolls or resets the user, and changes the epoch.
   */
  enrollByExtension?: { enrollBy: number; over?: number; epoch: string };
  /** When the last authenticator was removed or reset, for as long as the host may not know of it. */
  unenrolledAt?: number;
  /** When the host learned of that: replaces {@link unenrolledAt}, which is then removed. */
  unenrolledToldAt?: number;
  /** The restored backup that `afterRestore` has dealt with: when it went into service, in epoch milliseconds. */
  restoredAt?: number;
}

/** For how long, before and after, {@link Profile.unenrolledAt} explains that a profile of an enrolled user is empty. */
export const UNENROLLED_EXPLAINS_MS = 7 * DAY;

/** A profile in which nothing has happened. */
export function newProfile(): Profile {
  return {
    format: 1,
    epoch: randomId(),
    deviceEpoch: randomId(),
    versions: [],
    authenticators: [],
    enrollments: [],
    enrollmentStarts: [],
    recoveryCodes: null,
    recoveryTries: { since: 0, count: 0 },
    devices: [],
    budget: UNTOUCHED,
    usedTokens: [],
    // Here from the start, because JavaScript engines are slow at adding a field to a copy.
    wrongCodes: { at: [] },
  };
}

/** Whether the user has an authenticator, of whatever kind. */
export function isEnrolled(profile: Profile | null): boolean {
  return (profile?.authenticators.length ?? 0) > 0;
}

/** The profile after a security change: no device is remembered, and a login begun before remembers nothing. */
export function withoutRememberedDevices(profile: Profile): Profile {
  return { ...profile, deviceEpoch: randomId(), devices: unrememberDevices(profile.devices) };
}

/** Returns the profile after the host has learned that its user was unenrolled: from now on the host's record counts. */
export function withoutUnenrolledNote(profile: Profile, now: number): Profile {
  if (profile.unenrolledAt === undefined) return profile;
  const { unenrolledAt: _, ...rest } = profile;
  return { ...rest, unenrolledToldAt: now };
}

/** Ended devices in a profile; with one more the epoch changes instead. */
const MAX_ENDED_DEVICES = 32;

/** Whether what was proven still counts: no security change, and not the end of the device that it came from, has voided it. */
export function isInForce({ epoch, deviceId }: Assurance, profile: Profile): boolean {
  if (epoch !== profile.epoch) return false;
  return deviceId === undefined || !profile.endedDevices?.includes(deviceId);
}

/**
 * The profile without this device; the sessions that came from it end. So they do where the device was dropped meanwhile because
 * others were used since: its sessions go on. A value that is not the id of a device ends nothing.
 */
export function endDevice(profile: Profile, deviceId: string): Profile {
  const devices = profile.devices.filter((device) => device.id !== deviceId);
  const isKnown = devices.length < profile.devices.length;
  if (!isKnown && (!isMadeId(deviceId) || profile.endedDevices?.includes(deviceId))) return profile;
  const { endedDevices = [], ...rest } = profile;
  if (endedDevices.length < MAX_ENDED_DEVICES) return { ...rest, devices, endedDevices: [...endedDevices, deviceId] };
  return { ...rest, devices, epoch: randomId(), enrollments: [] };
}

/** The profile in a new epoch: all state that was given out before is worth nothing. */
export function withNewEpoch(profile: Profile): Profile {
  const { endedDevices: _, enrollByExtension: extension, ...rest } = withoutRememberedDevices(profile);
  const epoch = randomId();
  const kept = extension?.epoch === profile.epoch && !isEnrolled(profile) ? { enrollByExtension: { ...extension, epoch } } : {};
  return { ...rest, ...kept, epoch, enrollments: [] };
}

/** Names and labels end at 64 characters, and hold nothing that moves a terminal or a log line. What is no text is no name. */
export function tidyName(name: unknown, fallback: string): string {
  if (typeof name !== 'string') return fallback;
  const tidy = Array.from(name.replace(/[\p{Cc}\p{Cs}\u2028\u2029]/gu, ' ').trim())
    .slice(0, 64)
    .join('')
    .trim();
  return tidy === '' ? fallback : tidy;
}
