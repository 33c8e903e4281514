import type { MfaStorage } from '@mfa-kit/core';
import { memoryStorage } from '@mfa-kit/core/storage/memory';
import { describe, expect, it } from 'vitest';
import { ada, createEnrolled, createFixture, loginPending, SECOND } from '../../../support/core-fixture.js';

describe('checkAccess', () => {
  it('reads nothing if MFA is off', async () => {
    const { mfa, counts, events } = createFixture();
    const session = await loginPending(mfa);
    const reads = counts.reads;
    const off = { ...ada, mfa: 'off' } as const;
    expect(await mfa.checkAccess({ user: off, session: undefined })).toStrictEqual({ access: 'allow', via: 'not-required' });
    expect(await mfa.checkAccess({ user: off, session })).toStrictEqual({ access: 'login-again' });
    expect(counts.reads).toBe(reads);
    expect(events.map(({ name }) => name)).toEqual(['login_begun']);
  });

  it('FLT-1, T34: returns unavailable for a storage that does not answer, with an event', async () => {
    const storage: MfaStorage = {
      ...memoryStorage(),
      read: async () => {
        throw new Error('down');
      },
    };
    const { mfa, events } = createFixture({ storage });
    const session = { state: 'pending', userId: ada.id, epoch: 'e', deviceEpoch: 'd', since: 0, enrollmentIds: [] } as const;
    const decision = await mfa.checkAccess({
      user: ada,
      session: { ...session, enrollmentIds: [] },
      context: { requestId: 'r' } as never,
    });
    expect(decision).toStrictEqual({ access: 'unavailable', retryAfterSeconds: 5 });
    expect(events).toEqual([expect.objectContaining({ name: 'storage_failed', userId: ada.id, context: { requestId: 'r' } })]);
  });

  it('LOG-4, T34: refuses if the record is gone, with an event each time; other answers have no event', async () => {
    const { mfa, events } = createFixture();
    const session = await loginPending(mfa);
    events.length = 0;
    const gone = { user: { ...ada, enrolled: true }, session };
    expect(await mfa.checkAccess(gone)).toStrictEqual({ access: 'refuse', reason: 'profile_missing' });
    expect(await mfa.checkAccess({ ...gone, user: { ...ada, mayEnroll: false } })).toStrictEqual({
      access: 'refuse',
      reason: 'not_allowed',
    });
    expect(await mfa.checkAccess({ user: ada, session })).toStrictEqual({ access: 'enroll' });
    expect(events.map(({ name }) => name)).toEqual(['profile_missing']);
  });

  it('asks a bearer whose first factor the host vouches for to prove the second', async () => {
    const { mfa } = await createEnrolled();
    const without = { user: ada, session: undefined };
    expect(await mfa.checkAccess(without)).toStrictEqual({ access: 'login-again' });
    expect(await mfa.checkAccess({ ...without, firstFactorProven: true })).toMatchObject({
      access: 'challenge',
      because: 'missing',
    });
    expect(await mfa.checkAccess({ ...without, firstFactorProven: 'yes' as never })).toStrictEqual({ access: 'login-again' });
  });

  it('SES-7: does not read the profile for a proof within the delay, and reads it afterwards', async () => {
    const { mfa, clock, session, counts, resetCounts } = await createEnrolled(ada, { revocationDelaySeconds: 60 });
    const ask = () => mfa.checkAccess({ user: ada, session });
    clock.set(session.assurance.verifiedAt + 60 * SECOND);
    resetCounts();
    expect(await ask()).toStrictEqual({ access: 'allow', via: 'otp', assurance: session.assurance });
    expect(counts.reads).toBe(0);
    clock.advance(1);
    expect(await ask()).toMatchObject({ access: 'allow', via: 'otp' });
    expect(counts.reads).toBe(1);
    clock.set(session.assurance.verifiedAt);
    await mfa.checkAccess({ user: ada, session, requirement: { maxAgeSeconds: 300 } });
    await mfa.checkAccess({ user: ada, session: undefined });
    expect(counts.reads).toBe(3);
  });
});
