import type { MfaStorage } from '../../../packages/core/src/storage/storage.js';
import { type Rows, rightStorage, type SeededBug, type StartedStorage } from './right-storage.js';

/** Over a connection that can be cut. */
function disconnectable(
  change: (broken: MfaStorage, right: MfaStorage, lost: () => boolean, rows: Rows) => Partial<MfaStorage>,
): StartedStorage {
  const rows: Rows = new Map();
  let connected = true;
  const right = rightStorage(rows);
  const unlessLost = <T>(call: () => Promise<T>) => (connected ? call() : Promise.reject<T>(new Error('connection lost')));
  const broken: MfaStorage = {
    read: (userId) => unlessLost(() => right.read(userId)),
    write: (userId, next, expected) => unlessLost(() => right.write(userId, next, expected)),
    remove: (userId, expected) => unlessLost(() => right.remove(userId, expected)),
    listUserIds: (cursor) => unlessLost(() => right.listUserIds(cursor)),
  };
  return {
    open: () => ({ ...broken, ...change(broken, right, () => !connected, rows) }),
    hooks: {
      async disconnect() {
        connected = false;
        return async () => {
          connected = true;
        };
      },
    },
  };
}

/** Every hook over a right adapter: the kit passes it, so that what it says of the bugs below is theirs. */
export function rightStorageWithFaults(): StartedStorage {
  const started = disconnectable(() => ({}));
  let swallowed: Promise<void> | null = null;
  let loseNext = false;
  const leftOpen = new Set<MfaStorage>();
  return {
    open() {
      const storage = started.open();
      const hidden = async <T>(call: () => Promise<T>) => {
        if (leftOpen.delete(opened)) throw new Error('a transaction was open, and its connection is closed');
        await swallowed;
        const result = await call();
        if (!loseNext) return result;
        loseNext = false;
        throw new Error('reply lost');
      };
      const opened: MfaStorage = {
        read: (userId) => hidden(() => storage.read(userId)),
        write: (userId, next, expected) => hidden(() => storage.write(userId, next, expected)),
        remove: (userId, expected) => hidden(() => storage.remove(userId, expected)),
        listUserIds: (cursor) => hidden(() => storage.listUserIds(cursor)),
      };
      return opened;
    },
    hooks: {
      ...started.hooks,
      async blackHole() {
        let heal = () => {};
        swallowed = new Promise((resolve) => {
          heal = resolve;
        });
        return async () => heal();
      },
      async loseNextReply() {
        loseNext = true;
      },
      inHostTransaction: (_, work) => work(),
      async leaveTransactionOpen(storage) {
        leftOpen.add(storage);
        return async () => void leftOpen.delete(storage);
      },
    },
  };
}

const lostConnection = 'a lost connection throws';

export const faultBugs: SeededBug[] = [
  {
    name: 'in-transaction: writes on the client on which the application has begun a transaction',
    caughtBy: [
      { case: 'true survives the rollback', saying: /a write said true and is not stored/ },
      { case: 'a call that met a lock', saying: /said false/ },
    ],
    start() {
      const rows: Rows = new Map();
      return {
        open: () => rightStorage(rows),
        hooks: {
          async inHostTransaction(_, work) {
            const before = new Map(rows);
            await work();
            rows.clear();
            for (const [userId, row] of before) rows.set(userId, row);
          },
        },
      };
    },
  },
  {
    name: 'a lost connection reads as null',
    caughtBy: [{ case: lostConnection, saying: /read without a connection gave null/ }],
    start: () =>
      disconnectable((_, right, lost) => ({ read: (userId) => (lost() ? Promise.resolve(null) : right.read(userId)) })),
  },
  {
    name: 'a lost connection writes as false',
    caughtBy: [{ case: lostConnection, saying: /write without a connection gave false/ }],
    start: () =>
      disconnectable((_, right, lost) => ({
        write: (userId, next, expected) => (lost() ? Promise.resolve(false) : right.write(userId, next, expected)),
      })),
  },
  {
    name: 'a lost connection lists nobody',
    caughtBy: [{ case: lostConnection, saying: /listUserIds without a connection gave/ }],
    start: () =>
      disconnectable((_, right, lost) => ({
        listUserIds: (cursor) => (lost() ? Promise.resolve({ userIds: [] }) : right.listUserIds(cursor)),
      })),
  },
  {
    name: 'says true before the server has it',
    caughtBy: [{ case: 'calls that a lost connection cuts', saying: /a write said true and is not stored/ }],
    start: () =>
      disconnectable((broken, right, lost) => ({
        async write(userId, next, expected) {
          const stored = await broken.read(userId);
          if ((stored?.version ?? null) !== expected) return false;
          if (!lost()) await right.write(userId, next, expected);
          return true;
        },
      })),
  },
  {
    name: 'says false for what it does not know: the reply was cut after the server had it',
    caughtBy: [{ case: 'calls that a lost connection cuts', saying: /a write said false and is stored/ }],
    start: () =>
      disconnectable((_, right, lost) => ({
        write: async (userId, next, expected) => (await right.write(userId, next, expected)) && !lost(),
      })),
  },
  {
    name: 'does not heal: what was swallowed once stays so',
    caughtBy: [{ case: 'two seconds of black hole', saying: /does not answer 5000 ms after the fault ended/ }],
    start() {
      let swallowed = false;
      const right = rightStorage(new Map());
      return {
        open: () => ({ ...right, read: (userId) => (swallowed ? new Promise(() => undefined) : right.read(userId)) }),
        hooks: {
          async blackHole() {
            swallowed = true;
            return async () => undefined;
          },
        },
      };
    },
  },
  {
    name: 'repeats a lost write by itself, under another version',
    caughtBy: [{ case: 'after a lost reply', saying: /neither the version before nor the one written is stored/ }],
    start() {
      const rows: Rows = new Map();
      let lose = false;
      const right = rightStorage(rows);
      return {
        open: () => ({
          ...right,
          async write(userId, next, expected) {
            if (!lose) return right.write(userId, next, expected);
            lose = false;
            rows.set(userId, { version: `${next.version}-again`, value: next.value });
            throw new Error('the reply was lost');
          },
        }),
        hooks: {
          async loseNextReply() {
            lose = true;
          },
        },
      };
    },
  },
  {
    name: 'takes a lost reply to a removal for its success',
    caughtBy: [{ case: 'after a lost reply to a removal', saying: /said true and is not done/ }],
    start() {
      let lose = false;
      const right = rightStorage(new Map());
      return {
        open: () => ({
          ...right,
          async remove(userId, expected) {
            if (!lose) return right.remove(userId, expected);
            lose = false;
            return true;
          },
        }),
        hooks: {
          async loseNextReply() {
            lose = true;
          },
        },
      };
    },
  },
];
