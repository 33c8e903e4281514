import type { Profile } from '../profile/profile.js';
import type { StoredProfile } from '../storage/storage.js';

/** Profiles that were opened lately, each with the very record that it was in. */
export interface Glanced {
  /** What this record held when it was opened; undefined: it was not, or is forgotten. */
  find(userId: string, stored: StoredProfile): Profile | undefined;
  /** Keeps it, without secrets, and gives what it kept. */
  keep(userId: string, stored: StoredProfile, profile: Profile): Profile;
}

/** Of so many users: some kilobytes each. */
const MOST = 500;

/**
 * A guard asks at every request, and opening a record takes longer than all the rest of its answer. The storage is read each time
 * all the same: only a record that is the same to the last byte is not opened again.
 */
export function createGlanced(): Glanced {
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
      if (known.size > MOST && oldest !== undefined) known.delete(oldest);
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
