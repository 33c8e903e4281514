import type { MfaStorage } from '../../packages/core/src/storage/storage.js';

export type StorageMethod = keyof MfaStorage;

/** A storage call that waits: its effect has not happened yet (`before`), or has and the answer is kept back (`after`). */
export interface HeldCall {
  method: StorageMethod;
  at: 'before' | 'after';
  userId: string | undefined;
  release(): void;
  /** Lets the call fail instead: before, nothing has happened; after, the effect stays and only the reply is lost. */
  fail(error: Error): void;
}

export interface InterleavingStorage extends MfaStorage {
  /** Every call that `choose` picks waits until it is released; both points of a call are offered. */
  hold(choose: (call: Pick<HeldCall, 'method' | 'at' | 'userId'>) => boolean): void;
  /** The next call that waits, in order of arrival. Rejects when none arrives in time. */
  nextHeld(timeoutMs?: number): Promise<HeldCall>;
  /** Holds nothing from now on, and releases what waits. */
  releaseAll(): void;
}

/** Deterministic interleavings: a test holds one operation at any of its storage calls, runs another, and lets the first go on. */
export function interleavingStorage(storage: MfaStorage): InterleavingStorage {
  let choose: Parameters<InterleavingStorage['hold']>[0] = () => false;
  const waiting: HeldCall[] = [];
  const held = new Set<HeldCall>();
  let arrival = nextArrival();

  function pause(method: StorageMethod, at: HeldCall['at'], userId: string | undefined): Promise<void> | undefined {
    if (!choose({ method, at, userId })) return undefined;
    return new Promise((resolve, reject) => {
      const call: HeldCall = {
        method,
        at,
        userId,
        release: () => {
          held.delete(call);
          resolve();
        },
        fail: (error) => {
          held.delete(call);
          reject(error);
        },
      };
      held.add(call);
      waiting.push(call);
      arrival.happened();
      arrival = nextArrival();
    });
  }

  async function around<T>(method: StorageMethod, userId: string | undefined, act: () => Promise<T>): Promise<T> {
    await pause(method, 'before', userId);
    const result = await act();
    await pause(method, 'after', userId);
    return result;
  }

  return {
    read: (userId) => around('read', userId, () => storage.read(userId)),
    write: (userId, next, expected) => around('write', userId, () => storage.write(userId, next, expected)),
    remove: (userId, expected) => around('remove', userId, () => storage.remove(userId, expected)),
    listUserIds: (cursor) => around('listUserIds', undefined, () => storage.listUserIds(cursor)),

    hold(next) {
      choose = next;
    },
    async nextHeld(timeoutMs = 2000) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error('no storage call was held: none was made, or hold() chooses none')), timeoutMs);
      });
      try {
        while (waiting.length === 0) await Promise.race([arrival.promise, late]);
        return waiting.shift() as HeldCall;
      } finally {
        clearTimeout(timer);
      }
    },
    releaseAll() {
      choose = () => false;
      waiting.length = 0;
      for (const call of [...held]) call.release();
    },
  };
}

function nextArrival(): { promise: Promise<void>; happened: () => void } {
  let happened = () => {};
  const promise = new Promise<void>((resolve) => {
    happened = resolve;
  });
  return { promise, happened };
}
