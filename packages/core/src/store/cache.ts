import type { Profile } from '../profile/profile.js';
import type { StoredProfile } from '../storage/storage.js';

/** Opened profiles without secrets, each kept with the exact stored record that it was in. */
export interface ProfileCache {
  /** The profile of this record, or undefined if it is not kept. */
  find(userId: string, stored: StoredProfile): Profile | undefined;
  /** Keeps the profile without its secrets, and returns what it kept. */
  keep(userId: string, stored: StoredProfile, profile: Profile): Profile;
}

/** Some kilobytes each. */
const MAX_PROFILES = 500;

/**
 * Creates the cache. A guard asks at every request, and opening a record takes longer than the rest of its answer. The storage is
 * still read each time; only decryption is skipped, if the record is the same to the last byte.
 */
export function createProfileCache(): ProfileCache {
  const known = new Map<string, { version: string; value: string; profile: Profile }>();
  return {
    find(userId, { version, value }) {
      const last = known.get(userId);
      return last?.version === version && last.value === value ? last.profile : undefined;
    },
    keep(userId, { version, value }, profile) {
      const kept = withoutSecrets(profile);
      known.delete(userId);
      known.set(userId, { version, value, profile: kept });
      const [oldest] = known.keys();
      if (known.size > MAX_PROFILES && oldest !== undefined) known.delete(oldest);
      return kept;
    },
  };
}

function withoutSecrets(profile: Profile): Profile {
  const { recoveryCodes } = profile;
  return {
    ...profile,
    authenticators: profile.authenticators.map((authenticator) => ({ ...authenticator, data: undefined })),
    enrollments: [],
    recoveryCodes: recoveryCodes && { ...recoveryCodes, key: '' },
  };
}
