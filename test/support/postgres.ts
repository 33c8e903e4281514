import pg from 'pg';
import { serverUrl } from './server-url.js';

export interface PostgresDatabase {
  connectionString: string;
  drop(): Promise<void>;
}

let databases = 0;

/** An empty database of its own, for one test file or suite; null where PostgreSQL cannot start. */
export async function postgresDatabase(): Promise<PostgresDatabase | null> {
  const url = await serverUrl('postgres');
  if (url === null) return null;
  const name = `test_${process.pid}_${process.env.VITEST_WORKER_ID ?? 0}_${++databases}_${Date.now()}`;
  await runOnce(url, `CREATE DATABASE ${name}`);
  const connection = new URL(url);
  connection.pathname = `/${name}`;
  return { connectionString: connection.href, drop: () => dropDatabase(url, name) };
}

async function dropDatabase(url: string, name: string): Promise<void> {
  const drop = `DROP DATABASE IF EXISTS ${name}`;
  // A pool of pg has ended before the server hears of it, so the server waits for some seconds. Ended by force, a connection would
  // fail a test that is over.
  await runOnce(url, drop).catch(() => runOnce(url, `${drop} WITH (FORCE)`));
}

/** `PostgreSQL 18.4`, as the server tells. */
export async function postgresVersion(connectionString: string): Promise<string> {
  const [row] = await runOnce(connectionString, 'SHOW server_version');
  return `PostgreSQL ${row?.server_version}`;
}

async function runOnce(connectionString: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}
