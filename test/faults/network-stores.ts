import type { MfaStorage } from '@mfa-kit/core';
import { mysqlStorage } from '@mfa-kit/core/storage/mysql';
import { postgresStorage } from '@mfa-kit/core/storage/postgres';
import { redisStorage } from '@mfa-kit/core/storage/redis';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { mysqlDatabase } from '../support/mysql.js';
import { postgresDatabase } from '../support/postgres.js';
import { portsOf, redisClients } from '../support/redis.js';
import { serverUrl } from '../support/server-url.js';

/** A server whose network will break. */
export interface NetworkStore {
  port: number;
  /** The URL without the proxy. */
  direct: MfaStorage;
  /** Opens a client as in the docs, through this port. It is already connected, so that the fault hits a statement. */
  connect(port: number, connections?: number): Promise<{ storage: MfaStorage; close(): unknown }>;
  /** How long its client takes to notice that a request was swallowed. It then sends the request again, although nothing waits for it. */
  sendsAgainMs?: number;
  close(): Promise<unknown>;
}

/** The longest time to wait for a connection when a test is prepared. */
const PATIENCE_MS = 30_000;

/** Each client that behaves differently when its connection breaks; null if the server cannot start. */
export const networkStores: readonly { name: string; open(): Promise<NetworkStore | null> }[] = [
  { name: 'PostgreSQL', open: onPostgres },
  { name: 'MariaDB', open: onMariadb },
  { name: 'Redis, through node-redis', open: () => onRedis('node-redis') },
  { name: 'Redis, through ioredis, which sends again', open: () => onRedis('ioredis') },
];

async function onPostgres(): Promise<NetworkStore | null> {
  const database = await postgresDatabase();
  if (!database) return null;
  const poolTo = (connectionString: string, max: number, connectionTimeoutMillis = 2_000) => {
    const pool = new pg.Pool({ connectionString, max, connectionTimeoutMillis });
    pool.on('error', () => undefined);
    return pool;
  };
  const direct = poolTo(database.connectionString, 10, PATIENCE_MS);
  const storage = postgresStorage(direct);
  await storage.createTable();
  return {
    port: Number(new URL(database.connectionString).port),
    direct: storage,
    async connect(port, connections = 3) {
      const pool = poolTo(throughPort(database.connectionString, port), connections);
      await connected(() => pool.query('SELECT 1'));
      return { storage: postgresStorage(pool), close: () => pool.end() };
    },
    close: () => direct.end().then(database.drop),
  };
}

/** Before the fault, because a busy machine may need longer than the timeout under test. */
async function connected(ask: () => Promise<unknown>): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      await ask();
      return;
    } catch (error) {
      if (performance.now() > end) throw error;
    }
  }
}

async function onMariadb(): Promise<NetworkStore | null> {
  const database = await mysqlDatabase();
  if (!database) return null;
  const poolTo = (uri: string, connectionLimit: number) => mysql.createPool({ uri, connectionLimit, connectTimeout: 2_000 });
  const direct = poolTo(database.url, 10);
  const storage = mysqlStorage(direct);
  await storage.createTable();
  return {
    port: Number(new URL(database.url).port),
    direct: storage,
    async connect(port, connections = 3) {
      const pool = poolTo(throughPort(database.url, port), connections);
      const through = mysqlStorage(pool);
      await prepareStatements(through);
      // Closing may fail on broken connections.
      return { storage: through, close: () => pool.end().catch(() => undefined) };
    },
    close: () => direct.end().then(database.drop),
  };
}

async function onRedis(kind: 'node-redis' | 'ioredis'): Promise<NetworkStore | null> {
  const url = await serverUrl('redis');
  if (url === null) return null;
  const [port = 0] = portsOf(url);
  const direct = await redisClients[kind]({ ports: [port] });
  return {
    port,
    ...(kind === 'ioredis' ? { sendsAgainMs: 3_000 } : {}),
    direct: redisStorage({ client: direct.client }),
    async connect(behind) {
      const { client, close } = await redisClients[kind]({ ports: [behind] });
      return { storage: redisStorage({ client }), close };
    },
    close: async () => direct.close(),
  };
}

function throughPort(address: string, port: number): string {
  const url = new URL(address);
  url.port = String(port);
  return url.href;
}

/** On a new connection mysql2 first prepares each statement, and the fault would hit that instead of the statement. */
async function prepareStatements(storage: MfaStorage): Promise<void> {
  const row = { version: 'prepared', value: 'x' };
  await storage.write('prepared', row, null);
  await storage.write('prepared', row, 'another version');
  await storage.remove('prepared', 'another version');
  await storage.read('prepared');
}
