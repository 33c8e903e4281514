import { describe, expect, it } from 'vitest';
import { newProfile, type Profile } from '../../../../packages/core/src/profile/profile.js';
import { createProfileCache } from '../../../../packages/core/src/store/cache.js';
import { ada, createEnrolled } from '../../../support/core-fixture.js';

const SECRET = 'a secret of the authenticator';

function enrolledProfile(): Profile {
  return {
    ...newProfile(),
    authenticators: [{ id: 'a1', kind: 'totp', name: 'phone', createdAt: 1, enrollmentId: 'e1', data: { secret: SECRET } }],
    enrollments: [
      { id: 'e2', kind: 'totp', name: 'other', startedAt: 1, expiresAt: 2, steppedUp: true, data: { secret: SECRET } },
    ],
    recoveryCodes: { key: SECRET, digests: ['d1', 'd2'], createdAt: 1 },
  };
}

describe('the profile cache', () => {
  it('returns only the identical record of the same user', () => {
    const cache = createProfileCache();
    const stored = { version: 'v1', value: 'sealed' };
    const kept = cache.keep('ada', stored, enrolledProfile());
    expect(cache.find('ada', { ...stored })).toBe(kept);
    expect(cache.find('ada', { ...stored, version: 'v2' })).toBeUndefined();
    expect(cache.find('ada', { ...stored, value: 'tampered' })).toBeUndefined();
    expect(cache.find('bob', stored)).toBeUndefined();
  });

  it('holds no secret, but everything that a guard needs', () => {
    const profile = enrolledProfile();
    const kept = createProfileCache().keep('ada', { version: 'v1', value: 'sealed' }, profile);
    expect(JSON.stringify(kept)).not.toContain(SECRET);
    expect(kept).toMatchObject({
      epoch: profile.epoch,
      authenticators: [{ kind: 'totp' }],
      recoveryCodes: { digests: ['d1', 'd2'] },
    });
    expect(JSON.stringify(profile)).toContain(SECRET);
  });

  it('forgets a record after 500 other users', () => {
    const cache = createProfileCache();
    const stored = { version: 'v1', value: 'sealed' };
    for (let user = 0; user < 500; user++) cache.keep(`user-${user}`, stored, newProfile());
    cache.keep('user-0', stored, newProfile());
    cache.keep('user-500', stored, newProfile());
    expect(cache.find('user-0', stored)).toBeDefined();
    expect(cache.find('user-1', stored)).toBeUndefined();
    expect(cache.find('user-2', stored)).toBeDefined();
  });
});

describe('a guard with a cached profile', () => {
  it('CRY-1, STO-6: reads the record each time, and uses the cache only if every byte is the same', async () => {
    const fixture = await createEnrolled();
    const { mfa, session, storage } = fixture;
    const ask = async () => (await mfa.checkAccess({ user: ada, session })).access;
    expect([await ask(), await ask()]).toEqual(['allow', 'allow']);
    expect(fixture.counts).toMatchObject({ reads: 2 });
    const stored = await storage.read(ada.id);
    if (!stored) throw new Error('there is a record');
    const { version, value } = stored;

    const flipped = value.slice(0, -1) + (value.endsWith('A') ? 'Q' : 'A');
    await storage.write(ada.id, { version, value: flipped }, version);
    expect(await ask()).toBe('unavailable');
    await storage.write(ada.id, stored, version);
    expect(await ask()).toBe('allow');
    await storage.write(ada.id, { version: 'other', value }, version);
    expect(await ask()).toBe('unavailable');
    await storage.remove(ada.id, 'other');
    expect(await ask()).toBe('login-again');
  });
});
