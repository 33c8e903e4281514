import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@libsql/client';
import pg from 'pg';
import { afterAll, describe, expect, it } from 'vitest';
import { type StorageConformanceOptions, storageConformance } from '../../packages/core/src/storage/conformance.js';
import { type SqlStorage, sqlStorage } from '../../packages/core/src/storage/sql.js';
import type { MfaStorage } from '../../packages/core/src/storage/storage.js';
import { postgresDatabase } from '../support/postgres.js';
import { describeWith } from '../support/requires.js';
import { expectCaught, failuresOf } from './kit-failures.js';
import { runConformance } from './run-conformance.js';
import { rightStorageWithFaults } from './seeded-bugs/faults.js';
import { blindStorage } from './seeded-bugs/open-transaction.js';
import { seededBugs } from './seeded-bugs.js';

describe('the conformance kit passes a correct adapter with every fault', () => {
  const { open, hooks } = rightStorageWithFaults();
  runConformance({ open: async () => open(), rounds: 2, listed: 120, ...(hooks ? { hooks } : {}) });
});

describe('the conformance kit passes an adapter on several servers that come back one after another', () => {
  const { open, hooks } = rightStorageWithFaults();
  const serverOf = (userId: string) => userId.length % 3;
  let broken = { server: 0, at: Number.NEGATIVE_INFINITY };
  const onServers = (storage: MfaStorage): MfaStorage => {
    async function ask<Answer>(userId: string, act: () => Promise<Answer>): Promise<Answer> {
      const server = serverOf(userId);
      if (server === broken.server && performance.now() - broken.at < 100) throw new Error('the server of this user is not back');
      return act().catch((error) => {
        broken = { server, at: performance.now() };
        throw error;
      });
    }
    return {
      read: (userId) => ask(userId, () => storage.read(userId)),
      write: (userId, next, expected) => ask(userId, () => storage.write(userId, next, expected)),
      remove: (userId, expected) => ask(userId, () => storage.remove(userId, expected)),
      listUserIds: (cursor) => storage.listUserIds(cursor),
    };
  };
  const { loseNextReply } = hooks ?? {};
  runConformance({ open: async () => onServers(open()), rounds: 2, listed: 120, hooks: loseNextReply ? { loseNextReply } : {} });
});

describe('d-0b: the conformance kit fails, for the intended reason,', () => {
  it.each(seededBugs)('$name', async ({ start, caughtBy }) => {
    const { open, hooks = {} } = start();
    expect(caughtBy.length).toBeGreaterThan(0);
    expectCaught(await failuresOf({ open: async () => open(), hooks }), caughtBy);
  });
});

