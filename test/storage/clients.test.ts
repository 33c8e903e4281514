import { readFileSync } from 'node:fs';
import { drizzle } from 'drizzle-orm/node-postgres';
import knex from 'knex';
import { sql as kyselySql } from 'kysely';
import pg from 'pg';
import postgres from 'postgres';
import { afterAll, describe, expect, it } from 'vitest';
import type { SqlStorage } from '../../packages/core/src/storage/sql.js';
import type { MfaStorage } from '../../packages/core/src/storage/storage.js';
import { startFaultProxy } from '../support/fault-proxy.js';
import { postgresDatabase, postgresVersion } from '../support/postgres.js';
import { describeWith } from '../support/requires.js';
import { drizzleStorage } from './clients/drizzle.js';
import { knexStorage } from './clients/knex.js';
import { openKysely } from './clients/kysely.js';
import { postgresJsStorage } from './clients/postgres-js.js';
import { connectionHooks, LEFT_ON_POSTGRES, leaveOpen, runConformance } from './run-conformance.js';

interface OpenClient {
  storage: SqlStorage;
  /** A transaction of the application that ends in a rollback, whatever happens. */
  inTransaction(work: () => Promise<void>): Promise<void>;
  /** A connection of its pool, and how many there are. */
  lend(): Promise<{ query(statement: string): Promise<unknown>; release(): unknown }>;
  connections: number;
  close(): Promise<unknown>;
}

const INSERT = 'INSERT INTO host_things VALUES (1)';
const WAITS = { connectionTimeoutMillis: 2000, query_timeout: 3000 };

function openPool(connectionString: string): pg.Pool {
  const pool = new pg.Pool({ connectionString, ...WAITS });
  pool.on('error', () => undefined);
  // A connection that breaks in a transaction of the application tells itself, and would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** Each as an application opens it, with the time-outs that docs/guides/storage.md names. */
const clients = {
  Kysely(url) {
    const pool = openPool(url);
    const { db, storage } = openKysely<object>(pool);
    return {
      storage,
      lend: () => pool.connect(),
      connections: 10,
      inTransaction: (work) =>
        db.transaction().execute(async (transaction) => {
          await kyselySql.raw(INSERT).execute(transaction);
          await work();
          throw new RolledBack();
        }),
      close: () => db.destroy(),
    };
  },
  Drizzle(url) {
    const db = drizzle(openPool(url));
    return {
      storage: drizzleStorage(db),
      lend: () => db.$client.connect(),
      connections: 10,
      inTransaction: (work) =>
        db.transaction(async (transaction) => {
          await transaction.execute(INSERT);
          await work();
          transaction.rollback();
        }),
      close: () => db.$client.end(),
    };
  },
  Knex(url) {
    const db = knex({
      client: 'pg',
      connection: { connectionString: url, connectionTimeoutMillis: 2000 },
      acquireConnectionTimeout: 2000,
    });
    return {
      storage: knexStorage(db),
      async lend() {
        const connection = await db.client.acquireConnection();
        return {
          query: (statement) => connection.query(statement),
          release: () => db.client.releaseConnection(connection),
        };
      },
      connections: 10,
      inTransaction: (work) =>
        db.transaction(async (transaction) => {
          await transaction.raw(INSERT);
          await work();
          throw new RolledBack();
        }),
      close: () => db.destroy(),
    };
  },
  'postgres.js'(url) {
    const sql = postgres(url, { connect_timeout: 2, onnotice: () => undefined });
    return {
      storage: postgresJsStorage(sql),
      async lend() {
        const reserved = await sql.reserve();
        return { query: (statement) => reserved.unsafe(statement), release: () => reserved.release() };
      },
      connections: 10,
      async inTransaction(work) {
        await sql.begin(async (transaction) => {
          await transaction.unsafe(INSERT);
          await work();
          throw new RolledBack();
        });
      },
      close: () => sql.end({ timeout: 1 }),
    };
  },
} satisfies Record<string, (url: string) => OpenClient>;

class RolledBack extends Error {}

const database = await postgresDatabase();
afterAll(() => database?.drop());

for (const [name, open] of Object.entries(clients) as [keyof typeof clients, (url: string) => OpenClient][]) {
  describeWith(
    database,
    `the snippet for ${name} keeps the contract, through a proxy that breaks the connection`,
    async (real) => {
      const address = new URL(real.connectionString);
      const proxy = await startFaultProxy(Number(address.port));
      address.port = String(proxy.port);
      const opened = [open(address.href), open(address.href)];
      const clientOf = new Map<MfaStorage, OpenClient>(opened.map((client) => [client.storage, client]));
      const storages = [...clientOf.keys()];
      await opened[0]?.storage.createTable();
      const host = openPool(real.connectionString);
      await host.query('CREATE TABLE IF NOT EXISTS host_things (id INTEGER)');
      afterAll(async () => {
        await Promise.all([host.end(), ...opened.map((client) => client.close().catch(() => undefined))]);
        await proxy.close();
      });
      let next = 0;

      runConformance({
        row: { name, server: () => postgresVersion(real.connectionString), roundTrips: proxy.roundTrips },
        open: async () => storages[next++ % 2] as MfaStorage,
        rounds: 5,
        listed: 210,
        hooks: {
          ...connectionHooks(proxy),
          // postgres.js waits for an answer for ever, as docs/guides/storage.md says.
          ...(name === 'postgres.js' && { blackHole: undefined }),
          leaveTransactionOpen(storage) {
            const { connections, lend } = clientOf.get(storage) as OpenClient;
            return leaveOpen(connections, lend, LEFT_ON_POSTGRES);
          },
          inHostTransaction: (storage, work) => endsInRollback((clientOf.get(storage) as OpenClient).inTransaction(work)),
        },
      });
    },
  );
}

async function endsInRollback(transaction: Promise<void>): Promise<void> {
  const error: unknown = await transaction.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof RolledBack) && (error as Error | null)?.constructor.name !== 'TransactionRollbackError') throw error;
}

describe('docs/guides/storage.md', () => {
  it.each(Object.keys(clients))('shows the snippet for %s as it is tested', (name) => {
    const docs = readFileSync(new URL('../../docs/guides/storage.md', import.meta.url), 'utf8');
    const code = readFileSync(new URL(`clients/${name.toLowerCase().replace('.', '-')}.ts`, import.meta.url), 'utf8');
    expect(docs).toContain(`\`\`\`ts\n${code}\`\`\``);
  });
});
