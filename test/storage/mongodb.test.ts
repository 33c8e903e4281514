import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MongoCollectionLike, mongodbStorage } from '../../packages/core/src/storage/mongodb.js';
import type { MfaStorage } from '../../packages/core/src/storage/storage.js';
import { describeWith } from '../support/requires.js';
import { runConformance } from './run-conformance.js';

// There is no MongoDB to install for a test run, so what is not set is not missing: it is named as not run.
const url = process.env.MONGODB_URL || null;
if (url === null) process.stderr.write('not run: the kit on MongoDB (set MONGODB_URL to a replica set to run it)\n');

describeWith(url, 'MongoDB keeps the contract', (connectionString) => {
  const options = { serverSelectionTimeoutMS: 2000, socketTimeoutMS: 3000 };
  const clients = [new MongoClient(connectionString, options), new MongoClient(connectionString, options)];
  const collections = clients.map((client) => client.db('mfa_kit_test').collection('mfa_profiles'));
  const storages: MfaStorage[] = collections.map((collection) => mongodbStorage(collection));
  let opened = 0;
  beforeAll(async () => {
    await collections[0]?.drop().catch(() => undefined);
    // The worst collation that a team can have set: it ignores case, accents and trailing spaces.
    await clients[0]?.db('mfa_kit_test').createCollection('mfa_profiles', { collation: { locale: 'en', strength: 1 } });
  });
  afterAll(() => Promise.all(clients.map((client) => client.close())));

  runConformance({
    row: { name: 'MongoDB', server: async () => `MongoDB ${(await clients[0]?.db().admin().serverInfo())?.version}` },
    open: async () => storages[opened++ % 2] as MfaStorage,
  });
});

describe('mongodbStorage', () => {
  const collectionOf = (changes: Partial<MongoCollectionLike>) =>
    ({ updateOne: async () => undefined, insertOne: async () => undefined, ...changes }) as unknown as MongoCollectionLike;
  const failing = (code: number) => async () => Promise.reject(Object.assign(new Error('refused'), { code }));
  const next = { version: 'v2', value: 'y' };

  it.each([[null], [undefined], [{}], ['mongodb://'], [new MongoClient('mongodb://localhost')]])(
    'refuses %s as a collection',
    (wrong) => {
      expect(() => mongodbStorage(wrong as never)).toThrow(
        expect.objectContaining({ code: 'invalid_option', message: expect.stringContaining("db.collection('mfa_profiles')") }),
      );
    },
  );

  it('refuses a Mongoose model, because it casts and hooks', () => {
    expect(() => mongodbStorage(collectionOf({ modelName: 'Profile' } as object))).toThrow(/instead of a model/);
  });

  it('requests a majority, the primary and bytes, even if the connection says otherwise', async () => {
    const asked: unknown[][] = [];
    const note =
      (reply: unknown) =>
      async (...given: unknown[]) => {
        asked.push(given);
        return reply;
      };
    const storage = mongodbStorage(
      collectionOf({
        insertOne: note({ acknowledged: true }),
        updateOne: note({ acknowledged: true, matchedCount: 0 }),
        deleteOne: note({ acknowledged: true, deletedCount: 1 }),
        findOne: note(null),
      } as Partial<MongoCollectionLike>),
    );
    expect(await storage.write('é', next, null)).toBe(true);
    expect(await storage.write('é', next, 'v1')).toBe(false);
    expect(await storage.remove('é', 'v1')).toBe(true);
    expect(await storage.read('é')).toBeNull();
    const _id = Buffer.from([0xc3, 0xa9]);
    const majority = { writeConcern: { w: 'majority', j: true } };
    const exact = { ...majority, collation: { locale: 'simple' } };
    expect(asked).toEqual([
      [{ _id, ...next }, majority],
      [{ _id, version: { $eq: 'v1' } }, { $set: next }, exact],
      [{ _id, version: { $eq: 'v1' } }, exact],
      [{ _id }, { readPreference: 'primary', readConcern: { level: 'majority' }, promoteBuffers: true }],
    ]);
  });

  it.each([
    [11_000, 'a duplicate key'],
    [112, 'a conflict of writes'],
  ])('returns false for error %i, %s', async (code) => {
    const storage = mongodbStorage(collectionOf({ insertOne: failing(code), updateOne: failing(code) }));
    expect(await storage.write('alice', next, null)).toBe(false);
    expect(await storage.write('alice', next, 'v1')).toBe(false);
  });

  it.each([64, 91, 189, 10_107, 13_435])('throws error %i, because a write whose concern failed may be applied', async (code) => {
    const storage = mongodbStorage(collectionOf({ updateOne: failing(code) }));
    await expect(storage.write('alice', next, 'v1')).rejects.toMatchObject({ code });
  });

  it('throws for an unacknowledged write', async () => {
    const storage = mongodbStorage(
      collectionOf({
        updateOne: async () => ({ acknowledged: false, matchedCount: 0 }),
        insertOne: async () => ({ acknowledged: false }),
      }),
    );
    await expect(storage.write('alice', next, 'v1')).rejects.toThrow(/did not say/);
    await expect(storage.write('alice', next, null)).rejects.toThrow(/did not say/);
  });
});
