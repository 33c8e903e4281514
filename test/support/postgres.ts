import pg from 'pg';
import { serverUrl } from './server-url.js';

export interface PostgresDatabase {
  connectionString: string;
  drop(): Promise<void>;
}

let databases = 0;

/** Creates an empty database for one test file or suite; null if PostgreSQL cannot start. */
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
  // The pool of pg ends before the server notices, so the server waits for some seconds. Terminating a connection would fail a
  // test that is already over.
  await runOnce(url, drop).catch(() => runOnce(url, `${drop} WITH (FORCE)`));
}

/** The version of the server, for example `PostgreSQL 18.4`. */
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
