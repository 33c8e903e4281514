import callbackMysql from 'mysql2';
import mysql from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mysqlStorage } from '../../packages/core/src/storage/mysql.js';
import type { MfaStorage } from '../../packages/core/src/storage/storage.js';
import { startFaultProxy } from '../support/fault-proxy.js';
import { mysqlDatabase, mysqlVersion } from '../support/mysql.js';
import { describeWith } from '../support/requires.js';
import { connectionHooks, LEFT_ON_MYSQL, leaveOpen, runConformance } from './run-conformance.js';

const database = await mysqlDatabase();
const pools: mysql.Pool[] = [];
afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.end().catch(() => undefined)));
  await database?.drop();
});

function openPool(uri: string, config: mysql.PoolOptions = {}): mysql.Pool {
  const pool = mysql.createPool({ uri, connectionLimit: 10, connectTimeout: 2000, ...config });
  pools.push(pool);
  return pool;
}

/** As a row of `storage.write` and back. */
const profile = (version: string, value = 'x') => ({ version, value });

describeWith(database, 'mysql2 keeps the contract, through a proxy that breaks the connection', async (real) => {
  const address = new URL(real.url);
  const proxy = await startFaultProxy(Number(address.port));
  address.port = String(proxy.port);
  afterAll(() => proxy.close());
  // Two pools for all cases: what one case broke must have healed before the next. One of them counts changed rows only.
  const poolOf = new Map<MfaStorage, mysql.Pool>();
  const storages = [openPool(address.href), openPool(address.href, { flags: ['-FOUND_ROWS'] })].map((pool) => {
    const storage = mysqlStorage(pool);
    poolOf.set(storage, pool);
    return storage;
  });
  let opened = 0;
  beforeAll(async () => {
    await storages[0]?.createTable();
    await poolOf.get(storages[0] as MfaStorage)?.query('CREATE TABLE host_things (id INTEGER)');
  });

  runConformance({
    row: { name: 'mysql2', server: () => mysqlVersion(real.url), roundTrips: proxy.roundTrips },
    open: async () => storages[opened++ % 2] as MfaStorage,
    hooks: {
      ...connectionHooks(proxy),
      leaveTransactionOpen: (storage) => leaveOpen(10, () => (poolOf.get(storage) as mysql.Pool).getConnection(), LEFT_ON_MYSQL),
      async inHostTransaction(storage, work) {
        const connection = await (poolOf.get(storage) as mysql.Pool).getConnection();
        try {
          await connection.beginTransaction();
          await connection.query('INSERT INTO host_things VALUES (1)');
          await work();
        } finally {
          await connection.rollback();
          connection.release();
        }
      },
    },
  });

  it('lost replies in the run above', () => expect(proxy.lostReplies()).toBe(3));

  it('gives up connections that fall silent before a statement is prepared, and the pool recovers', async () => {
    const pool = openPool(address.href, { connectionLimit: 2 });
    const storage = mysqlStorage(pool);
    // Connections that have prepared nothing yet.
    const idle = await Promise.all([pool.getConnection(), pool.getConnection()]);
    for (const connection of idle) connection.release();
    proxy.blackHole();
    const answers = await Promise.allSettled([storage.read('alice'), storage.read('alice')]);
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    proxy.pass();
    expect(await storage.read('nobody')).toBeNull();
  });
});

describeWith(database, "mysql2 pools with the application's own settings", (real) => {
  it.each([
    ['rows as arrays', { rowsAsArray: true }],
    ['tables nested', { nestTables: true }],
    ['columns cast', { typeCast: () => 'cast' }],
    ['named placeholders', { namedPlaceholders: true }],
    ['another character set', { charset: 'latin1_swedish_ci' }],
    ['a folding collation', { charset: 'utf8mb4_general_ci' }],
    ['several statements at once', { multipleStatements: true }],
  ] as [string, mysql.PoolOptions][])('F14: do not change what is stored: %s', async (_, config) => {
    // mysql2 keeps the function that reads rows, also for pools with another typeCast.
    mysql.clearParserCache();
    const storage = mysqlStorage(openPool(real.url, config), { table: 'configured' });
    await storage.createTable();
    for (const userId of ['älice', 'Älice', 'älice ']) {
      expect(await storage.write(userId, profile('v1'), null)).toBe(true);
      expect(await storage.read(userId)).toEqual(profile('v1'));
    }
    expect((await storage.listUserIds()).userIds).toEqual(['Älice', 'älice', 'älice ']);
    for (const userId of ['älice', 'Älice', 'älice ']) expect(await storage.remove(userId, 'v1')).toBe(true);
  });

  it('work with callbacks too', async () => {
    const pool = callbackMysql.createPool(real.url);
    const storage = mysqlStorage(pool, { table: 'called_back' });
    await storage.createTable();
    expect(await storage.write('alice', profile('v1'), null)).toBe(true);
    expect(await storage.write('alice', profile('v2'), null)).toBe(false);
    expect(await storage.read('alice')).toEqual(profile('v1'));
    await pool.promise().end();
  });

  it('have prepared statements, and keep their connection if the table is missing', async () => {
    const pool = openPool(real.url, { connectionLimit: 1 });
    const storage = mysqlStorage(pool, { table: 'prepared' });
    await storage.createTable();
    const status = async (name: string) => {
      const [rows] = await pool.query<mysql.RowDataPacket[]>(`SHOW SESSION STATUS LIKE '${name}'`);
      return Number(rows[0]?.Value);
    };
    const thread = async () => (await pool.query<mysql.RowDataPacket[]>('SELECT CONNECTION_ID() AS id'))[0][0]?.id;
    const before = await thread();
    await storage.write('alice', profile('v1'), null);
    const prepared = await status('Com_stmt_prepare');
    expect(await storage.write('bob', profile('v1'), null)).toBe(true);
    expect(await status('Com_stmt_prepare')).toBe(prepared);
    await expect(mysqlStorage(pool, { table: 'missing' }).read('alice')).rejects.toMatchObject({ code: 'ER_NO_SUCH_TABLE' });
    expect(await thread()).toBe(before);
  });
});

