import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, createClient } from '@libsql/client';
import { afterAll, describe, expect, it } from 'vitest';
import { sqliteStorage } from '../../packages/core/src/storage/sqlite.js';
import type { MfaStorage } from '../../packages/core/src/storage/storage.js';
import { runConformance } from './run-conformance.js';

const folder = mkdtempSync(join(tmpdir(), 'mfa-kit-sqlite-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// In the journal mode 'delete' each commit waits for the disk several times: fewer rounds.
describe.each([
  { journal: 'wal', rounds: 20, listed: 500, name: 'libsql, journal WAL' },
  { journal: 'delete', rounds: 3, listed: 210, name: 'libsql, journal DELETE' },
] as const)('@libsql/client keeps the contract, journal mode $journal', ({ journal, rounds, listed, name }) => {
  const url = `file:${join(folder, `${journal}.db`)}`;
  const clients = new Map<MfaStorage, Client>();

  runConformance({
    row: { name, server: () => sqliteVersion(url) },
    rounds,
    listed,
    async open() {
      const client = createClient({ url });
      await client.execute(`PRAGMA journal_mode = ${journal}`);
      await client.execute('CREATE TABLE IF NOT EXISTS host_things (id INTEGER)');
      const storage = sqliteStorage(client);
      await storage.createTable();
      clients.set(storage, client);
      return storage;
    },
    async close(storage) {
      clients.get(storage)?.close();
      clients.delete(storage);
    },
    hooks: {
      async disconnect() {
        for (const client of clients.values()) client.close();
        return async () => {
          for (const client of clients.values()) await client.reconnect();
        };
      },
      async leaveTransactionOpen(storage) {
        const client = clientOf(clients, storage);
        await client.execute('BEGIN');
        await client.execute('SELECT count(*) FROM host_things');
        return async () => void (await client.execute('ROLLBACK').catch(() => undefined));
      },
      async inHostTransaction(storage, work) {
        const transaction = await clientOf(clients, storage).transaction('write');
        await transaction.execute('INSERT INTO host_things VALUES (1)');
        try {
          await work();
        } finally {
          await transaction.rollback();
        }
      },
    },
  });
});

describe.each(['wal', 'delete'])('@libsql/client shared with the application, journal mode %s', (journal) => {
  it('holds no lock from one turn to the next, so parallel writes of the application meet none', async () => {
    const client = createClient({ url: `file:${join(folder, `shared-${journal}.db`)}` });
    await client.execute(`PRAGMA journal_mode = ${journal}`);
    await client.execute('CREATE TABLE host_things (id INTEGER)');
    const storage = sqliteStorage(client);
    await storage.createTable();
    const users = Array.from({ length: 20 }, async (_, index) => {
      for (let round = 0; round < 5; round++) {
        expect(await storage.write(`user-${index}`, { version: 'v', value: 'x' }, null)).toBe(true);
        expect(await storage.read(`user-${index}`)).toEqual({ version: 'v', value: 'x' });
        expect(await storage.remove(`user-${index}`, 'v')).toBe(true);
      }
    });
    for (let id = 0; id < 50; id++) await client.execute({ sql: 'INSERT INTO host_things VALUES (?)', args: [id] });
    await Promise.all(users);
    expect((await client.execute('SELECT count(*) AS things FROM host_things')).rows[0]?.things).toBe(50);
    client.close();
  });
});

describe('@libsql/client with a database in memory', () => {
  const client = createClient({ url: ':memory:' });
  const storage = sqliteStorage(client);

  it('serves parallel calls over its one connection', async () => {
    await storage.createTable();
    const created = await Promise.all(
      Array.from({ length: 50 }, (_, index) => storage.write('alice', { version: `v${index}`, value: 'x' }, null)),
    );
    expect(created.filter(Boolean)).toHaveLength(1);
  });
});

describe('sqliteStorage', () => {
  it('refuses a transaction and anything else that is not a client, and names what it needs', async () => {
    const client = createClient({ url: ':memory:' });
    const transaction = await client.transaction('write');
    for (const wrong of [transaction, {}, null, 'file:mfa.db']) {
      expect(() => sqliteStorage(wrong as never)).toThrow(
        expect.objectContaining({ code: 'invalid_option', message: expect.stringContaining('@libsql/client') }),
      );
    }
    transaction.close();
  });

  it('does nothing at construction', () => {
    const touched = () => {
      throw new Error('touched');
    };
    expect(() => sqliteStorage({ protocol: 'file', execute: touched, transaction: touched })).not.toThrow();
    expect(() => sqliteStorage({ prepare: touched })).not.toThrow();
  });

  it('sends one statement per call to a libsql server, without a transaction', async () => {
    const sent: string[] = [];
    const storage = sqliteStorage({
      protocol: 'http',
      async execute({ sql }) {
        sent.push(sql);
        return { rows: [], rowsAffected: 1 };
      },
      transaction: () => Promise.reject(new Error('no transaction is needed')),
    });
    await storage.read('alice');
    expect(await storage.write('alice', { version: 'v', value: 'x' }, null)).toBe(true);
    expect(sent).toHaveLength(2);
  });

  it('reports the settings that weaken it', async () => {
    const client = createClient({ url: `file:${join(folder, 'settings.db')}` });
    await sqliteStorage(client).createTable();
    expect(await sqliteStorage(client).unsafeSettings()).toEqual([expect.stringContaining('journal_mode is not WAL')]);
    await client.execute('PRAGMA journal_mode = WAL');
    expect(await sqliteStorage(client).unsafeSettings()).toEqual([]);
    await client.execute('PRAGMA synchronous = NORMAL');
    expect(await sqliteStorage(client).unsafeSettings()).toEqual([expect.stringContaining('synchronous is below FULL')]);
    client.close();
  });
});

async function sqliteVersion(url: string): Promise<string> {
  const client = createClient({ url });
  const { rows } = await client.execute('SELECT sqlite_version() AS version');
  client.close();
  return `SQLite ${rows[0]?.version}`;
}

function clientOf(clients: Map<MfaStorage, Client>, storage: MfaStorage): Client {
  const client = clients.get(storage);
  if (!client) throw new Error('not one of the open storages');
  return client;
}
