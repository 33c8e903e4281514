import type { MfaStorage } from '../../packages/core/src/storage/storage.js';

export interface StorageCounts {
  reads: number;
  writes: number;
  removes: number;
  lists: number;
}

/** A storage that counts its calls, to test how many round trips an operation takes. */
export function countingStorage(storage: MfaStorage): MfaStorage & { counts: StorageCounts; reset(): void } {
  const counts: StorageCounts = { reads: 0, writes: 0, removes: 0, lists: 0 };
  return {
    // Keeps the name of the adapter.
    ...storage,
    counts,
    reset() {
      Object.assign(counts, { reads: 0, writes: 0, removes: 0, lists: 0 });
    },
    read(userId) {
      counts.reads++;
      return storage.read(userId);
    },
    write(userId, next, expected) {
      counts.writes++;
      return storage.write(userId, next, expected);
    },
    remove(userId, expected) {
      counts.removes++;
      return storage.remove(userId, expected);
    },
    listUserIds(cursor) {
      counts.lists++;
      return storage.listUserIds(cursor);
    },
  };
}
