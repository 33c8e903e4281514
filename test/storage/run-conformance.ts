import { expect, it } from 'vitest';
import {
  type StorageConformanceHooks,
  type StorageConformanceOptions,
  storageConformance,
} from '../../packages/core/src/storage/conformance.js';
import type { FaultProxy } from '../support/fault-proxy.js';
import { storageCosts } from './storage-cost.js';
import { type CaseCounts, casesCell, readStorageTable, type StorageRowName, type StorageRun } from './storage-table.js';

declare module 'vitest' {
  interface TaskMeta {
    /** For the reporter that makes docs/evidence/storage-table.md. */
    storageRun?: StorageRun;
  }
}

/** The row of docs/evidence/storage-table.md that a suite proves. */
interface ConformanceRow {
  name: StorageRowName;
  /** Name and version of the server, as the server tells it. */
  server(): string | Promise<string>;
  /** How many round trips there were so far, where there is a wire. */
  roundTrips?(): number;
}

/** The hooks that a proxy before the server answers. */
export function connectionHooks(proxy: FaultProxy) {
  return {
    async disconnect() {
      proxy.refuse();
      return async () => proxy.pass();
    },
    async blackHole() {
      proxy.blackHole();
      return async () => proxy.pass();
    },
    loseNextReply: async () => proxy.loseNextReply(),
  } satisfies StorageConformanceHooks;
}

/** What is used of a connection that a pool lends. */
interface Lent {
  query(statement: string): Promise<unknown>;
  release(closeIt?: boolean): unknown;
}

/** Leaves so many connections of a pool within a transaction with a snapshot, all that it has. */
export async function leaveOpen(count: number, lend: () => Promise<Lent>, statements: readonly string[]) {
  const lent = await Promise.all(Array.from({ length: count }, lend));
  for (const connection of lent) {
    for (const statement of statements) await connection.query(statement);
  }
  for (const connection of lent) await connection.release();
  // Those that are still open.
  return async () => {
    const left = await Promise.all(Array.from({ length: count }, lend));
    for (const connection of left) await connection.query('ROLLBACK');
    for (const connection of left) await connection.release();
  };
}

export const LEFT_ON_POSTGRES = ['BEGIN ISOLATION LEVEL REPEATABLE READ', 'SELECT count(*) FROM mfa_profiles'] as const;
export const LEFT_ON_MYSQL = ['START TRANSACTION', 'SELECT count(*) FROM mfa_profiles'] as const;

/** Every case of the kit as a test; those whose hook is missing are listed as skipped, with the hook's name. */
export function runConformance({ row, ...options }: StorageConformanceOptions & { row?: ConformanceRow }): void {
  const cases: string[] = [];
  const counts: CaseCounts = { passed: 0, skipped: {} };
  for (const { name, run, skip } of storageConformance(options)) {
    const title = skip ? `${name} (${skip})` : name;
    cases.push(title);
    if (skip) {
      const hook = skip.replace('needs the hook ', '');
      counts.skipped[hook] = (counts.skipped[hook] ?? 0) + 1;
      it.skip(title, () => undefined);
    } else {
      counts.passed++;
      it(title, run);
    }
  }
  if (row) proveRow(options, row, cases, counts);
}

function proveRow(options: StorageConformanceOptions, row: ConformanceRow, cases: string[], counts: CaseCounts): void {
  const { name, server, roundTrips } = row;

  it('a verification, and a login with a remembered device, is one read and one write, each one round trip', async ({ task }) => {
    const storage = await options.open();
    try {
      const cost = { calls: { reads: 1, writes: 1, removes: 0, lists: 0 }, roundTrips: roundTrips ? 2 : 0 };
      expect(await storageCosts(storage, roundTrips)).toEqual({ verification: cost, rememberedLogin: cost });
    } finally {
      await options.close?.(storage);
    }
    const calls = `1 read, 1 write${roundTrips ? '; 2 round trips' : ''}`;
    task.meta.storageRun = { row: name, server: await server(), cases, calls };
  });

  it.skipIf(process.env.MFA_KIT_STORAGE_TABLE)(
    'has these cases in docs/evidence/storage-table.md (npm run storage-table)',
    () => {
      expect(readStorageTable().get(name)?.[4]).toBe(casesCell(counts));
    },
  );
}
