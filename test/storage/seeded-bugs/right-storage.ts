import type { StorageConformanceHooks } from '../../../packages/core/src/storage/conformance.js';
import type { MfaStorage, StoredProfile } from '../../../packages/core/src/storage/storage.js';

/** A wrong adapter. Each is wrong in one way, and that way is common. */
export interface SeededBug {
  name: string;
  /** The case that must fail, by the beginning of its name, and the reason that it must give. */
  caughtBy: { case: string; saying: RegExp }[];
  /** `open` gives a connection; all share one database. */
  start(): StartedStorage;
}

export interface StartedStorage {
  open(): MfaStorage;
  hooks?: StorageConformanceHooks;
}

export type Rows = Map<string, StoredProfile>;

/** A right adapter over a shared map: every bug changes one thing of it. */
export function rightStorage(rows: Rows, changes: Partial<MfaStorage> = {}): MfaStorage {
  return {
    async read(userId) {
      await null;
      const row = rows.get(userId);
      return row ? { ...row } : null;
    },
    async write(userId, next, expected) {
      await null;
      if ((rows.get(userId)?.version ?? null) !== expected) return false;
      rows.set(userId, { ...next });
      return true;
    },
    async remove(userId, expected) {
      await null;
      return rows.get(userId)?.version === expected && rows.delete(userId);
    },
    async listUserIds(cursor = '') {
      await null;
      return pageOf([...rows.keys()].filter((userId) => userId > cursor));
    },
    ...changes,
  };
}

export function pageOf(left: string[]): { userIds: string[]; cursor?: string } {
  const userIds = left.sort().slice(0, 50);
  const last = userIds.at(-1);
  return left.length > 50 && last !== undefined ? { userIds, cursor: last } : { userIds };
}

/** A bug in one method or more, over the rows that all connections share. */
export function bug(
  name: string,
  caughtBy: SeededBug['caughtBy'],
  changes: (rows: Rows, right: MfaStorage) => Partial<MfaStorage>,
): SeededBug {
  return {
    name,
    caughtBy,
    start() {
      const rows: Rows = new Map();
      const changed = changes(rows, rightStorage(rows));
      return { open: () => rightStorage(rows, changed) };
    },
  };
}