describeWith(database, 'mysqlStorage and transactions that the application left open', (real) => {
  it('does not return true on a connection that was released inside a transaction', async () => {
    const pool = openPool(real.url, { connectionLimit: 1 });
    const storage = mysqlStorage(pool, { table: 'left_open' });
    await storage.createTable();
    const connection = await pool.getConnection();
    await connection.beginTransaction();
    connection.release();
    await expect(storage.write('alice', profile('v1'), null)).rejects.toMatchObject({ code: 'host_setup' });
    // The next connection is a new one.
    expect(await storage.read('alice')).toBeNull();
    expect(await storage.write('alice', profile('v1'), null)).toBe(true);
  });

  it('does not return true if autocommit is off', async () => {
    const storage = mysqlStorage(openPool(real.url), { table: 'never_committed' });
    await storage.createTable();
    const pool = openPool(real.url, { connectionLimit: 1 });
    await pool.query('SET autocommit = 0');
    await expect(mysqlStorage(pool, { table: 'never_committed' }).write('alice', profile('v1'), null)).rejects.toMatchObject({
      code: 'host_setup',
    });
    expect(await storage.read('alice')).toBeNull();
  });
});

describeWith(database, 'mysql2 with other locks', (real) => {
  it('returns false for a deadlock, and nothing is stored', async () => {
    const pool = openPool(real.url);
    const storage = mysqlStorage(pool, { table: 'deadlocked' });
    await storage.createTable();
    await storage.write('alice', profile('v1'), null);
    await pool.query('CREATE TABLE audit_lock (id INTEGER PRIMARY KEY, hits INTEGER) ENGINE=InnoDB');
    await pool.query('INSERT INTO audit_lock VALUES (1, 0)');
    await pool.query(
      'CREATE TRIGGER audit AFTER UPDATE ON deadlocked FOR EACH ROW UPDATE audit_lock SET hits = hits + 1 WHERE id = 1',
    );
    const host = await pool.getConnection();
    await host.beginTransaction();
    // Heavier than the write, so that the server ends the write.
    await host.query('INSERT INTO audit_lock SELECT seq, 0 FROM seq_2_to_500');
    await host.query('UPDATE audit_lock SET hits = 0 WHERE id = 1');
    const write = storage.write('alice', profile('v2', 'y'), 'v1');
    // The server refreshes this table only if nobody has queried it for 100 ms.
    const waiting = "SELECT 1 FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'";
    await expect
      .poll(async () => (await pool.query<mysql.RowDataPacket[]>(waiting))[0].length, { interval: 150, timeout: 2500 })
      .toBe(1);
    await host.query("UPDATE deadlocked SET value = value WHERE user_id = 'alice'");
    expect(await write).toBe(false);
    await host.rollback();
    host.release();
    expect(await storage.read('alice')).toEqual(profile('v1'));
  });

  it('returns false for a lock wait that timed out, and nothing is stored', async () => {
    const host = await openPool(real.url).getConnection();
    const pool = openPool(real.url, { connectionLimit: 1 });
    const storage = mysqlStorage(pool, { table: 'waited' });
    await storage.createTable();
    await storage.write('alice', profile('v1'), null);
    await pool.query('SET innodb_lock_wait_timeout = 1');
    await host.beginTransaction();
    await host.query("SELECT * FROM waited WHERE user_id = 'alice' FOR UPDATE");
    expect(await storage.write('alice', profile('v2'), 'v1')).toBe(false);
    await host.rollback();
    host.release();
    expect(await storage.read('alice')).toEqual(profile('v1'));
  });

  it.each([
    ['innodb_snapshot_isolation', 'SET innodb_snapshot_isolation = ON'],
    ['SERIALIZABLE', 'SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE'],
  ])('one of 50 wins and nothing throws with %s, 20 rounds', async (_, setting) => {
    const pool = openPool(real.url);
    pool.on('connection', (connection) => void connection.query(setting));
    const storage = mysqlStorage(pool, { table: 'isolated' });
    await storage.createTable();
    const left = await storage.read('alice');
    if (left) await storage.remove('alice', left.version);
    await storage.write('alice', profile('v'), null);
    for (let round = 0, expected = 'v'; round < 20; round++) {
      const results = await Promise.all(
        Array.from({ length: 50 }, (_, index) => storage.write('alice', profile(`v${round}-${index}`), expected)),
      );
      expect(results.filter(Boolean)).toHaveLength(1);
      expected = `v${round}-${results.indexOf(true)}`;
      expect((await storage.read('alice'))?.version).toBe(expected);
    }
  });
});

