import type { PendingSession } from '../assurance.js';
import type { Keyring } from '../crypto/keyring.js';
import { randomId } from '../crypto/random.js';
import { signToken, type TokenKind, verifyToken } from './jwt.js';

const PENDING_TOKEN: TokenKind = {
  typ: 'mfa-pending+jwt',
  purpose: 'pending-token',
  place: 'pending',
  lifetimeSeconds: 600,
};

/** The pending session as a signed JWT for a client that has no session: ten minutes, and good once. */
export function signPendingToken(session: PendingSession, given: { keyring: Keyring; realm: string; now: number }): string {
  const { userId, epoch, deviceEpoch, since } = session;
  return signToken(PENDING_TOKEN, { userId, id: randomId(), epoch, deviceEpoch, since }, given).token;
}

/** The pending session that a token speaks of, or null. Whether it was used is known only to the profile. */
export async function openPendingToken(
  token: unknown,
  given: { keyring: Keyring; realm: string; now: number },
): Promise<PendingSession | null> {
  const checked = await verifyToken(PENDING_TOKEN, token, given);
  if (!checked.valid) return null;
  const { userId, id, expiresAt, epoch, deviceEpoch, since } = checked.claims;
  if (typeof epoch !== 'string' || typeof deviceEpoch !== 'string' || typeof since !== 'number') return null;
  return { state: 'pending', userId, epoch, deviceEpoch, since, enrollmentIds: [], token: { id, expiresAt } };
}
