import type { Keyring } from '../crypto/keyring.js';
import { signToken, type TokenFault, type TokenKind, verifyToken } from './jwt.js';

/** So long a browser keeps its device token. */
export const DEVICE_TOKEN_SECONDS = 90 * 24 * 3600;

const DEVICE_TOKEN: TokenKind = {
  typ: 'mfa-device+jwt',
  purpose: 'device-token',
  place: 'device',
  lifetimeSeconds: DEVICE_TOKEN_SECONDS,
};

/** What a device token says. */
export interface DeviceClaims {
  userId: string;
  deviceId: string;
  /** Id of this token in the device's rotation. */
  tokenId: string;
}

/** Signs the token that a browser keeps for 90 days; each use brings a new one. */
export function signDeviceToken(
  claims: DeviceClaims,
  given: { keyring: Keyring; realm: string; now: number },
): { token: string; expiresAt: number } {
  return signToken(DEVICE_TOKEN, { userId: claims.userId, id: claims.tokenId, device: claims.deviceId }, given);
}

/** Opens a device token. It says nothing yet: only a live entry in the profile of the user now logging in does. */
export async function openDeviceToken(
  token: unknown,
  given: { keyring: Keyring; realm: string; now: number },
): Promise<{ valid: true; claims: DeviceClaims } | { valid: false; why: TokenFault }> {
  const checked = await verifyToken(DEVICE_TOKEN, token, given);
  if (!checked.valid) return checked;
  const { userId, id, device } = checked.claims;
  return typeof device === 'string'
    ? { valid: true, claims: { userId, deviceId: device, tokenId: id } }
    : { valid: false, why: 'invalid' };
}
