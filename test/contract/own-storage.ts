// (v) A host that writes its own storage adapter, and proves it with the conformance kit.
import type { MfaStorage, StoredProfile } from '@mfa-kit/core';

/** What the host has: a client whose `setIf` decides in the database. */
export interface ConditionalStore {
  get(key: string): Promise<string | undefined>;
  /** Writes only while the value is `expected` (undefined: absent); `undefined` as next value removes. */
  setIf(key: string, expected: string | undefined, next: string | undefined): Promise<boolean>;
  /** Keys after `after`, in byte order. */
  keys(after: string, count: number): Promise<string[]>;
}

/** The adapter: each method one call to the store, or a conditional write on what was just read. */
export function conditionalStorage(store: ConditionalStore): MfaStorage {
  const load = async (userId: string): Promise<{ raw: string; profile: StoredProfile } | null> => {
    const raw = await store.get(keyOf(userId));
    return raw === undefined ? null : { raw, profile: JSON.parse(raw) as StoredProfile };
  };
  return {
    async read(userId) {
      return (await load(userId))?.profile ?? null;
    },
    async write(userId, next, expected) {
      const stored = await load(userId);
      if ((stored?.profile.version ?? null) !== expected) return false;
      return store.setIf(keyOf(userId), stored?.raw, JSON.stringify(next));
    },
    async remove(userId, expected) {
      const stored = await load(userId);
      if (stored?.profile.version !== expected) return false;
      return store.setIf(keyOf(userId), stored.raw, undefined);
    },
    async listUserIds(cursor = '') {
      const keys = await store.keys(cursor, 100);
      const userIds = keys.map((key) => Buffer.from(key, 'hex').toString('utf8'));
      const last = keys.at(-1);
      return keys.length < 100 || last === undefined ? { userIds } : { userIds, cursor: last };
    },
  };
}

// Hex keeps ids apart byte for byte, whatever the store's collation does.
function keyOf(userId: string): string {
  return Buffer.from(userId, 'utf8').toString('hex');
}

/** A store for the test: one process, one step at a time. */
export function mapStore(): ConditionalStore {
  const entries = new Map<string, string>();
  return {
    get: async (key) => entries.get(key),
    setIf: async (key, expected, next) => {
      if (entries.get(key) !== expected) return false;
      if (next === undefined) entries.delete(key);
      else entries.set(key, next);
      return true;
    },
    keys: async (after, count) =>
      [...entries.keys()]
        .sort()
        .filter((key) => key > after)
        .slice(0, count),
  };
}
