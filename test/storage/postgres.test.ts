import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgresStorage } from '../../packages/core/src/storage/postgres.js';
import type { MfaStorage } from '../../packages/core/src/storage/storage.js';
import { startFaultProxy } from '../support/fault-proxy.js';
import { postgresDatabase, postgresVersion } from '../support/postgres.js';
import { describeWith } from '../support/requires.js';
import { connectionHooks, LEFT_ON_POSTGRES, leaveOpen, runConformance } from './run-conformance.js';

const database = await postgresDatabase();
const pools: pg.Pool[] = [];
afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.end().catch(() => undefined)));
  await database?.drop();
});

function openPool(connectionString: string, config: pg.PoolConfig = {}): pg.Pool {
  const pool = new pg.Pool({ connectionString, max: 10, connectionTimeoutMillis: 2000, ...config });
  pool.on('error', () => undefined);
  pools.push(pool);
  return pool;
}

describeWith(database, 'pg keeps the contract, through a proxy that breaks the connection', async (real) => {
  const address = new URL(real.connectionString);
  const proxy = await startFaultProxy(Number(address.port));
  address.port = String(proxy.port);
  afterAll(() => proxy.close());
  // Two pools for all cases: what one case broke must have healed before the next.
  const poolOf = new Map<MfaStorage, pg.Pool>();
  const storages = [openPool(address.href), openPool(address.href)].map((pool) => {
    const storage = postgresStorage(pool);
    poolOf.set(storage, pool);
    return storage;
  });
  let opened = 0;
  beforeAll(async () => {
    await storages[0]?.createTable();
    await poolOf.get(storages[0] as MfaStorage)?.query('CREATE TABLE host_things (id INTEGER)');
  });

  runConformance({
    row: { name: 'pg', server: () => postgresVersion(real.connectionString), roundTrips: proxy.roundTrips },
    open: async () => storages[opened++ % 2] as MfaStorage,
    hooks: {
      ...connectionHooks(proxy),
      leaveTransactionOpen: (storage) => leaveOpen(10, () => (poolOf.get(storage) as pg.Pool).connect(), LEFT_ON_POSTGRES),
      async inHostTransaction(storage, work) {
        const client = await (poolOf.get(storage) as pg.Pool).connect();
        try {
          await client.query('BEGIN');
          await client.query('INSERT INTO host_things VALUES (1)');
          await work();
        } finally {
          await client.query('ROLLBACK');
          client.release();
        }
      },
    },
  });

  it('lost replies in the run above', () => expect(proxy.lostReplies()).toBe(3));
});

describeWith(database, 'pg on a server that is serializable by default', (real) => {
  const pool = openPool(real.connectionString, { options: '-c default_transaction_isolation=serializable' });
  const storage = postgresStorage(pool, { table: 'serializable_profiles' });

  it('returns false for a serialization failure, and one of 50 wins, 20 rounds', async () => {
    await storage.createTable();
    expect((await pool.query('SHOW transaction_isolation')).rows[0]).toEqual({ transaction_isolation: 'serializable' });
    await storage.write('alice', { version: 'v', value: 'x' }, null);
    for (let round = 0, expected = 'v'; round < 20; round++) {
      const results = await Promise.all(
        Array.from({ length: 50 }, (_, index) => storage.write('alice', { version: `v${round}-${index}`, value: 'x' }, expected)),
      );
      expect(results.filter(Boolean)).toHaveLength(1);
      expected = `v${round}-${results.indexOf(true)}`;
      expect((await storage.read('alice'))?.version).toBe(expected);
    }
  });
});

describeWith(database, 'pg with locks in another order', (real) => {
  it('returns false for a deadlock, and nothing is stored', async () => {
    // The server looks for a deadlock once, so long after a wait began: by then the host must be waiting too.
    const pool = openPool(real.connectionString, { options: '-c deadlock_timeout=2s' });
    const storage = postgresStorage(pool, { table: 'deadlock_profiles' });
    await storage.createTable();
    await storage.write('alice', { version: 'v1', value: 'x' }, null);
    await pool.query(`
      CREATE TABLE audit_lock (id INTEGER); INSERT INTO audit_lock VALUES (1);
      CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE audit_lock SET id = id; RETURN NULL; END';
      CREATE TRIGGER audit AFTER UPDATE ON deadlock_profiles FOR EACH ROW EXECUTE FUNCTION audit();`);

    const host = await pool.connect();
    await host.query("BEGIN; SET LOCAL deadlock_timeout = '60s'; UPDATE audit_lock SET id = id");
    // The write holds its row and waits for the audit; the host then waits for that row.
    const write = storage.write('alice', { version: 'v2', value: 'y' }, 'v1');
    const waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'UPDATE \"deadlock%'";
    await expect.poll(async () => (await pool.query(waiting)).rowCount, { interval: 10 }).toBe(1);
    await host.query("UPDATE deadlock_profiles SET value = value WHERE user_id = 'alice'").catch(() => undefined);
    expect(await write).toBe(false);
    await host.query('ROLLBACK');
    host.release();
    expect(await storage.read('alice')).toEqual({ version: 'v1', value: 'x' });
  });
});

