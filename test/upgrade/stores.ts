import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDB, waitUntilTableExists } from '@aws-sdk/client-dynamodb';
import { createClient } from '@libsql/client';
import type { MfaStorage } from '@mfa-kit/core';
import { Redis } from 'ioredis';
import { createPool } from 'mysql2/promise';
import pg from 'pg';
import { mysqlDatabase } from '../support/mysql.js';
import { postgresDatabase } from '../support/postgres.js';
import { serverUrl } from '../support/server-url.js';
import type { Release } from './releases.js';

/** An empty place in a real store, in which processes of both releases work. */
export interface Place {
  /** The adapter of a release, on a separate connection. The first one creates the table. */
  storageOf(release: Release): Promise<MfaStorage>;
  close(): Promise<void>;
}

export interface Store {
  name: string;
  /** Opens the place; null if the server cannot start. `names`: the defaults of the adapters, or names of this place. */
  open(names?: 'default names'): Promise<Place | null>;
}

type Adapter = (...given: unknown[]) => MfaStorage & { createTable?(): Promise<void> };
type Opened = { storage: ReturnType<Adapter>; close(): unknown };

let places = 0;

/** Every kind of store with a server here. TypeORM and Prisma share the tables of PostgreSQL and MySQL. */
export const stores: readonly Store[] = [
  {
    name: 'SQLite',
    async open() {
      const folder = mkdtempSync(join(tmpdir(), 'mfa-kit-upgrade-'));
      return placeOf(
        async (release) => {
          const client = createClient({ url: `file:${join(folder, 'mfa.db')}` });
          await client.execute('PRAGMA journal_mode = wal');
          await client.execute('PRAGMA synchronous = off');
          return { storage: (await adapter(release, 'sqlite'))(client), close: () => client.close() };
        },
        () => rmSync(folder, { recursive: true, force: true }),
      );
    },
  },
  {
    name: 'PostgreSQL',
    async open() {
      const database = await postgresDatabase();
      if (!database) return null;
      return placeOf(async (release) => {
        const pool = new pg.Pool({ connectionString: database.connectionString, max: 4 });
        pool.on('error', () => undefined);
        return { storage: (await adapter(release, 'postgres'))(pool), close: () => pool.end() };
      }, database.drop);
    },
  },
  {
    name: 'MariaDB',
    async open() {
      const database = await mysqlDatabase();
      if (!database) return null;
      return placeOf(async (release) => {
        const pool = createPool({ uri: database.url, connectionLimit: 4 });
        return { storage: (await adapter(release, 'mysql'))(pool), close: () => pool.end() };
      }, database.drop);
    },
  },
  {
    name: 'Redis',
    async open(names) {
      const url = await serverUrl('redis');
      if (url === null) return null;
      const prefix = names ? {} : { prefix: `upgrade:${process.pid}:${++places}:` };
      return placeOf(async (release) => {
        const client = new Redis(url);
        client.on('error', () => undefined);
        await new Promise((resolve) => client.once('ready', resolve));
        return { storage: (await adapter(release, 'redis'))({ client, ...prefix }), close: () => client.disconnect() };
      });
    },
  },
  {
    name: 'DynamoDB',
    async open(names) {
      const endpoint = await serverUrl('dynamodb');
      if (endpoint === null) return null;
      const table = names ? 'mfa_profiles' : `upgrade_${process.pid}_${++places}`;
      const given = names ? [] : [{ table }];
      return placeOf(async (release) => {
        const client = new DynamoDB({
          endpoint,
          region: 'eu-central-1',
          credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
        });
        const storage = (await adapter(release, 'dynamodb'))(client, ...given);
        await storage.createTable?.();
        await waitUntilTableExists({ client, maxWaitTime: 10, minDelay: 1, maxDelay: 1 }, { TableName: table });
        return { storage, close: () => client.destroy() };
      });
    },
  },
];

async function adapter(release: Release, name: string): Promise<Adapter> {
  const entry = await release.load(`@mfa-kit/core/storage/${name}`);
  return entry[`${name}Storage`] as Adapter;
}

function placeOf(openStorage: (release: Release) => Promise<Opened>, drop: () => unknown = () => undefined): Place {
  const opened: Opened[] = [];
  return {
    async storageOf(release) {
      const one = await openStorage(release);
      opened.push(one);
      await one.storage.createTable?.();
      return one.storage;
    },
    async close() {
      for (const one of opened) await one.close();
      await drop();
    },
  };
}
