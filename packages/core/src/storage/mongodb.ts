import { MfaError } from '../errors.js';
import { type MfaStorage, nameStorage } from './storage.js';

/** The part of a collection of the `mongodb` driver that is used. `connection.collection(...)` of Mongoose returns the same. */
export interface MongoCollectionLike {
  readonly namespace: string;
  findOne(filter: object, options: object): Promise<object | null>;
  insertOne(document: never, options: object): Promise<{ acknowledged: boolean }>;
  updateOne(filter: object, update: object, options: object): Promise<{ acknowledged: boolean; matchedCount: number }>;
  deleteOne(filter: object, options: object): Promise<{ acknowledged: boolean; deletedCount: number }>;
  find(filter: object, options: object): MongoCursorLike;
}

export interface MongoCursorLike {
  toArray(): Promise<object[]>;
}

const PAGE_SIZE = 200;
const DUPLICATE_KEY = 11_000;
/** Aborted before anything was applied, because another write of the same document came first. */
const WRITE_CONFLICT = 112;

// These override the connection string: a write that a majority has in its journal is not rolled back, and only the primary has the latest.
const CREATES = { writeConcern: { w: 'majority', j: true } } as const;
// Versions are compared by their bytes, regardless of the collation of the collection.
const WRITES = { ...CREATES, collation: { locale: 'simple' } } as const;
const READS = { readPreference: 'primary', readConcern: { level: 'majority' }, promoteBuffers: true } as const;

/**
 * Profiles in a MongoDB collection, on a replica set or a sharded cluster: a document with `_id`, `version` and `value` for each user. It
 * needs no index.
 *
 * - `true` is durable: a majority has it in its journal, regardless of the connection's write concern. Reads go to the primary.
 * - Ids are stored as their UTF-8 bytes, because the index of `_id` follows the collation of its collection.
 * - It never uses a session of the application, because a rollback would undo what core has answered.
 */
export function mongodbStorage(collection: MongoCollectionLike): MfaStorage {
  const given = collection as Partial<MongoCollectionLike> | null | undefined;
  if (typeof given?.updateOne !== 'function' || typeof given.insertOne !== 'function') {
    throw new MfaError(
      'invalid_option',
      "mongodbStorage needs a collection: db.collection('mfa_profiles') of the mongodb driver, or " +
        "mongoose.connection.collection('mfa_profiles'). A Mongoose model is refused, because it casts and hooks.",
    );
  }
  if (typeof (given as { modelName?: unknown }).modelName === 'string') {
    throw new MfaError(
      'invalid_option',
      "mongodbStorage: give model.collection or mongoose.connection.collection('mfa_profiles') instead of a model.",
    );
  }

  /** Returns false only if the write was certainly not applied. */
  async function unlessRefused(call: () => Promise<number>): Promise<boolean> {
    let changed: number;
    try {
      changed = await call();
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (code === DUPLICATE_KEY || code === WRITE_CONFLICT) return false;
      throw error;
    }
    if (changed === 0 || changed === 1) return changed === 1;
    throw new TypeError('mongodbStorage: the driver did not say how many documents it changed.');
  }

  return nameStorage('mongodb', {
    async read(userId) {
      const found = (await collection.findOne({ _id: bytes(userId) }, READS)) as Fields | null;
      return found && { version: text(found.version), value: text(found.value) };
    },

    write(userId, { version, value }, expected) {
      if (expected === null) {
        const document = { _id: bytes(userId), version, value };
        return unlessRefused(async () => countOf(await collection.insertOne(document as never, CREATES), 1));
      }
      return unlessRefused(async () => {
        const done = await collection.updateOne(at(userId, expected), { $set: { version, value } }, WRITES);
        return countOf(done, done.matchedCount);
      });
    },

    remove: (userId, expected) =>
      unlessRefused(async () => {
        const done = await collection.deleteOne(at(userId, expected), WRITES);
        return countOf(done, done.deletedCount);
      }),

    async listUserIds(cursor) {
      // By key, not by offset: a removal between two pages must not move a user past the cursor.
      const filter = cursor === undefined ? {} : { _id: { $gt: bytes(cursor) } };
      const options = { ...READS, projection: { _id: 1 }, sort: { _id: 1 }, limit: PAGE_SIZE };
      const found = (await collection.find(filter, options).toArray()) as Fields[];
      const userIds = found.map(({ _id }) => idOf(_id));
      const last = userIds.at(-1);
      return userIds.length === PAGE_SIZE && last !== undefined ? { userIds, cursor: last } : { userIds };
    },
  });
}

type Fields = Record<string, unknown>;

/** `$eq`, so that a version is never read as an operator. */
function at(userId: string, version: string) {
  return { _id: bytes(userId), version: { $eq: version } };
}

function bytes(userId: string): Buffer {
  return Buffer.from(userId, 'utf8');
}

function idOf(key: unknown): string {
  if (key instanceof Uint8Array) return Buffer.from(key).toString('utf8');
  throw new TypeError('mongodbStorage: _id must be binary; give mfa-kit a collection of its own.');
}

/** An unacknowledged write proves nothing. */
function countOf({ acknowledged }: { acknowledged: boolean }, count: number): number {
  return acknowledged ? count : Number.NaN;
}

function text(field: unknown): string {
  if (typeof field === 'string') return field;
  throw new TypeError('mongodbStorage: version and value must be strings; give mfa-kit a collection of its own.');
}