describeWith(database, 'postgresStorage on a server', (real) => {
  const pool = openPool(real.connectionString);

  it('creates its table once, even if eight processes start at the same time', async () => {
    await Promise.all(Array.from({ length: 8 }, () => postgresStorage(pool, { table: 'Once_Profiles' }).createTable()));
    expect(await postgresStorage(pool, { table: 'public.Once_Profiles' }).read('alice')).toBeNull();
  });

  it('serves two tables over one pool, prepared or not', async () => {
    const long = 'a'.repeat(62);
    const storages = [
      postgresStorage(pool, { table: `${long}1` }),
      postgresStorage(pool, { table: `${long}2` }),
      postgresStorage(pool, { table: 'short', prepareStatements: false }),
    ];
    for (const [index, storage] of storages.entries()) {
      await storage.createTable();
      expect(await storage.write('alice', { version: `v${index}`, value: 'x' }, null)).toBe(true);
    }
    for (const [index, storage] of storages.entries()) expect((await storage.read('alice'))?.version).toBe(`v${index}`);
  });

  it('prepares its statements, unless the option turns that off', async () => {
    const single = openPool(real.connectionString, { max: 1 });
    const prepared = async () => (await single.query("SELECT name FROM pg_prepared_statements WHERE name <> ''")).rows.length;
    const unprepared = postgresStorage(single, { table: 'unprepared', prepareStatements: false });
    await unprepared.createTable();
    await unprepared.read('alice');
    expect(await prepared()).toBe(0);
    const storage = postgresStorage(single, { table: 'prepared' });
    await storage.createTable();
    await storage.read('alice');
    expect(await prepared()).toBeGreaterThan(0);
  });

  it('reports the settings that weaken it', async () => {
    expect(await postgresStorage(pool).unsafeSettings()).toEqual([]);
    const careless = openPool(real.connectionString, { options: '-c synchronous_commit=off' });
    expect(await postgresStorage(careless).unsafeSettings()).toEqual([expect.stringContaining('synchronous_commit is off')]);
  });

  it('marks each write with the time of the database, for operators', async () => {
    const storage = postgresStorage(pool, { table: 'dated' });
    await storage.createTable();
    await storage.write('alice', { version: 'v1', value: 'x' }, null);
    const at = async () => (await pool.query('SELECT updated_at FROM dated')).rows[0].updated_at as Date;
    const created = await at();
    await storage.write('alice', { version: 'v2', value: 'x' }, 'v1');
    expect((await at()).getTime()).toBeGreaterThan(created.getTime());
  });

  it('refuses a single client, which may be in a transaction of the application', async () => {
    const checkedOut = await pool.connect();
    const wrong = [checkedOut, new pg.Client({ connectionString: real.connectionString })];
    checkedOut.release();
    for (const client of wrong) {
      expect(() => postgresStorage(client as never)).toThrow(
        expect.objectContaining({ code: 'invalid_option', message: expect.stringContaining('new pg.Pool') }),
      );
    }
  });
});

describe('postgresStorage', () => {
  it.each([[null], [undefined], ['postgres://'], [{}], [{ query: () => undefined }]])('refuses %j as a client', (wrong) => {
    expect(() => postgresStorage(wrong as never)).toThrow(expect.objectContaining({ code: 'invalid_option' }));
  });

  it('accepts a PGlite instance, and counts the rows that it changed', async () => {
    const asked: unknown[][] = [];
    const pglite = {
      waitReady: Promise.resolve(),
      async query(...call: unknown[]) {
        asked.push(call);
        return { rows: [], affectedRows: asked.length === 1 ? 1 : 0 };
      },
    };
    const storage = postgresStorage(pglite);
    expect(await storage.write('alice', { version: 'v', value: 'x' }, null)).toBe(true);
    expect(await storage.write('alice', { version: 'v', value: 'x' }, null)).toBe(false);
    expect(asked[0]?.[1]).toEqual(['alice', 'v', 'x']);
  });
});
