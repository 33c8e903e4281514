import { describe, expect, it } from 'vitest';
import { readSessionState } from '../../../../../packages/core/src/http/session/session-schema.js';
import { fc } from '../../../../support/fast-check.js';

const assurance = { userId: 'ada', epoch: 'e', amr: ['otp', 'mfa'], acr: 'urn:mfa-kit:mfa', verifiedAt: 7, via: 'otp' };
const pending = { state: 'pending', userId: 'ada', epoch: 'e', deviceEpoch: 'd', since: 7, enrollmentIds: [] };
const verified = { state: 'verified', assurance };

describe('readSessionState', () => {
  it('returns the state as it was stored', () => {
    for (const state of [pending, verified, { ...pending, returnTo: '/cases' }, { ...verified, enrollmentIds: ['a'] }]) {
      expect(readSessionState(JSON.parse(JSON.stringify(state)), 'ada')).toEqual(state);
    }
  });

  it('keeps device, proof and return path', () => {
    for (const state of [
      { ...verified, assurance: { ...assurance, deviceId: 'd1' }, returnTo: '/cases' },
      { ...verified, assurance: { ...assurance, via: 'recovery-code' } },
      { ...verified, assurance: { ...assurance, via: 'remembered-device', verifiedAt: 0 } },
      { ...pending, since: 0, epoch: 'e'.repeat(1024) },
    ]) {
      expect(readSessionState(JSON.parse(JSON.stringify(state)), 'ada')).toStrictEqual(state);
    }
  });

  it('F17: returns undefined for a device that cannot be read, because it could never be revoked', () => {
    for (const deviceId of ['', 7, false, ['d1'], { id: 'd1' }, 'd'.repeat(1025)]) {
      expect(readSessionState({ ...verified, assurance: { ...assurance, deviceId } }, 'ada')).toBeUndefined();
    }
    expect(readSessionState({ ...verified, assurance: { ...assurance, deviceId: null } }, 'ada')).toStrictEqual(verified);
  });

  it('T33, SES-3: returns undefined for the state of another user', () => {
    for (const state of [pending, verified]) {
      expect(readSessionState(state, 'bob')).toBeUndefined();
      expect(readSessionState(state, 'Ada')).toBeUndefined();
      expect(readSessionState(state, 'ada ')).toBeUndefined();
    }
  });

  it.each([
    undefined,
    null,
    true,
    'verified',
    [],
    [verified],
    {},
    { state: 'done' },
    { state: 'verified' },
    { state: 'verified', assurance: null },
    { state: 'verified', assurance: { ...assurance, verifiedAt: '7' } },
    { state: 'verified', assurance: { ...assurance, verifiedAt: Number.NaN } },
    { state: 'verified', assurance: { ...assurance, verifiedAt: -1 } },
    { state: 'verified', assurance: { ...assurance, verifiedAt: Number.POSITIVE_INFINITY } },
    { state: 'verified', assurance: { ...assurance, via: 'password' } },
    { state: 'verified', assurance: { ...assurance, via: ['otp'] } },
    { state: 'verified', assurance: { ...assurance, amr: 'otp' } },
    { state: 'verified', assurance: { ...assurance, epoch: '' } },
    { state: 'verified', assurance: { ...assurance, epoch: undefined } },
    { state: 'verified', assurance: { ...assurance, userId: ['ada'] } },
    { state: ['verified'], assurance },
    { ...pending, since: null },
    { ...pending, epoch: '' },
    { ...pending, epoch: 'e'.repeat(1025) },
    { ...pending, userId: '' },
    { ...pending, enrollmentIds: 'x' },
    { ...pending, deviceEpoch: undefined },
  ])('SES-4: returns undefined for %j', (value) => {
    expect(readSessionState(value, 'ada')).toBeUndefined();
  });

  it('T21: drops a pending token', () => {
    expect(readSessionState({ ...pending, token: { id: 'x', expiresAt: 1 } }, 'ada')).toEqual(pending);
  });

  it('drops a hostile return path, but not the proof', () => {
    expect(readSessionState({ ...verified, returnTo: '//evil.example' }, 'ada')).toEqual(verified);
  });

  it('keeps the newest enrollments of a long session', () => {
    const enrollmentIds = Array.from({ length: 40 }, (_, index) => `e${index}`);
    expect(readSessionState({ ...pending, enrollmentIds }, 'ada')).toMatchObject({ enrollmentIds: enrollmentIds.slice(-16) });
  });

  it('never throws (property)', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        readSessionState(value, 'ada');
      }),
    );
  });
});
