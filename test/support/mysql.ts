import mysql from 'mysql2/promise';
import { serverUrl } from './server-url.js';

export interface MysqlDatabase {
  url: string;
  drop(): Promise<void>;
}

let databases = 0;

/** Creates an empty database for one test file or suite; null if MariaDB cannot start. */
export async function mysqlDatabase(): Promise<MysqlDatabase | null> {
  const server = await serverUrl('mariadb');
  if (server === null) return null;
  const name = `test_${process.pid}_${process.env.VITEST_WORKER_ID ?? 0}_${++databases}_${Date.now()}`;
  await runOnce(server, `CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => dropDatabase(server, name) };
}

async function dropDatabase(server: string, name: string): Promise<void> {
  await runOnce(server, `DROP DATABASE IF EXISTS ${name}`);
}

/** The version of the server, for example `MariaDB 10.11.14`. */
export async function mysqlVersion(url: string): Promise<string> {
  const [row] = (await runOnce(url, 'SELECT VERSION() AS version')) as { version: string }[];
  return String(row?.version).replace(/^([\d.]+)-(MariaDB).*/, '$2 $1');
}

async function runOnce(url: string, sql: string): Promise<unknown> {
  const connection = await mysql.createConnection(url);
  try {
    return (await connection.query(sql))[0];
  } finally {
    await connection.end();
  }
}
