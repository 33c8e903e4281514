import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@libsql/client';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mysqlStorage } from '../../packages/core/src/storage/mysql.js';
import { postgresStorage } from '../../packages/core/src/storage/postgres.js';
import { sqliteStorage } from '../../packages/core/src/storage/sqlite.js';
import { mysqlDatabase } from '../support/mysql.js';
import { postgresDatabase } from '../support/postgres.js';
import { describeWith } from '../support/requires.js';

const postgres = await postgresDatabase();
const mariadb = await mysqlDatabase();
const folder = mkdtempSync(join(tmpdir(), 'mfa-kit-table-'));
const closing: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  await Promise.all(closing.map((close) => close().catch(() => undefined)));
  await Promise.all([postgres?.drop(), mariadb?.drop()]);
  rmSync(folder, { recursive: true, force: true });
});

const MISSING = /^The table (\w+\.)?\w+ does not exist.*schema\('(postgres|mysql|sqlite)', \{ table: '.*' \}\).*createTable\(\)/;
const COLUMNS = /^The columns of the table/;
const RIGHTS = /needs SELECT, INSERT, UPDATE and DELETE/;

describeWith(postgres, 'F37: unsafeSettings() says what is wrong with the table on PostgreSQL', ({ connectionString }) => {
  const pool = new pg.Pool({ connectionString, connectionTimeoutMillis: 2000 });
  pool.on('error', () => undefined);
  closing.push(() => pool.end());
  const role = `mfa_table_${process.pid}_${Date.now()}`;
  const asRole = new pg.Pool({ connectionString, options: `-c role=${role}`, connectionTimeoutMillis: 2000 });
  asRole.on('error', () => undefined);
  beforeAll(async () => {
    await pool.query(`CREATE ROLE ${role}; CREATE SCHEMA closed; CREATE TABLE closed.profiles (user_id TEXT)`);
  });
  afterAll(async () => {
    await asRole.end();
    await pool.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  });
  const sentences = (table: string) => postgresStorage(pool, { table }).unsafeSettings();

  it.each(['nowhere', 'no_schema.nowhere'])('that %s is missing, and nothing more', async (table) => {
    expect(await sentences(table)).toEqual([expect.stringMatching(MISSING)]);
  });

  it.each([
    ['a column is missing', 'user_id TEXT PRIMARY KEY, version TEXT, value TEXT'],
    ['the value is missing', 'user_id TEXT PRIMARY KEY, version TEXT, updated_at TIMESTAMPTZ DEFAULT now()'],
    ['user_id is not the primary key', 'user_id TEXT, version TEXT, value TEXT, updated_at TIMESTAMPTZ DEFAULT now()'],
    ['user_id is a number', 'user_id BIGINT PRIMARY KEY, version TEXT, value TEXT, updated_at TIMESTAMPTZ DEFAULT now()'],
  ])('that %s', async (_, columns) => {
    await pool.query(`DROP TABLE IF EXISTS made; CREATE TABLE made (${columns})`);
    expect(await sentences('made')).toEqual([expect.stringMatching(COLUMNS)]);
  });

  it.each([
    ['DELETE', 'SELECT, INSERT, UPDATE'],
    ['INSERT', 'SELECT, DELETE, UPDATE'],
    ['UPDATE', 'SELECT, INSERT, DELETE'],
    ['SELECT', 'INSERT, UPDATE, DELETE'],
  ])('that the role may not %s', async (_, granted) => {
    await postgresStorage(pool, { table: 'granted' }).createTable();
    await pool.query(`REVOKE ALL ON granted FROM ${role}; GRANT ${granted} ON granted TO ${role}`);
    expect(await postgresStorage(asRole, { table: 'granted' }).unsafeSettings()).toEqual([expect.stringMatching(RIGHTS)]);
    await pool.query(`GRANT ALL ON granted TO ${role}`);
    expect(await postgresStorage(asRole, { table: 'granted' }).unsafeSettings()).toEqual([]);
  });

  it('that the role may not enter the schema', async () => {
    expect(await postgresStorage(asRole, { table: 'closed.profiles' }).unsafeSettings()).toEqual([expect.stringMatching(RIGHTS)]);
  });

  it('that the session is read-only', async () => {
    await postgresStorage(pool, { table: 'granted' }).createTable();
    const options = '-c default_transaction_read_only=on';
    const readOnly = new pg.Pool({ connectionString, options, connectionTimeoutMillis: 2000 });
    closing.push(() => readOnly.end());
    expect(await postgresStorage(readOnly, { table: 'granted' }).unsafeSettings()).toEqual([
      expect.stringContaining('read-only'),
    ]);
  });

  it('and changes nothing by asking', async () => {
    const storage = postgresStorage(pool, { table: 'kept' });
    await storage.createTable();
    await storage.write('alice', { version: 'v1', value: 'x' }, null);
    expect(await storage.unsafeSettings()).toEqual([]);
    expect((await pool.query('SELECT user_id, version, value FROM kept')).rows).toEqual([
      { user_id: 'alice', version: 'v1', value: 'x' },
    ]);
  });

  it('but throws where the database is away', async () => {
    const away = new pg.Pool({ connectionString: 'postgresql://127.0.0.1:1/nowhere', connectionTimeoutMillis: 500 });
    closing.push(() => away.end());
    await expect(postgresStorage(away).unsafeSettings()).rejects.toThrow('ECONNREFUSED');
  });
});

