import type { AssuranceVia } from '../../assurance.js';
import type { Awaitable } from '../../awaitable.js';
import { randomId } from '../../crypto/random.js';
import type { EventDetail } from '../../events.js';
import { afterSuccess } from '../../limits/guess-budget.js';
import type { MfaUser } from '../../options.js';
import { type Device, isLiveToken, newDevice, putDevice, rotateToken, unrememberDevices } from '../../profile/device.js';
import { endDevice, type Profile, tidyName } from '../../profile/profile.js';
import type { DeviceGrant } from '../../results.js';
import { nextTick } from '../../store/deadline.js';
import { type DeviceClaims, openDeviceToken, signDeviceToken as signToken } from '../../tokens/device-token.js';
import type { FlowContext } from './flow-context.js';

/** What every proof may say about its browser. */
export interface DeviceInput {
  /** The user ticked "Remember this device". */
  rememberDevice?: boolean | undefined;
  /** Name of the browser. If it or `rememberDevice` is set, the browser of an accepted proof becomes a known device. */
  deviceLabel?: string | undefined;
  /** Device tokens that the browser sent for this user; at most four are looked at. */
  deviceToken?: string | readonly string[] | undefined;
}

/** The opened device tokens of a request. They are checked against the profile later. */
export interface PresentedTokens {
  claims: DeviceClaims[];
  /** Why the last invalid token was refused. */
  why?: 'invalid' | 'expired' | 'other_user';
}

/** Which device of the profile the presented tokens belong to. */
export type DeviceMatch =
  | { state: 'live'; device: Device; tokenId: string }
  /** The token was replaced earlier, so somebody else has a copy. */
  | { state: 'reused'; device: Device }
  | { state: 'unknown'; why?: 'invalid' | 'expired' | 'other_user' | 'unknown_device' };

/** A token to sign once its entry in the profile is stored. */
export interface TokenToSign {
  deviceId: string;
  tokenId: string;
  rememberedUntil?: number;
}

/** Until when a browser is remembered, and by which proof. */
export interface Remembrance {
  until: number;
  via: AssuranceVia;
}

/** The outcome for the browser of an accepted proof. */
export interface AdmittedDevice {
  profile: Profile;
  events: EventDetail[];
  /** The device that the proof came from; absent if the browser stays unknown. */
  deviceId?: string;
  sign?: TokenToSign | undefined;
}

const MAX_TOKENS = 4;
const NOTHING_PRESENTED: PresentedTokens = { claims: [] };

/** Opens at most four device tokens of a request while the profile is read. Only those of this user count. */
export function openPresentedTokens<User extends MfaUser>(
  flow: FlowContext<User>,
  userId: string,
  tokens: string | readonly string[] | undefined,
): Awaitable<PresentedTokens> {
  const list = typeof tokens === 'string' ? [tokens] : (tokens ?? []);
  if (list.length === 0) return NOTHING_PRESENTED;
  const opened = openTokens(flow, userId, list);
  // If the profile cannot be read, nobody awaits this, and an unhandled rejection would end the process.
  opened.catch(() => undefined);
  return opened;
}

async function openTokens<User extends MfaUser>(
  flow: FlowContext<User>,
  userId: string,
  tokens: readonly string[],
): Promise<PresentedTokens> {
  const shown: PresentedTokens = { claims: [] };
  await nextTick();
  for (const token of tokens.slice(0, MAX_TOKENS)) {
    const opened = await openDeviceToken(token, signing(flow));
    if (!opened.valid) shown.why = opened.why;
    else if (opened.claims.userId !== userId) shown.why = 'other_user';
    else shown.claims.push(opened.claims);
  }
  return shown;
}

/** Finds the device of the presented tokens. A live token wins over a retired one from another copy of the cookie. */
export function findDevice(profile: Profile, shown: PresentedTokens, now: number): DeviceMatch {
  let reused: Device | undefined;
  for (const { deviceId, tokenId } of shown.claims) {
    const device = profile.devices.find((candidate) => candidate.id === deviceId);
    if (device && isLiveToken(device, tokenId, now)) return { state: 'live', device, tokenId };
    reused ??= device;
  }
  if (reused) return { state: 'reused', device: reused };
  if (shown.claims.length > 0) return { state: 'unknown', why: 'unknown_device' };
  return { state: 'unknown', ...(shown.why ? { why: shown.why } : {}) };
}

