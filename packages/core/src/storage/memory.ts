import { MfaError } from '../errors.js';
import { type MfaStorage, nameStorage, type StoredProfile } from './storage.js';

export interface MemoryStorageOptions {
  /** Allows NODE_ENV=production, where each restart loses the MFA of every user. Default false. */
  losesAllDataOnRestart?: boolean | undefined;
}

const PAGE_SIZE = 100;

/**
 * Profiles in the memory of this process, for tests, demos and development.
 *
 * It keeps the whole contract except durability, and serves one process only. It is as asynchronous as a database: each call crosses a
 * microtask before and after its effect, so that code without an await fails here too.
 */
export function memoryStorage({ losesAllDataOnRestart = false }: MemoryStorageOptions = {}): MfaStorage {
  if (process.env.NODE_ENV === 'production' && !losesAllDataOnRestart) {
    throw new MfaError(
      'invalid_option',
      'memoryStorage forgets every enrollment at a restart and is not shared between processes, so it refuses NODE_ENV=production. ' +
        'Use sqliteStorage, postgresStorage or another durable adapter, or accept the loss with memoryStorage({ losesAllDataOnRestart: true }).',
    );
  }

  const profiles = new Map<string, StoredProfile & { created: number }>();
  let created = 0;

  /** Nothing else runs between the two awaits, so this is a whole transaction. */
  async function atomically<T>(act: () => T): Promise<T> {
    await null;
    const result = act();
    await null;
    return result;
  }

  return nameStorage('memory', {
    read: (userId) =>
      atomically(() => {
        const stored = profiles.get(userId);
        return stored ? { version: stored.version, value: stored.value } : null;
      }),

    write(userId, { version, value }, expected) {
      return atomically(() => {
        const stored = profiles.get(userId);
        if ((stored?.version ?? null) !== expected) return false;
        profiles.set(userId, { version, value, created: stored?.created ?? ++created });
        return true;
      });
    },

    remove: (userId, expected) => atomically(() => profiles.get(userId)?.version === expected && profiles.delete(userId)),

    listUserIds: (cursor = '0') =>
      atomically(() => {
        // By order of creation, not by position: a removal between two pages must not move a user past the cursor.
        const left = [...profiles].filter(([, stored]) => stored.created > Number(cursor));
        const page = left.slice(0, PAGE_SIZE);
        const userIds = page.map(([userId]) => userId);
        return left.length > page.length ? { userIds, cursor: String(page.at(-1)?.[1].created) } : { userIds };
      }),
  });
}
