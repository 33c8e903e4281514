import type { StorageConformanceHooks } from '@mfa-kit/core/storage/conformance';
import type { ConditionalStore } from './own-storage.js';

/** A store for the test in one process, whose connection can be cut, can swallow everything, or can lose a reply. */
export function breakableStore(): {
  connect(): ConditionalStore;
  hooks: Pick<Required<StorageConformanceHooks>, 'disconnect' | 'blackHole' | 'loseNextReply'>;
} {
  const entries = new Map<string, string>();
  let connected = true;
  let swallowed: Promise<void> | null = null;
  let losesNext = false;

  async function over<T>(act: () => T): Promise<T> {
    await swallowed;
    if (!connected) throw new Error('connection lost');
    const result = act();
    if (!losesNext) return result;
    losesNext = false;
    throw new Error('reply lost');
  }

  return {
    connect: () => ({
      get: (key) => over(() => entries.get(key)),
      setIf: (key, expected, next) =>
        over(() => {
          if (entries.get(key) !== expected) return false;
          if (next === undefined) entries.delete(key);
          else entries.set(key, next);
          return true;
        }),
      keysAfter: (after, count) =>
        over(() =>
          [...entries.keys()]
            .filter((key) => key > after)
            .sort()
            .slice(0, count),
        ),
    }),
    hooks: {
      async disconnect() {
        connected = false;
        return async () => {
          connected = true;
        };
      },
      async blackHole() {
        let heal = () => {};
        swallowed = new Promise((resolve) => {
          heal = resolve;
        });
        return async () => {
          heal();
          swallowed = null;
        };
      },
      async loseNextReply() {
        losesNext = true;
      },
    },
  };
}
