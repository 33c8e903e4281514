import { createClient } from '@libsql/client';
import { postgresStorage } from '@mfa-kit/core/storage/postgres';
import type { SqlStorage } from '@mfa-kit/core/storage/sql';
import { sqliteStorage } from '@mfa-kit/core/storage/sqlite';
import pg from 'pg';
import { freePort } from './free-port.js';
import { postgresDatabase } from './postgres.js';

/** A database without the table. */
export interface SqlTables {
  storage: SqlStorage;
  /** Makes the database unreachable. */
  away(): Promise<SqlStorage>;
  close(): Promise<void>;
}

/** The SQL databases whose failures are tested. */
export const SQL_TABLES = ['PostgreSQL', 'SQLite'] as const;

/** Opens one; null if the server cannot start. */
export function openSqlTables(name: (typeof SQL_TABLES)[number]): Promise<SqlTables | null> {
  return name === 'PostgreSQL' ? openPostgres() : openSqlite();
}

async function openPostgres(): Promise<SqlTables | null> {
  const database = await postgresDatabase();
  if (!database) return null;
  const pools: pg.Pool[] = [];
  const poolOf = (connectionString: string): pg.Pool => {
    const pool = new pg.Pool({ connectionString, connectionTimeoutMillis: 2000 });
    pool.on('error', () => undefined);
    pools.push(pool);
    return pool;
  };
  return {
    storage: postgresStorage(poolOf(database.connectionString)),
    async away() {
      const nowhere = new URL(database.connectionString);
      nowhere.host = `127.0.0.1:${await freePort()}`;
      return postgresStorage(poolOf(nowhere.href));
    },
    async close() {
      for (const pool of pools) await pool.end();
      await database.drop();
    },
  };
}

async function openSqlite(): Promise<SqlTables> {
  const client = createClient({ url: ':memory:' });
  return {
    storage: sqliteStorage(client),
    async away() {
      const closed = createClient({ url: ':memory:' });
      closed.close();
      return sqliteStorage(closed);
    },
    close: async () => client.close(),
  };
}
