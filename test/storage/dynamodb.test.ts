import { createRequire } from 'node:module';
import { DynamoDB, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  type DynamoDBLike,
  type DynamoDBStorage,
  dynamodbStorage,
  tableDefinition,
} from '../../packages/core/src/storage/dynamodb.js';
import type { MfaStorage } from '../../packages/core/src/storage/storage.js';
import { ada, createEnrolled, createFixture, expectOk, loginPending, reasonOf } from '../support/core-fixture.js';
import { startFaultProxy } from '../support/fault-proxy.js';
import { describeWith } from '../support/requires.js';
import { serverUrl } from '../support/server-url.js';
import { expectCaught, failuresOf } from './kit-failures.js';
import { connectionHooks, runConformance } from './run-conformance.js';

const url = await serverUrl('dynamodb');
const stored = { version: 'v1', value: 'x' };

function connect(endpoint: string, config: object = {}): DynamoDB {
  return new DynamoDB({
    endpoint,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 2,
    requestHandler: { connectionTimeout: 1000, requestTimeout: 1500, throwOnRequestTimeout: true },
    ...config,
  });
}

/** A storage on its own table. Resolves when the table is usable, a moment after `createTable()`, as on AWS. */
async function openTable(client: DynamoDB, table: string): Promise<DynamoDBStorage> {
  const storage = dynamodbStorage(client, { table });
  await storage.createTable();
  await isActive(client, table);
  return storage;
}

async function isActive(client: DynamoDB, table: string): Promise<void> {
  await vi.waitFor(async () => {
    const { Table } = await client.describeTable({ TableName: table });
    expect(Table?.TableStatus).toBe('ACTIVE');
  });
}

describeWith(url, 'DynamoDB (dynalite) keeps the contract, through a proxy that breaks connections', async (real) => {
  const proxy = await startFaultProxy(Number(new URL(real).port));
  const clients = [connect(`http://127.0.0.1:${proxy.port}`), connect(`http://127.0.0.1:${proxy.port}`)];
  const storages = clients.map((client) => dynamodbStorage(client, { table: 'kit_profiles' }));
  let opened = 0;
  beforeAll(async () => {
    for (const client of clients) await openTable(client, 'kit_profiles');
  });
  afterAll(async () => {
    for (const client of clients) client.destroy();
    await proxy.close();
  });

  runConformance({
    row: {
      name: 'DynamoDB',
      server: () => `dynalite ${createRequire(import.meta.url)('dynalite/package.json').version}`,
      roundTrips: proxy.roundTrips,
    },
    open: async () => storages[opened++ % 2] as MfaStorage,
    // Enough for a second page and for races; the server in memory is slow.
    listed: 220,
    rounds: 8,
    hooks: {
      ...connectionHooks(proxy),
    },
  });

  it('a reply was lost in the run above', () => expect(proxy.lostReplies()).toBeGreaterThan(0));
});