describeWith(mariadb, 'F37: unsafeSettings() says what is wrong with the table on MariaDB', ({ url }) => {
  const pool = mysql.createPool({ uri: url, connectTimeout: 2000 });
  closing.push(() => pool.end());
  const user = `mfa_${process.pid}`;
  const asUser = Object.assign(new URL(url), { username: user, password: 'secret' }).href;
  afterAll(() => pool.query(`DROP USER IF EXISTS ${user}@'%'`));
  const sentences = (table: string) => mysqlStorage(pool, { table }).unsafeSettings();

  it.each(['nowhere', 'no_database.nowhere'])('that %s is missing, and nothing more', async (table) => {
    expect(await sentences(table)).toEqual([expect.stringMatching(MISSING)]);
  });

  it.each([
    ['updated_at is missing', 'user_id VARBINARY(255) PRIMARY KEY, version VARBINARY(64), value MEDIUMTEXT'],
    ['the version is missing', 'user_id VARBINARY(255) PRIMARY KEY, value MEDIUMTEXT, updated_at DATETIME'],
    ['user_id is not the primary key', 'user_id VARBINARY(255), version VARBINARY(64), value MEDIUMTEXT, updated_at DATETIME'],
  ])('that %s', async (_, columns) => {
    await pool.query('DROP TABLE IF EXISTS made_so');
    await pool.query(`CREATE TABLE made_so (${columns})`);
    expect(await sentences('made_so')).toEqual([expect.stringMatching(COLUMNS)]);
  });

  it.each(['SELECT', 'SELECT, INSERT, UPDATE'])('that the user has %s only', async (granted) => {
    await mysqlStorage(pool, { table: 'rights' }).createTable();
    await pool.query(`DROP USER IF EXISTS ${user}@'%'`);
    await pool.query(`CREATE USER ${user}@'%' IDENTIFIED BY 'secret'`);
    await pool.query(`GRANT ${granted} ON rights TO ${user}@'%'`);
    const limited = mysql.createPool({ uri: asUser, connectTimeout: 2000 });
    closing.push(() => limited.end());
    expect(await mysqlStorage(limited, { table: 'rights' }).unsafeSettings()).toEqual([expect.stringMatching(RIGHTS)]);
  });
});

describe('F37: unsafeSettings() says what is wrong with the table on SQLite', () => {
  const client = createClient({ url: `file:${join(folder, 'one.db')}` });
  afterAll(() => client.close());
  beforeAll(async () => {
    await client.execute('PRAGMA journal_mode = WAL');
  });

  it('that it is missing', async () => {
    expect(await sqliteStorage(client, { table: 'nowhere' }).unsafeSettings()).toEqual([expect.stringMatching(MISSING)]);
  });

  it.each([
    ['a column is missing', 'user_id TEXT PRIMARY KEY, version TEXT, value TEXT'],
    ['user_id is not the primary key', 'user_id TEXT, version TEXT, value TEXT, updated_at TEXT'],
  ])('that %s', async (_, columns) => {
    await client.execute('DROP TABLE IF EXISTS made');
    await client.execute(`CREATE TABLE made (${columns})`);
    expect(await sqliteStorage(client, { table: 'made' }).unsafeSettings()).toEqual([expect.stringMatching(COLUMNS)]);
  });
});
