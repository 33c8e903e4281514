/** A symbol, so that the port stays four methods. It is enumerable: a storage that wraps another by spread keeps its name. */
const STORAGE_NAME = Symbol.for('mfa-kit.storage-name');

/** One user's sealed profile as the storage sees it: two opaque strings. */
export interface StoredProfile {
  /** 128 random bits minted by core for each write; never a counter. At most 32 characters of ASCII. */
  version: string;
  /** The sealed profile, base64url: ASCII, at most 66,560 characters (65 KiB). */
  value: string;
}

/**
 * Where profiles are kept: the port that every adapter implements. Four methods, none optional.
 *
 * An adapter promises:
 * - `read` gives the last committed write, never a replica's.
 * - `true`: durably committed, outside any transaction of the host. `false`: certainly not applied (the condition failed,
 *   duplicate key, deadlock, serialization failure). Anything else throws.
 * - Ids are well-formed Unicode without U+0000, 1 to 255 UTF-8 bytes, compared byte for byte: `alice`, `Alice`, `alice ` and
 *   `álice` are four users.
 *
 * Prove an adapter with `@mfa-kit/core/storage/conformance`.
 */
export interface MfaStorage {
  /** The last committed profile of this user, or null. */
  read(userId: string): Promise<StoredProfile | null>;
  /** Stores `next` only while the stored version is `expected`; null: only while nothing is stored. */
  write(userId: string, next: StoredProfile, expected: string | null): Promise<boolean>;
  /** Removes the profile only while its version is `expected`. */
  remove(userId: string, expected: string): Promise<boolean>;
  /** Every id that is there throughout, page by page, or an error. No cursor in the answer: that was the last page. */
  listUserIds(cursor?: string): Promise<{ userIds: string[]; cursor?: string }>;
}

/** Gives an adapter the name (`postgres`, `redis`) that warnings and `mfa.check()` use. */
export function nameStorage<Storage extends MfaStorage>(name: string, storage: Storage): Storage {
  return Object.assign(storage, { [STORAGE_NAME]: name });
}

/** The name that an adapter was given, if it has one. */
export function storageNameOf(storage: MfaStorage): string | undefined {
  const name = (storage as { [STORAGE_NAME]?: unknown })[STORAGE_NAME];
  return typeof name === 'string' && /^[a-z0-9-]{1,32}$/.test(name) ? name : undefined;
}
