/** A symbol, so that the port stays four methods. It is enumerable, so a storage that wraps another by spread keeps its name. */
const STORAGE_NAME = Symbol.for('mfa-kit.storage-name');

/** One user's sealed profile as the storage sees it: two opaque strings. */
export interface StoredProfile {
  /** 128 random bits that core generates for each write; never a counter. At most 32 characters of ASCII. */
  version: string;
  /** The sealed profile, base64url: ASCII, at most 66,560 characters (65 KiB). */
  value: string;
}

/**
 * Where profiles are kept: the port that every adapter implements. Four methods, none optional.
 *
 * An adapter promises:
 * - `read` returns the last committed write, never a replica's.
 * - `true`: durably committed, outside any transaction of the host. `false`: certainly not applied (the condition failed, duplicate key,
 * deadlock, serialization failure). Anything else throws.
 * - Ids are well-formed Unicode without U+0000, 1 to 255 UTF-8 bytes, compared byte for byte: `alice`, `Alice`, `alice ` and `álice` are
 * four users.
 *
 * Prove an adapter with `@mfa-kit/core/storage/conformance`.
 */
export interface MfaStorage {
  /** Returns the last committed profile of this user, or null. */
  read(userId: string): Promise<StoredProfile | null>;
  /** Stores `next` only if the stored version is `expected`; with null, only if nothing is stored. */
  write(userId: string, next: StoredProfile, expected: string | null): Promise<boolean>;
  /** Removes the profile only if its version is `expected`. */
  remove(userId: string, expected: string): Promise<boolean>;
  /** Lists every id that is stored throughout, page by page, or throws. Without a cursor in the answer it was the last page. */
  listUserIds(cursor?: string): Promise<{ userIds: string[]; cursor?: string }>;
}

/** Gives an adapter the name (`postgres`, `redis`) that warnings and `mfa.check()` use. */
export function nameStorage<Storage extends MfaStorage>(name: string, storage: Storage): Storage {
  return Object.assign(storage, { [STORAGE_NAME]: name });
}

/** Returns the name of an adapter, if it has one. */
export function storageNameOf(storage: MfaStorage): string | undefined {
  const name = (storage as { [STORAGE_NAME]?: unknown })[STORAGE_NAME];
  return typeof name === 'string' && /^[a-z0-9-]{1,32}$/.test(name) ? name : undefined;
}
