import type { MfaStorage } from '../../packages/core/src/storage/storage.js';

export interface StorageCounts {
  reads: number;
  writes: number;
  removes: number;
  lists: number;
}

/** A storage that counts the calls, to hold the round trips of an operation to what the design says. */
export function countingStorage(storage: MfaStorage): MfaStorage & { counts: StorageCounts; reset(): void } {
  const counts: StorageCounts = { reads: 0, writes: 0, removes: 0, lists: 0 };
  return {
    // The name of the adapter goes along.
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