describeWith(database, 'mysqlStorage on a server', (real) => {
  const pool = openPool(real.url);

  it('creates its table once, even if eight processes start at the same time', async () => {
    await Promise.all(Array.from({ length: 8 }, () => mysqlStorage(pool, { table: 'once_profiles' }).createTable()));
    const qualified = `${new URL(real.url).pathname.slice(1)}.once_profiles`;
    expect(await mysqlStorage(pool, { table: qualified }).read('alice')).toBeNull();
  });

  it('marks each write with the time of the database, for operators', async () => {
    const storage = mysqlStorage(pool, { table: 'dated' });
    await storage.createTable();
    await storage.write('alice', profile('v1'), null);
    await pool.query("UPDATE dated SET updated_at = '2020-01-01'");
    await storage.write('alice', profile('v2'), 'v1');
    const [rows] = await pool.query<mysql.RowDataPacket[]>('SELECT TIMESTAMPDIFF(SECOND, updated_at, NOW()) AS age FROM dated');
    expect(rows[0]?.age).toBeLessThan(60);
  });

  it.each([
    ['SET sql_mode = ""', 'sql_mode is not strict'],
    ['SET autocommit = 0', 'autocommit is off'],
    ['SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED', 'READ UNCOMMITTED'],
  ])('reports what weakens it: %s', async (setting, sentence) => {
    const careless = openPool(real.url, { connectionLimit: 1 });
    await careless.query(setting);
    await mysqlStorage(pool).createTable();
    expect(await mysqlStorage(careless).unsafeSettings()).toEqual([expect.stringContaining(sentence)]);
  });

  it.each([
    [
      'ENGINE=MyISAM',
      'user_id VARBINARY(255) PRIMARY KEY, version VARBINARY(64), value MEDIUMTEXT, updated_at DATETIME',
      'engine of the table',
    ],
    [
      '',
      'user_id VARCHAR(255) PRIMARY KEY, version VARBINARY(64), value MEDIUMTEXT, updated_at DATETIME',
      'columns of the table',
    ],
    ['', 'user_id VARBINARY(255) PRIMARY KEY, version VARBINARY(64), value TEXT, updated_at DATETIME', 'columns of the table'],
  ])('reports a table with other columns: %s (%s)', async (options, columns, sentence) => {
    await pool.query('DROP TABLE IF EXISTS made');
    await pool.query(`CREATE TABLE made (${columns}) ${options}`);
    expect(await mysqlStorage(pool, { table: 'made' }).unsafeSettings()).toEqual([expect.stringContaining(sentence)]);
  });

  it('reports nothing for safe settings', async () => {
    const storage = mysqlStorage(pool, { table: 'safe' });
    await storage.createTable();
    expect(await storage.unsafeSettings()).toEqual([]);
  });

  it('refuses a single connection, which may be in a transaction of the application, and a cluster with replicas', async () => {
    const checkedOut = await pool.getConnection();
    const single = await mysql.createConnection(real.url);
    const callbackPool = callbackMysql.createPool(real.url);
    const wrong = [checkedOut, checkedOut.connection, single, mysql.createPoolCluster(), callbackMysql.createPoolCluster()];
    for (const connection of wrong) {
      expect(() => mysqlStorage(connection as never)).toThrow(
        expect.objectContaining({ code: 'invalid_option', message: expect.stringContaining('mysql.createPool') }),
      );
    }
    checkedOut.release();
    await single.end();
    callbackPool.end();
  });
});

describe('mysqlStorage', () => {
  it.each([[null], [undefined], ['mysql://'], [{}], [{ getConnection: () => undefined }]])('refuses %j as a pool', (wrong) => {
    expect(() => mysqlStorage(wrong as never)).toThrow(expect.objectContaining({ code: 'invalid_option' }));
  });
});