/** Ends a device whose retired token was presented, and the sessions that came from it, because somebody else has the token too. */
export function endReusedDevice(profile: Profile, known: DeviceMatch): { profile: Profile; events: EventDetail[] } {
  if (known.state !== 'reused') return { profile, events: [] };
  const deviceId = known.device.id;
  return { profile: endDevice(profile, deviceId), events: [{ name: 'device_token_reused', deviceId }] };
}

/** Rotates the token of a live device and makes its entry the newest. */
export function rotateDevice(
  profile: Profile,
  known: { device: Device; tokenId: string },
  now: number,
  change: (device: Device) => Device = (device) => device,
): { profile: Profile; device: Device; sign?: TokenToSign } {
  const shown = rotateToken(known.device, known.tokenId, randomId(), now);
  const rotated = shown.live ? shown.device : known.device;
  const device = { ...change(rotated), lastUsedAt: now };
  const minted = shown.live ? shown.minted : undefined;
  return {
    profile: { ...profile, devices: putDevice(profile.devices, device) },
    device,
    ...(minted === undefined ? {} : { sign: tokenToSign(device, minted) }),
  };
}

/**
 * Makes the browser of an accepted proof a known device, and remembers it if that was asked for and is allowed.
 *
 * With null for `remember` it is no longer remembered; undefined changes nothing.
 */
export function admitDevice(
  profile: Profile,
  known: DeviceMatch,
  input: DeviceInput,
  remember: Remembrance | null | undefined,
  now: number,
): AdmittedDevice {
  const ended = endReusedDevice(profile, known);
  const change = (device: Device): Device =>
    withRemembrance({ ...device, budget: afterSuccess(device.budget, now) }, remember, now);
  const remembered = (device: Device): EventDetail[] => (remember ? [{ name: 'device_remembered', deviceId: device.id }] : []);
  if (known.state === 'live') {
    // The entry after the guess was charged.
    const device = profile.devices.find((candidate) => candidate.id === known.device.id) ?? known.device;
    const used = rotateDevice(profile, { device, tokenId: known.tokenId }, now, change);
    return { profile: used.profile, deviceId: device.id, sign: used.sign, events: remembered(used.device) };
  }
  if (input.deviceLabel === undefined && !input.rememberDevice) return ended;
  const tokenId = randomId();
  const label = tidyName(input.deviceLabel ?? '', 'Browser');
  const device = change(newDevice({ id: randomId(), label, tokenId }, now));
  return {
    profile: { ...ended.profile, devices: putDevice(ended.profile.devices, device) },
    deviceId: device.id,
    events: [...ended.events, ...remembered(device)],
    sign: tokenToSign(device, tokenId),
  };
}

/** Signs the token of a device. Call it only after the write that stored the device. */
export function signDeviceToken<User extends MfaUser>(flow: FlowContext<User>, userId: string, sign: TokenToSign): DeviceGrant {
  const { deviceId, tokenId, rememberedUntil } = sign;
  const { token, expiresAt } = signToken({ userId, deviceId, tokenId }, signing(flow));
  return rememberedUntil === undefined ? { token, expiresAt, deviceId } : { token, expiresAt, deviceId, rememberedUntil };
}

function withRemembrance(device: Device, remember: Remembrance | null | undefined, now: number): Device {
  if (remember === undefined) return device;
  const [forgotten] = unrememberDevices([device]) as [Device];
  if (remember === null) return forgotten;
  return { ...forgotten, rememberedUntil: remember.until, rememberedAt: now, rememberedBy: { via: remember.via, at: now } };
}

function tokenToSign(device: Device, tokenId: string): TokenToSign {
  const { id: deviceId, rememberedUntil } = device;
  return { deviceId, tokenId, ...(rememberedUntil === undefined ? {} : { rememberedUntil }) };
}

function signing<User extends MfaUser>({ options }: FlowContext<User>) {
  return { keyring: options.keyring, realm: options.realm, now: options.clock() };
}
