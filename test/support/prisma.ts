import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import mysql from 'mysql2/promise';
import pg from 'pg';
import type { PrismaClientLike } from '../../packages/core/src/storage/prisma.js';
import type { SqlStorage } from '../../packages/core/src/storage/sql.js';
import { mysqlVersion } from './mysql.js';
import { postgresVersion } from './postgres.js';
import { reportMissing } from './requires.js';

/** The used parts of a real client, whose types exist only if its packages are installed. */
export interface Prisma extends PrismaClientLike {
  $transaction(work: (transaction: Prisma) => Promise<unknown>): Promise<unknown>;
  $extends(extension: object): Prisma;
  $disconnect(): Promise<void>;
}

export interface OpenedPrisma {
  prisma: Prisma;
  storage: SqlStorage;
}

/** A row of the model. On MySQL its keys are bytes. */
export interface PrismaProfileRow {
  userId: string | Uint8Array;
  version: string | Uint8Array;
  value: string;
  updatedAt: Date;
}

export const prismaApp = path.resolve(import.meta.dirname, '../apps/prisma');

/** Whether its packages are installed. If so, generates the clients from their models. */
export function preparePrisma(): boolean {
  if (!existsSync(path.join(prismaApp, 'node_modules/.package-lock.json'))) {
    reportMissing('the packages of test/apps/prisma are missing: npm ci --prefix test/apps/prisma');
    return false;
  }
  // The schema engine must exist, but is not run.
  const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1' };
  for (const provider of ['postgresql', 'mysql']) {
    const command = ['node_modules/prisma/build/index.js', 'generate', '--schema', `${provider}.prisma`];
    execFileSync(process.execPath, command, { cwd: prismaApp, env, stdio: 'pipe' });
  }
  return true;
}

export const prismaModel = (provider: string) => readFileSync(path.join(prismaApp, `${provider}.prisma`), 'utf8');

/** Loads a module that exists only if the packages are installed. */
export const loadPrisma = (module: string) => import(pathToFileURL(path.join(prismaApp, module)).href);

export interface PrismaKind {
  dialect: 'postgres' | 'mysql';
  provider: 'postgresql' | 'mysql';
  url: string;
  version(): Promise<string>;
  /** Opens the client as an application does. */
  open(url?: string): Promise<OpenedPrisma>;
  /** Opens another client. */
  run(sql: string): Promise<unknown>;
}

export function prismaKind(dialect: 'postgres' | 'mysql', url: string): PrismaKind {
  return {
    dialect,
    provider: dialect === 'postgres' ? 'postgresql' : dialect,
    url,
    version: () => (dialect === 'postgres' ? postgresVersion(url) : mysqlVersion(url)),
    async open(at = url) {
      return (await loadPrisma(`src/${dialect}.ts`)).openPrisma(at) as OpenedPrisma;
    },
    async run(sql) {
      const client = dialect === 'postgres' ? new pg.Pool({ connectionString: url }) : mysql.createPool(url);
      await (client as pg.Pool).query(sql).finally(() => client.end());
    },
  };
}

/** The columns and the key in the database. A timestamp without a precision has 6 digits. */
export async function columnsOf(url: string, table: string): Promise<unknown[]> {
  const client = new pg.Client(url);
  await client.connect();
  const { rows: columns } = await client.query(
    `SELECT attname, replace(format_type(atttypid, atttypmod), '(6)', ''), attnotnull,
       replace(pg_get_expr(adbin, adrelid), 'CURRENT_TIMESTAMP', 'now()') AS value
     FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
     WHERE attrelid = $1::regclass AND attnum > 0 ORDER BY attnum`,
    [table],
  );
  const { rows: keys } = await client.query(
    `SELECT replace(conname, $2, '') AS name, pg_get_constraintdef(oid) AS key FROM pg_constraint
     WHERE conrelid = $1::regclass AND contype = 'p'`,
    [table, table],
  );
  await client.end();
  return [...columns, ...keys];
}
