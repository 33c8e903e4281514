import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type SyncSqliteLike, sqliteStorage } from '../../packages/core/src/storage/sqlite.js';
import type { MfaStorage } from '../../packages/core/src/storage/storage.js';
import { runConformance } from './run-conformance.js';

type Database = SyncSqliteLike & { exec(sql: string): void; close(): void };

// From Node 22.5; on Node 20 the cases are listed as skipped, and `npm run storage-table` keeps the row as it was. To update it there:
// npx -y -p node@24 -c 'npm run storage-table'
// Through a variable, since the types of Node 20 do not know it.
const module = 'node:sqlite';
const sqlite = (await import(module).catch(() => null)) as {
  DatabaseSync: new (path: string, options?: object) => Database;
} | null;

describe.skipIf(sqlite === null)('node:sqlite keeps the contract (from Node 22.5)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mfa-kit-node-sqlite-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'mfa.db');
  const databases = new Map<MfaStorage, Database>();

  runConformance({
    row: {
      name: 'node:sqlite',
      server() {
        const database = new (sqlite as NonNullable<typeof sqlite>).DatabaseSync(path);
        const [row] = database.prepare('SELECT sqlite_version() AS version').all() as { version: string }[];
        database.close();
        return `SQLite ${row?.version} of Node ${process.versions.node}`;
      },
    },
    async open() {
      const database = new (sqlite as NonNullable<typeof sqlite>).DatabaseSync(path);
      database.exec('PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS host_things (id INTEGER)');
      const storage = sqliteStorage(database);
      await storage.createTable();
      databases.set(storage, database);
      return storage;
    },
    async close(storage) {
      databases.get(storage)?.close();
      databases.delete(storage);
    },
    hooks: {
      async leaveTransactionOpen(storage) {
        const database = databases.get(storage) as Database;
        database.exec('BEGIN; SELECT count(*) FROM host_things');
        let isOpen = true;
        return async () => {
          if (isOpen) database.exec('ROLLBACK');
          isOpen = false;
        };
      },
      async inHostTransaction(storage, work) {
        const database = databases.get(storage) as Database;
        database.exec('BEGIN IMMEDIATE; INSERT INTO host_things VALUES (1)');
        try {
          await work();
        } finally {
          database.exec('ROLLBACK');
        }
      },
    },
  });
});

describe('a connection of better-sqlite3 or node:sqlite', () => {
  const database = (state: object) => {
    const run: string[][] = [];
    const statement = {
      run: (...parameters: string[]) => ({ changes: run.push(parameters) > 0 ? 1 : 0 }),
      all: () => [],
    };
    return { run, database: { prepare: () => statement, ...state } };
  };

  it.each([{ inTransaction: true }, { isTransaction: true }])(
    'in a transaction of the application (%o) is refused at the call',
    async (state) => {
      const { run, database: busy } = database(state);
      const storage = sqliteStorage(busy);
      for (const call of [
        () => storage.read('alice'),
        () => storage.write('alice', { version: 'v', value: 'x' }, null),
        () => storage.remove('alice', 'v'),
      ]) {
        await expect(call()).rejects.toMatchObject({
          code: 'host_setup',
          message: expect.stringContaining('a connection of its own'),
        });
      }
      expect(run).toEqual([]);
    },
  );

  it.each([{ inTransaction: false }, { isTransaction: false }, {}])('outside of one (%o) is used', async (state) => {
    const { run, database: free } = database(state);
    expect(await sqliteStorage(free).write('alice', { version: 'v', value: 'x' }, null)).toBe(true);
    expect(run).toEqual([['alice', 'v', 'x']]);
  });
});
