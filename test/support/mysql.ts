import mysql from 'mysql2/promise';
import { serverUrl } from './server-url.js';

export interface MysqlDatabase {
  url: string;
  drop(): Promise<void>;
}

let databases = 0;

/** An empty database of its own, for one test file or suite; null where MariaDB cannot start. */
export async function mysqlDatabase(): Promise<MysqlDatabase | null> {
  const server = await serverUrl('mariadb');
  if (server === null) return null;
  const name = `test_${process.pid}_${process.env.VITEST_WORKER_ID ?? 0}_${++databases}_${Date.now()}`;
  await runOnce(server, `CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => runOnce(server, `DROP DATABASE IF EXISTS ${name}`) };
}

async function runOnce(url: string, sql: string): Promise<void> {
  const connection = await mysql.createConnection(url);
  try {
    await connection.query(sql);
  } finally {
    await connection.end();
  }
}
