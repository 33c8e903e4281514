import type { MfaStorage } from '@mfa-kit/core';
import { memoryStorage } from '@mfa-kit/core/storage/memory';
import { createKeyring } from '../../packages/core/src/crypto/keyring.js';
import { newProfile, type Profile } from '../../packages/core/src/profile/profile.js';
import { seal } from '../../packages/core/src/store/seal.js';
import { KEY } from './core-fixture.js';

export type Key = typeof KEY;

let versions = 0;

/** Writes a profile directly to the storage, sealed with this key. */
export async function plant(
  storage: MfaStorage,
  userId: string,
  { key = KEY, ...fields }: Partial<Profile> & { key?: Key } = {},
): Promise<void> {
  const ring = createKeyring([{ id: key.id, secret: Buffer.from(key.secret, 'base64') }], 'mfa-kit');
  const version = `planted-${++versions}`;
  const value = seal({ ...newProfile(), ...fields }, { realm: 'mfa-kit', userId, version }, ring);
  const stored = await storage.read(userId);
  if (!(await storage.write(userId, { version, value }, stored?.version ?? null))) throw new Error(`${userId} was not written`);
}

/** Creates a memory storage with so many users, from `user-0000` on, each with a profile sealed with this key. */
export async function populated(count: number, key: Key = KEY): Promise<ReturnType<typeof memoryStorage>> {
  const storage = memoryStorage();
  for (let index = 0; index < count; index++) await plant(storage, idOf(index), { key });
  return storage;
}

/** The id of the n-th user of {@link populated}. */
export function idOf(index: number): string {
  return `user-${String(index).padStart(4, '0')}`;
}

/** The ids of the keys in use, with the number of their profiles. */
export async function sealedByKey(storage: MfaStorage): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let cursor: string | undefined; ; ) {
    const page = await storage.listUserIds(cursor);
    for (const userId of page.userIds) {
      const bytes = Buffer.from((await storage.read(userId))?.value ?? '', 'base64url');
      const id = bytes.toString('latin1', 2, 2 + (bytes[1] ?? 0));
      counts[id] = (counts[id] ?? 0) + 1;
    }
    cursor = page.cursor;
    if (cursor === undefined) return counts;
  }
}

/** Copies every row. `back` restores exactly these rows, as a restored backup would, and removes later ones. */
export async function backUp(storage: MfaStorage): Promise<{ back(): Promise<void> }> {
  const ids = async (): Promise<string[]> => {
    const all: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await storage.listUserIds(cursor);
      all.push(...page.userIds);
      cursor = page.cursor;
      if (cursor === undefined) return all;
    }
  };
  const rows = new Map(await Promise.all((await ids()).map(async (id) => [id, await storage.read(id)] as const)));
  return {
    async back() {
      for (const id of new Set([...(await ids()), ...rows.keys()])) {
        const now = await storage.read(id);
        const then = rows.get(id) ?? null;
        if (now) await storage.remove(id, now.version);
        if (then) await storage.write(id, then, null);
      }
    },
  };
}
