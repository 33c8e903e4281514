import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { createClient } from '@libsql/client';
import type { MfaStorage } from '@mfa-kit/core';
import { memoryStorage } from '@mfa-kit/core/storage/memory';
import { postgresStorage } from '@mfa-kit/core/storage/postgres';
import { sqliteStorage } from '@mfa-kit/core/storage/sqlite';
import pg from 'pg';
import { openProfileStore } from './profile-store.js';

type SqlValue = string | number | null;
export type Row = Record<string, unknown>;

/** The application's own database, and the kit's storage inside it. */
export interface HostDatabase {
  /** Runs one statement with `?` placeholders, the same text on SQLite and PostgreSQL. */
  query(sql: string, values?: readonly SqlValue[]): Promise<Row[]>;
  mfaStorage: MfaStorage;
  /** A description for people, without the password. */
  description: string;
  close(): Promise<void>;
}

/**
 * Opens `memory:`, `file:PATH` or `postgres://...` and creates missing tables. In `mysql://...`, `redis://...` and
 * `dynamodb:TABLE` only profiles are stored; the application's own tables are then in `hostFile`.
 */
export async function openDatabase(url: string, hostFile: string): Promise<HostDatabase> {
  const database = (await besideProfiles(url, hostFile)) ?? (await connect(url));
  for (const statement of TABLES) await database.query(statement);
  return database;
}

// Both databases accept these types.
const TABLES = [
  `CREATE TABLE IF NOT EXISTS demo_users (
    id TEXT PRIMARY KEY, username TEXT NOT NULL UNIQUE, email TEXT NOT NULL, display_name TEXT NOT NULL,
    password_hash TEXT NOT NULL, password_changed INTEGER NOT NULL, mfa_policy TEXT NOT NULL,
    mfa_enrolled INTEGER NOT NULL, enroll_by BIGINT)`,
  `CREATE TABLE IF NOT EXISTS demo_sessions (
    id TEXT PRIMARY KEY, data TEXT NOT NULL, expires_at BIGINT NOT NULL, ended INTEGER NOT NULL)`,
];

async function connect(url: string): Promise<HostDatabase> {
  if (url === 'memory:') return openSqlite(':memory:', 'memory, gone at exit');
  if (url.startsWith('file:')) return openSqlite(url, url);
  if (/^postgres(ql)?:\/\//.test(url)) return openPostgres(url);
  throw new Error(
    'MFA_STORAGE must be memory:, file:PATH, postgres://..., mysql://user@host/database, redis://host:port or dynamodb:TABLE.',
  );
}

async function besideProfiles(url: string, hostFile: string): Promise<HostDatabase | null> {
  const store = await openProfileStore(url);
  if (!store) return null;
  const own = await openSqlite(hostFile, hostFile);
  return {
    ...own,
    mfaStorage: store.storage,
    description: `${url.replace(/\/\/[^@/]*@/, '//')}, users in ${hostFile}`,
    async close() {
      await store.close();
      await own.close();
    },
  };
}

async function openSqlite(url: string, description: string): Promise<HostDatabase> {
  const inMemory = url === ':memory:';
  if (!inMemory) mkdirSync(dirname(url.slice('file:'.length)), { recursive: true, mode: 0o700 });
  const client = createClient({ url, timeout: 1500 });
  const query: HostDatabase['query'] = async (sql, values = []) => {
    const { rows } = await client.execute({ sql, args: [...values] });
    return rows.map((row) => ({ ...row }));
  };
  if (inMemory) return { query, mfaStorage: memoryStorage(), description, close: async () => client.close() };

  await client.execute('PRAGMA journal_mode = WAL');
  // A separate client for the same file, so that the kit's writes are not part of a transaction of the application.
  const mfaClient = createClient({ url, timeout: 1500 });
  const mfaStorage = sqliteStorage(mfaClient);
  await mfaStorage.createTable();
  return {
    query,
    mfaStorage,
    description,
    async close() {
      mfaClient.close();
      client.close();
    },
  };
}

async function openPostgres(url: string): Promise<HostDatabase> {
  const pool = new pg.Pool({ connectionString: url, max: 10, connectionTimeoutMillis: 2000 });
  // Without a listener the process would end if the server goes away.
  pool.on('error', (error) => console.error(`postgres: ${error.message}`));
  const storage = postgresStorage(pool);
  await storage.createTable();
  return {
    async query(sql, values = []) {
      let count = 0;
      return (
        await pool.query<Row>(
          sql.replace(/\?/g, () => `$${++count}`),
          [...values],
        )
      ).rows;
    },
    mfaStorage: storage,
    description: url.replace(/\/\/[^@/]*@/, '//'),
    close: () => pool.end(),
  };
}
