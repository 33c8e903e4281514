import type { MfaStorage, StoredProfile } from '../../../packages/core/src/storage/storage.js';
import { type Rows, rightStorage, type SeededBug, type StartedStorage } from './right-storage.js';

/** An adapter on the connection that the application left in a transaction: what is done on it is seen by nobody else, and ends with it. */
export function blindStorage(which: { reads: boolean; writes: boolean }, sentences?: string[]): StartedStorage {
  const rows: Rows = new Map();
  const snapshots = new Map<MfaStorage, Rows>();
  return {
    open() {
      const right = rightStorage(rows);
      const within = () => {
        const snapshot = snapshots.get(opened);
        return snapshot ? rightStorage(snapshot) : right;
      };
      const opened: MfaStorage & { unsafeSettings?(): Promise<string[]> } = {
        ...right,
        ...(which.reads && { read: (userId) => within().read(userId), listUserIds: (cursor) => within().listUserIds(cursor) }),
        ...(which.writes && {
          write: (userId, next, expected) => within().write(userId, next, expected),
          remove: (userId, expected) => within().remove(userId, expected),
        }),
        ...(sentences && { unsafeSettings: async () => sentences }),
      };
      return opened;
    },
    hooks: {
      async leaveTransactionOpen(storage) {
        snapshots.set(storage, new Map<string, StoredProfile>(rows));
        return async () => void snapshots.delete(storage);
      },
    },
  };
}

const WRITES = 'a transaction that the application left open: a write';
const READS = 'a transaction that the application left open: a read';

export const openTransactionBugs: SeededBug[] = [
  {
    name: 'F13: writes in a transaction that the application left open, and says true',
    caughtBy: [{ case: WRITES, saying: /a write said true and is not stored, while the transaction is open/ }],
    start: () => blindStorage({ reads: false, writes: true }),
  },
  {
    name: 'F14: reads from the snapshot of a transaction that the application left open',
    caughtBy: [{ case: READS, saying: /gave what was stored before it/ }],
    start: () => blindStorage({ reads: true, writes: false }),
  },
  {
    name: 'F14: lists from the snapshot of a transaction that the application left open',
    caughtBy: [{ case: READS, saying: /lacks who came after it began/ }],
    start() {
      const { open, hooks } = blindStorage({ reads: true, writes: false });
      return {
        open() {
          const storage = open();
          const fresh = open();
          return Object.assign(storage, { read: (userId: string) => fresh.read(userId) });
        },
        ...(hooks && { hooks }),
      };
    },
  },
  {
    name: 'F13: says in unsafeSettings() that its reads cannot see a transaction, and is silent about its writes',
    caughtBy: [{ case: WRITES, saying: /a write said true and is not stored/ }],
    start: () =>
      blindStorage({ reads: true, writes: true }, ['It cannot see an open transaction when it reads: use another pool.']),
  },
  {
    name: 'F13: says false within a transaction that it then commits',
    caughtBy: [{ case: WRITES, saying: /a write said false and is stored/ }],
    start() {
      const rows: Rows = new Map();
      let isOpen = false;
      const right = rightStorage(rows);
      return {
        open: () =>
          rightStorage(rows, {
            write: async (userId, next, expected) => (await right.write(userId, next, expected)) && !isOpen,
          }),
        hooks: {
          async leaveTransactionOpen() {
            isOpen = true;
            return async () => {
              isOpen = false;
            };
          },
        },
      };
    },
  },
];