describeWith(url, 'dynamodbStorage on a server', (endpoint) => {
  const client = connect(endpoint);
  afterAll(() => client.destroy());

  it('creates its table once, even if several processes start at the same time', async () => {
    await Promise.all(Array.from({ length: 4 }, () => dynamodbStorage(client, { table: 'once_profiles' }).createTable()));
    await isActive(client, 'once_profiles');
    const storage = dynamodbStorage(client, { table: 'once_profiles' });
    expect(await storage.write('alice', stored, null)).toBe(true);
    const { Table } = await client.describeTable({ TableName: 'once_profiles' });
    expect(Table).toMatchObject({ KeySchema: [{ AttributeName: 'user_id', KeyType: 'HASH' }] });
    expect(await storage.unsafeSettings()).toEqual([]);
  });

  it('STO-1, I2: core resolves a write that the SDK retried and that got false for its own success', async () => {
    const proxy = await startFaultProxy(Number(new URL(endpoint).port));
    const retrying = connect(`http://127.0.0.1:${proxy.port}`, { maxAttempts: 3 });
    const storage = await openTable(retrying, 'again_profiles');
    const said: unknown[] = [];
    const losing: MfaStorage = {
      ...storage,
      async write(userId, next, expected) {
        if (said.length === 0) proxy.loseNextReply();
        said.push(await storage.write(userId, next, expected));
        return said.at(-1) as boolean;
      },
    };
    const { mfa, clock, recoveryCodes } = await createEnrolled(ada, { storage });
    const { mfa: doubtful } = createFixture({ storage: losing, clock: clock.now });
    const session = await loginPending(mfa);
    expect(
      reasonOf(await doubtful.verify({ user: ada, session, proof: { kind: 'recovery-code', code: recoveryCodes[0] ?? '' } })),
    ).toBe('ok');
    expect(said).toEqual([false]);
    expect(proxy.lostReplies()).toBe(1);
    expect(expectOk(await mfa.getStatus({ user: ada })).status.recoveryCodesLeft).toBe(9);
    retrying.destroy();
    await proxy.close();
  });

  it('stores only its own three attributes of an item', async () => {
    const storage = await openTable(client, 'own_profiles');
    await client.putItem({
      TableName: 'own_profiles',
      Item: { user_id: { S: 'alice' }, version: { S: 'v1' }, value: { S: 'x' }, ttl: { N: '1' } },
    });
    expect(await storage.write('alice', { version: 'v2', value: 'y' }, 'v1')).toBe(true);
    const { Item } = await client.getItem({ TableName: 'own_profiles', Key: { user_id: { S: 'alice' } } });
    expect(Object.keys(Item ?? {}).sort()).toEqual(['user_id', 'value', 'version']);
  });

  it('a check-then-act adapter fails the kit', async () => {
    const storage = await openTable(client, 'check_then_act');
    const wrong: MfaStorage = {
      ...storage,
      async write(userId, next, expected) {
        if (((await storage.read(userId))?.version ?? null) !== expected) return false;
        const Item = { user_id: { S: userId }, version: { S: next.version }, value: { S: next.value } };
        await client.putItem({ TableName: 'check_then_act', Item });
        return true;
      },
    };
    expectCaught(await failuresOf({ open: async () => wrong }, ['one of 50 parallel updates']), [
      { case: 'one of 50 parallel updates', saying: /of 50 said true/ },
    ]);
  });
});

describe('dynamodbStorage', () => {
  const client = (changes: Partial<DynamoDBLike>) => ({ getItem: async () => ({}), ...changes }) as DynamoDBLike;
  const failing = (name: string) => async () => Promise.reject(Object.assign(new Error('refused'), { name }));

  it.each([[null], [undefined], [{}], [new DynamoDBClient({ region: 'eu-central-1' })]])('refuses %s as a client', (wrong) => {
    expect(() => dynamodbStorage(wrong as never)).toThrow(
      expect.objectContaining({ code: 'invalid_option', message: expect.stringContaining('new DynamoDB(...)') }),
    );
  });

  it.each(['ab', 'a b', '', 'x'.repeat(256), 'é'.repeat(4)])('refuses the table %j', (table) => {
    expect(() => tableDefinition({ table })).toThrow(/table must be/);
  });

  it.each(['ProvisionedThroughputExceededException', 'ThrottlingException', 'TransactionConflictException', 'TimeoutError'])(
    'throws a %s: it is neither true nor false',
    async (name) => {
      const storage = dynamodbStorage(client({ putItem: failing(name), deleteItem: failing(name), getItem: failing(name) }));
      await expect(storage.write('alice', stored, null)).rejects.toMatchObject({ name });
      await expect(storage.remove('alice', 'v1')).rejects.toMatchObject({ name });
      await expect(storage.read('alice')).rejects.toMatchObject({ name });
    },
  );

  it('reports a global table whose regions overwrite each other', async () => {
    const describe = (Table: object) => dynamodbStorage(client({ describeTable: async () => ({ Table }) })).unsafeSettings();
    expect(await describe({ Replicas: [{}] })).toEqual([expect.stringContaining('global table')]);
    expect(await describe({ Replicas: [{}], MultiRegionConsistency: 'STRONG' })).toEqual([]);
    expect(await describe({ Replicas: [] })).toEqual([]);
  });

  it('requests consistent reads, and does not accept a foreign item as a profile', async () => {
    const asked: object[] = [];
    const half = client({
      async getItem(input) {
        asked.push(input);
        return { Item: { version: { S: 'v1' } } };
      },
    });
    await expect(dynamodbStorage(half).read('alice')).rejects.toThrow(/must be strings/);
    expect(asked).toEqual([{ TableName: 'mfa_profiles', Key: { user_id: { S: 'alice' } }, ConsistentRead: true }]);
  });
});