describe('the conformance kit', () => {
  it('lists a case without its hook as skipped, and does not pass it', async () => {
    const cases = storageConformance({ open: () => Promise.reject(new Error('not opened')) });
    const skipped = cases.filter(({ skip }) => skip);
    expect(new Set(skipped.map(({ skip }) => skip))).toEqual(
      new Set(
        ['disconnect', 'loseNextReply', 'blackHole', 'inHostTransaction', 'leaveTransactionOpen'].map(
          (hook) => `needs the hook ${hook}`,
        ),
      ),
    );
    for (const { run } of skipped) await expect(run()).rejects.toThrow('needs the hook');
  });

  it('F13, F14: accepts an adapter whose unsafeSettings() says that it cannot see an open transaction', async () => {
    const sentence = 'This adapter cannot see an open transaction: give it a pool of its own.';
    const { open, hooks = {} } = blindStorage({ reads: true, writes: true }, [sentence]);
    expect(await failuresOf({ open: async () => open(), hooks }, ['a transaction that'])).toEqual(new Map());
  });

  it('has unique names', () => {
    const names = storageConformance({ open: () => Promise.reject(new Error('not opened')) }).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it('closes what it opened, even if a case fails', async () => {
    let open = 0;
    const broken = (() => Promise.reject(new Error('broken'))) as never;
    const options: StorageConformanceOptions = {
      async open() {
        open++;
        return { read: broken, write: broken, remove: broken, listUserIds: broken };
      },
      async close() {
        open--;
      },
    };
    expect((await failuresOf(options)).size).toBeGreaterThan(30);
    expect(open).toBe(0);
  });
});

describe('d-0b: the conformance kit fails, on a real SQLite,', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mfa-kit-kit-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  // What libsql does by itself, and why sqliteStorage does not use it so.
  it('statements that @libsql/client prepares where they can meet a lock', async () => {
    const url = `file:${join(folder, 'plain.db')}`;
    const host = createClient({ url });
    await host.execute('PRAGMA journal_mode = WAL');
    await host.execute('CREATE TABLE host_things (id INTEGER)');
    const options: StorageConformanceOptions = {
      async open() {
        const client = createClient({ url });
        const storage = sqlStorage({
          dialect: 'sqlite',
          query: async (sql, args) => {
            const { rows, rowsAffected } = await client.execute({ sql, args: args as string[] });
            return { rows: rows as never[], rowsAffected };
          },
        });
        await storage.createTable();
        return storage;
      },
      hooks: {
        async inHostTransaction(_, work) {
          const transaction = await host.transaction('write');
          await transaction.execute('INSERT INTO host_things VALUES (1)');
          await work();
          await transaction.rollback();
        },
      },
    };
    const failures = await failuresOf(options, ['a call that met a lock', 'creates once', 'one of 50 parallel creates']);
    expectCaught(failures, [{ case: 'a call that met a lock', saying: /after a lock/ }]);
    expect(failures.size).toBe(1);
  });
});

const database = await postgresDatabase();

describeWith(database, 'd-0b: the conformance kit fails, on a real PostgreSQL,', ({ connectionString, drop }) => {
  const pool = new pg.Pool({ connectionString });
  afterAll(async () => {
    await pool.end();
    await drop();
  });
  const query = async (text: string, values: unknown[]) => {
    const { rows, rowCount } = await pool.query(text, values);
    return { rows, rowsAffected: rowCount ?? 0 };
  };
  const right = (table: string) => sqlStorage({ dialect: 'postgres', query, table });

  it('check-then-act', async () => {
    const storage = right('check_then_act');
    await storage.createTable();
    const wrong: MfaStorage = {
      ...storage,
      async write(userId, next, expected) {
        if (((await storage.read(userId))?.version ?? null) !== expected) return false;
        await pool.query(
          'INSERT INTO check_then_act VALUES ($1, $2, $3) ON CONFLICT (user_id) DO UPDATE SET version = $2, value = $3',
          [userId, next.version, next.value],
        );
        return true;
      },
    };
    expectCaught(await failuresOf({ open: async () => wrong }, ['one of 50']), [
      { case: 'one of 50 parallel creates', saying: /of 50 said true/ },
      { case: 'one of 50 parallel updates', saying: /of 50 said true/ },
    ]);
  });

  it("a client in the application's transaction", async () => {
    const client = await pool.connect();
    await client.query('CREATE TABLE in_transaction (LIKE check_then_act INCLUDING ALL)');
    const shared: SqlStorage = sqlStorage({
      dialect: 'postgres',
      table: 'in_transaction',
      query: async (text, values) => {
        const { rows, rowCount } = await client.query(text, values);
        return { rows, rowsAffected: rowCount ?? 0 };
      },
    });
    const options: StorageConformanceOptions = {
      open: async () => shared,
      hooks: {
        async inHostTransaction(_, work) {
          await client.query('BEGIN');
          await work();
          await client.query('ROLLBACK');
        },
      },
    };
    const failures = await failuresOf(options, ['true survives']);
    client.release();
    expectCaught(failures, [{ case: 'true survives the rollback', saying: /a write said true and is not stored/ }]);
  });

  it('a column whose collation folds case', async () => {
    await pool.query(`CREATE COLLATION no_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`);
    await pool.query(
      'CREATE TABLE folding (user_id TEXT COLLATE no_case PRIMARY KEY, version TEXT, value TEXT, updated_at TIMESTAMPTZ)',
    );
    expectCaught(await failuresOf({ open: async () => right('folding') }, ['keeps apart']), [
      { case: 'keeps apart ids that differ only in letter case', saying: /finds the profile of another id/ },
    ]);
  });
});
