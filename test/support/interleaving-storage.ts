import type { MfaStorage } from '../../packages/core/src/storage/storage.js';

export type StorageMethod = keyof MfaStorage;

/** A held storage call, either before its effect (`before`), or after it with the answer held back (`after`). */
export interface HeldCall {
  method: StorageMethod;
  at: 'before' | 'after';
  userId: string | undefined;
  release(): void;
  /** Makes the call fail. `before`: nothing has happened. `after`: the effect stays and only the reply is lost. */
  fail(error: Error): void;
}

export interface InterleavingStorage extends MfaStorage {
  /** Holds every call that `choose` picks until it is released. `choose` is asked at both points of a call. */
  hold(choose: (call: Pick<HeldCall, 'method' | 'at' | 'userId'>) => boolean): void;
  /** Returns the next held call, in order of arrival. Rejects if none arrives in time. */
  nextHeld(timeoutMs?: number): Promise<HeldCall>;
  /** Holds no more calls and releases those that are held. */
  releaseAll(): void;
}

/** For deterministic interleavings: a test holds one operation at any storage call, runs another, and lets the first continue. */
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
