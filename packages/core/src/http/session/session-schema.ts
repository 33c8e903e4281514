import {
  type Assurance,
  isAssuranceVia,
  type MfaSession,
  type PendingSession,
  sessionUserId,
  type VerifiedSession,
} from '../../assurance.js';
import { sameOriginPath } from '../paths/return-to.js';

const MAX_ENROLLMENTS = 16;
const MAX_TEXT_LENGTH = 1024;

/**
 * Reads the MFA state of a session from the value that the host returned. Drops unknown fields.
 *
 * Returns undefined if it is not the state of this user. A state of another user, of an unknown version or from a broken store proves
 * nothing.
 */
export function readSessionState(value: unknown, userId: string): MfaSession | undefined {
  const state = readState(value);
  return state !== undefined && sessionUserId(state) === userId ? state : undefined;
}

/** What a session holds instead of its user's state. */
export type StoredState = 'nothing' | 'other_user' | 'foreign';

/** Describes what was found instead of this user's state, for a warning. */
export function describeStored(value: unknown): StoredState {
  if (value === undefined || value === null) return 'nothing';
  return readState(value) === undefined ? 'foreign' : 'other_user';
}

/** Reads an assurance; undefined if the value is not one. */
export function readAssurance(value: unknown): Assurance | undefined {
  if (!isRecord(value)) return undefined;
  const { userId, epoch, amr, acr, verifiedAt, via, deviceId } = value;
  if (!isText(userId) || !isText(epoch) || !isTextList(amr) || !isText(acr) || !isInstant(verifiedAt)) return undefined;
  if (!isAssuranceVia(via)) return undefined;
  const assurance = { userId, epoch, amr, acr, verifiedAt, via };
  if (deviceId === undefined || deviceId === null) return assurance;
  // A device that cannot be read could never be revoked.
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
  const state: PendingSession = {
    state: 'pending',
    userId,
    epoch,
    deviceEpoch,
    since,
    enrollmentIds: newest(enrollmentIds),
  };
  if (returnTo !== undefined) state.returnTo = returnTo;
  return state;
}

function newest(enrollmentIds: string[]): string[] {
  return enrollmentIds.slice(-MAX_ENROLLMENTS);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_TEXT_LENGTH;
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(isText);
}

function isInstant(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
