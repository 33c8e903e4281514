// (v) A host that writes its own storage adapter, and proves it with the conformance kit: the one that docs/guides/own-storage-adapter.md shows.
import type { MfaStorage } from '@mfa-kit/core';

/** What the database must be able to do, on its primary, outside any transaction of yours. */
export interface ConditionalStore {
  get(key: string): Promise<string | undefined>;
  /** Writes only while the value is `expected` (undefined: absent), and says whether it did; `next` undefined: removes. */
  setIf(key: string, expected: string | undefined, next: string | undefined): Promise<boolean>;
  /** So many keys after this one, in the store's own order. */
  keysAfter(key: string, count: number): Promise<string[]>;
}

export function conditionalStorage(store: ConditionalStore): MfaStorage {
  async function replace(userId: string, expected: string | null, next: string | undefined): Promise<boolean> {
    const stored = await store.get(keyOf(userId));
    const version = stored === undefined ? null : JSON.parse(stored).version;
    return version === expected && store.setIf(keyOf(userId), stored, next);
  }
  return {
    async read(userId) {
      const stored = await store.get(keyOf(userId));
      return stored === undefined ? null : JSON.parse(stored);
    },
    write: (userId, next, expected) => replace(userId, expected, JSON.stringify(next)),
    remove: (userId, expected) => replace(userId, expected, undefined),
    async listUserIds(cursor = '') {
      const keys = await store.keysAfter(cursor, 100);
      const userIds = keys.map((key) => Buffer.from(key, 'hex').toString('utf8'));
      return keys.length < 100 ? { userIds } : { userIds, cursor: keys[99] };
    },
  };
}

/** Hex distinguishes ids byte for byte, regardless of how the store treats case, accents and spaces. */
function keyOf(userId: string): string {
  return Buffer.from(userId, 'utf8').toString('hex');
}
