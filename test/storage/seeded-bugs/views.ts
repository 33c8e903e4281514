import type { StoredProfile } from '../../../packages/core/src/storage/storage.js';
import { bug, type Rows, rightStorage, type SeededBug } from './right-storage.js';

const freshReads = 'what is true on one connection is read on the other at once';

/** Bugs in what a read or a list shows. */
export const viewBugs: SeededBug[] = [
  {
    name: 'stale-reading: each connection keeps what it has read and written',
    caughtBy: [{ case: freshReads, saying: /after true reads version/ }],
    start() {
      const rows: Rows = new Map();
      return {
        open() {
          const cache = new Map<string, StoredProfile>();
          const right = rightStorage(rows);
          return {
            ...right,
            async read(userId) {
              const known = cache.get(userId) ?? (await right.read(userId));
              if (known) cache.set(userId, known);
              return known && { ...known };
            },
            async write(userId, next, expected) {
              cache.delete(userId);
              return right.write(userId, next, expected);
            },
            async remove(userId, expected) {
              cache.delete(userId);
              return right.remove(userId, expected);
            },
          };
        },
      };
    },
  },

  {
    name: 'stale-reading: each connection remembers that there was nothing',
    caughtBy: [{ case: freshReads, saying: /after true reads null where a profile must be/ }],
    start() {
      const rows: Rows = new Map();
      return {
        open() {
          const absent = new Set<string>();
          const right = rightStorage(rows);
          return {
            ...right,
            async read(userId) {
              const stored = absent.has(userId) ? null : await right.read(userId);
              if (stored === null) absent.add(userId);
              return stored;
            },
            async write(userId, next, expected) {
              absent.delete(userId);
              return right.write(userId, next, expected);
            },
          };
        },
      };
    },
  },

  {
    name: 'stale-reading: reads from a replica, which follows a moment later',
    caughtBy: [{ case: 'creates once', saying: /the first connection reads null where a profile must be/ }],
    start() {
      const rows: Rows = new Map();
      const replica: Rows = new Map();
      const follow = () => {
        const copy = new Map(rows);
        setImmediate(() => {
          replica.clear();
          for (const [userId, row] of copy) replica.set(userId, row);
        });
      };
      return {
        open() {
          const primary = rightStorage(rows);
          return {
            ...rightStorage(replica),
            write: (userId, next, expected) => primary.write(userId, next, expected).finally(follow),
            remove: (userId, expected) => primary.remove(userId, expected).finally(follow),
          };
        },
      };
    },
  },

  bug(
    'partial-list: the first page only',
    [{ case: 'lists 120 ids', saying: /the list lacks \d+ of 120 ids, ".*list-000/ }],
    (_, right) => ({ listUserIds: async () => ({ userIds: (await right.listUserIds()).userIds }) }),
  ),

  bug(
    'partial-list: pages by offset',
    [{ case: 'lists every id that is there throughout', saying: /the list lacks \d+ of 120 ids that were there throughout/ }],
    (rows) => ({
      async listUserIds(cursor = '0') {
        await null;
        const from = Number(cursor);
        const sorted = [...rows.keys()].sort();
        const userIds = sorted.slice(from, from + 50);
        return from + 50 < sorted.length ? { userIds, cursor: String(from + 50) } : { userIds };
      },
    }),
  ),

  bug(
    'partial-list: sorts ids by bytes, and goes on by UTF-16',
    [{ case: 'lists 120 ids', saying: /the list lacks \d+ of 120 ids, "😀/ }],
    (rows) => ({
      async listUserIds(cursor = '') {
        await null;
        const sorted = [...rows.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
        const left = sorted.filter((userId) => userId > cursor);
        const userIds = left.slice(0, 50);
        const last = userIds.at(-1);
        return left.length > 50 && last !== undefined ? { userIds, cursor: last } : { userIds };
      },
    }),
  ),

  bug('lists for ever', [{ case: 'lists 120 ids', saying: /the list gives the same cursor again/ }], (_, right) => ({
    listUserIds: async () => ({ ...(await right.listUserIds()), cursor: 'again' }),
  })),

  bug('lists who was removed', [{ case: 'keeps apart ids', saying: /after its removal/ }], (_, right) => {
    const everSeen = new Set<string>();
    return {
      async write(userId, next, expected) {
        everSeen.add(userId);
        return right.write(userId, next, expected);
      },
      listUserIds: async () => ({ userIds: [...everSeen] }),
    };
  }),
];
