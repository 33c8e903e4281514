import { letsRemember } from '../assurance.js';
import { type GuessBudget, UNTOUCHED } from '../limits/guess-budget.js';
import { CLOCK_TOLERANCE_MS, DAY, MINUTE } from '../time.js';

/** A browser that has passed a factor. */
export interface Device {
  id: string;
  label: string;
  /** Epoch milliseconds. */
  firstUsedAt: number;
  lastUsedAt: number;
  /** Only until then, and only if present, does it stand in for the login prompt. */
  rememberedUntil?: number;
  /** When the box was ticked: a policy of fewer days counts from then. */
  rememberedAt?: number;
  /** By which proof; counts only while `at` is {@link rememberedAt}. A device of an older version has none: it was by a code. */
  rememberedBy?: { via: string; at: number };
  /** Guesses from this browser: nobody who merely has the password can shut its owner out here. */
  budget: GuessBudget;
  /** Id of the token that the browser has. */
  current: string;
  /** The tokens before it, newest first, each good for a moment after its successor was first shown. */
  retiring?: { id: string; successorShownAt: number }[];
  /** A successor that was sent and not shown so far. */
  next?: { id: string; mintedAt: number };
}

/** Requests within this window count as one use of a token, because a browser sends some in parallel. */
const OVERLAP = MINUTE;
const MAX_DEVICES = 20;
/** Only a browser that logs in again within seconds, and again, has more than one. */
const MAX_RETIRING = 4;

/** The outcome for a presented token: the device to store, and the successor to send if one was minted. */
export type RotatedToken = { live: true; device: Device; minted?: string } | { live: false };

/**
 * Rotates the token of a device at a use.
 *
 * A token retires 60 seconds after its successor was first shown. Shown again within 60 seconds of the successor's minting it
 * mints nothing; later it mints another one, and the one that was never shown ends, so a lost response causes no alarm. A retired or dead
 * token is not live: somebody else has it (OAuth 2.0 Security BCP, RFC 9700 section 4.14.2, the same idea for refresh tokens).
 */
export function rotateToken(device: Device, tokenId: string, freshId: string, now: number): RotatedToken {
  if (tokenId === device.current) {
    if (device.next && isRecent(device.next.mintedAt, now)) return { live: true, device };
    return { live: true, device: { ...device, next: { id: freshId, mintedAt: now } }, minted: freshId };
  }
  if (tokenId === device.next?.id) {
    const retiring = [{ id: device.current, successorShownAt: now }, ...retiringAt(device, now)].slice(0, MAX_RETIRING);
    const next = { id: freshId, mintedAt: now };
    return { live: true, device: { ...device, current: tokenId, retiring, next }, minted: freshId };
  }
  return retiringAt(device, now).some(({ id }) => id === tokenId) ? { live: true, device } : { live: false };
}

/** Whether the token is one that {@link rotateToken} would accept. */
export function isLiveToken(device: Device, tokenId: string, now: number): boolean {
  return rotateToken(device, tokenId, '', now).live;
}

/**
 * Until when the device stands in for the login prompt, by the policy of now; undefined if it does not. A tick dated ahead of the
 * clock does not count.
 */
export function rememberedEnd(device: Device, rememberDays: number, now: number): number | undefined {
  const { rememberedAt, rememberedUntil } = device;
  if (rememberDays === 0 || rememberedAt === undefined || rememberedUntil === undefined || !isAccepted(device)) return undefined;
  const end = Math.min(rememberedUntil, rememberedAt + rememberDays * DAY);
  return rememberedAt <= now + CLOCK_TOLERANCE_MS && now < end ? end : undefined;
}

/** Whether the device stands in for the login prompt. */
export function isRemembered(device: Device, rememberDays: number, now: number): boolean {
  return rememberedEnd(device, rememberDays, now) !== undefined;
}

/** A new device, known from now on. */
export function newDevice(given: { id: string; label: string; tokenId: string }, now: number): Device {
  return { id: given.id, label: given.label, firstUsedAt: now, lastUsedAt: now, budget: UNTOUCHED, current: given.tokenId };
}

/** The devices with this one in its newest state; beyond twenty the least recently used go. */
export function putDevice(devices: readonly Device[], device: Device): Device[] {
  const others = devices.filter((candidate) => candidate.id !== device.id);
  const kept = others.sort((a, b) => b.lastUsedAt - a.lastUsedAt).slice(0, MAX_DEVICES - 1);
  return [device, ...kept];
}

/** The devices with none of them remembered. They stay known. */
export function unrememberDevices(devices: readonly Device[]): Device[] {
  return devices.map(withoutTick);
}

function withoutTick(device: Device): Device {
  // Copying an object without some of its fields is slow, and most devices have none of them.
  if (device.rememberedUntil === undefined && device.rememberedAt === undefined && device.rememberedBy === undefined)
    return device;
  const { rememberedUntil: _until, rememberedAt: _at, rememberedBy: _by, ...rest } = device;
  return rest;
}

/** Whether the proof that remembered the device would be accepted today. */
function isAccepted({ rememberedAt, rememberedBy }: Device): boolean {
  return rememberedBy?.at !== rememberedAt || letsRemember(rememberedBy?.via);
}

function retiringAt(device: Device, now: number): { id: string; successorShownAt: number }[] {
  return (device.retiring ?? []).filter(({ successorShownAt }) => isRecent(successorShownAt, now));
}

function isRecent(instant: number, now: number): boolean {
  return Math.abs(now - instant) <= OVERLAP;
}
