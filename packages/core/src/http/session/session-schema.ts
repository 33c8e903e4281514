import {
  type Assurance,
  type AssuranceVia,
  type MfaSession,
  type PendingSession,
  sessionUserId,
  type VerifiedSession,
} from '../../assurance.js';
import { sameOriginPath } from '../paths/return-to.js';

const ENROLLMENTS_AT_MOST = 16;
const VIAS: readonly AssuranceVia[] = ['otp', 'recovery-code', 'remembered-device'];

/**
 * The MFA state of a session as the host gave it back, if it is one and speaks of this user; unknown fields are dropped.
 *
 * Anything else counts as no state: what an older version, another user or a broken store left proves nothing.
 */
export function readSessionState(value: unknown, userId: string): MfaSession | undefined {
  const state = readState(value);
  return state !== undefined && sessionUserId(state) === userId ? state : undefined;
}

/** What a session holds in place of the state of its user. */
export type StoredState = 'nothing' | 'other_user' | 'foreign';

/** Says what is there where no state of this user was found, for a warning. */
export function describeStored(value: unknown): StoredState {
  if (value === undefined || value === null) return 'nothing';
  return readState(value) === undefined ? 'foreign' : 'other_user';
}

/** An assurance out of unknown data, or undefined. */
export function readAssurance(value: unknown): Assurance | undefined {
  if (!isRecord(value)) return undefined;
  const { userId, epoch, amr, acr, verifiedAt, deviceId } = value;
  const via = VIAS.find((known) => known === value.via);
  if (!isText(userId) || !isText(epoch) || !isTextList(amr) || !isText(acr) || !isInstant(verifiedAt) || !via) return undefined;
  const assurance = { userId, epoch, amr, acr, verifiedAt, via };
  if (deviceId === undefined || deviceId === null) return assurance;
  // A device that cannot be read could not end either.
  return isText(deviceId) ? { ...assurance, deviceId } : undefined;
}

function readState(value: unknown): MfaSession | undefined {
  if (!isRecord(value)) return undefined;
  const returnTo = sameOriginPath(value.returnTo);
  if (value.state === 'pending') return readPending(value, returnTo);
  const assurance = value.state === 'verified' ? readAssurance(value.assurance) : undefined;
  if (assurance === undefined) return undefined;
  const state: VerifiedSession = { state: 'verified', assurance };
  const { enrollmentIds } = value;
  if (isTextList(enrollmentIds)) state.enrollmentIds = newest(enrollmentIds);
  if (returnTo !== undefined) state.returnTo = returnTo;
  return state;
}

function readPending(value: Record<string, unknown>, returnTo: string | undefined): PendingSession | undefined {
  const { userId, epoch, deviceEpoch, since, enrollmentIds } = value;
  if (!isText(userId) || !isText(epoch) || !isText(deviceEpoch) || !isInstant(since) || !isTextList(enrollmentIds))
    return undefined;
  return {
    state: 'pending',
    userId,
    epoch,
    deviceEpoch,
    since,
    enrollmentIds: newest(enrollmentIds),
    ...(returnTo !== undefined && { returnTo }),
  };
}

function newest(enrollmentIds: string[]): string[] {
  return enrollmentIds.slice(-ENROLLMENTS_AT_MOST);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= 1024;
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(isText);
}

function isInstant(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
