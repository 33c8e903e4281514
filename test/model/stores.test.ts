import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@libsql/client';
import { postgresStorage } from '@mfa-kit/core/storage/postgres';
import { sqliteStorage } from '@mfa-kit/core/storage/sqlite';
import pg from 'pg';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { type PostgresDatabase, postgresDatabase } from '../support/postgres.js';
import { ROUNDS } from '../support/proof.js';
import { describeWith } from '../support/requires.js';
import { checkHistories } from './histories.js';

const name = 'STO-1, I1, I2, I3, I5, I6: random histories of two processes are what the model says';
const database: PostgresDatabase | null = await postgresDatabase();

describe('on SQLite, a connection a process', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mfa-kit-model-'));
  const clients = Array.from({ length: 2 }, () => createClient({ url: `file:${join(folder, 'model.db')}` }));
  const storages = clients.map((client) => sqliteStorage(client));

  beforeAll(async () => {
    await clients[0]?.execute('PRAGMA journal_mode = wal');
    await storages[0]?.createTable();
  });
  afterAll(() => {
    for (const client of clients) client.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it(name, () => checkHistories(() => storages, { runs: Math.ceil(ROUNDS / 2) }), 600_000);
});

describeWith(database, 'on PostgreSQL, a pool a process', (db) => {
  const pools = Array.from({ length: 2 }, () => new pg.Pool({ connectionString: db.connectionString, max: 2 }));
  const storages = pools.map((pool) => postgresStorage(pool));

  beforeAll(async () => {
    for (const pool of pools) pool.on('error', () => undefined);
    await storages[0]?.createTable();
  });
  afterAll(async () => {
    for (const pool of pools) await pool.end();
    await db.drop();
  });

  it(name, () => checkHistories(() => storages, { runs: Math.ceil(ROUNDS / 2) }), 600_000);
});
