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
  return { connectionString: connection.href, drop: () => runOnce(url, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

async function runOnce(connectionString: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
