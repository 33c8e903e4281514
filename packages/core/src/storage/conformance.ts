import { caseContext, type StorageCase } from './conformance/case.js';
import { contractCases } from './conformance/contract.js';
import { faultCases } from './conformance/faults.js';
import { idCases } from './conformance/ids.js';
import { listingCases } from './conformance/listing.js';
import { openTransactionCases } from './conformance/open-transaction.js';
import { raceCases } from './conformance/races.js';
import { valueCases } from './conformance/values.js';
import type { MfaStorage } from './storage.js';

export interface StorageConformanceOptions {
  /** Opens a storage on its own connection (or pool). All of them use one table that nothing else uses. Called twice per case. */
  open(): Promise<MfaStorage>;
  /** Closes what `open` returned; called after each case. */
  close?: ((storage: MfaStorage) => unknown) | undefined;
  hooks?: StorageConformanceHooks | undefined;
  /** How often each race runs. Default 20, because one green run proves nothing. */
  rounds?: number | undefined;
  /** How many ids the listing cases store; must be more than a page of the adapter. Default 500. */
  listed?: number | undefined;
}

/** How to cause what a test cannot do through the port. A case without its hook is listed with `skip`. */
export interface StorageConformanceHooks {
  /** Makes the database unreachable for every open storage: cuts connections and refuses new ones. Returns the function that undoes it. */
  disconnect?: (() => Promise<() => unknown>) | undefined;
  /** Swallows everything between the open storages and the database without an error. Returns the function that undoes it. */
  blackHole?: (() => Promise<() => unknown>) | undefined;
  /** Lets the next call of an open storage reach the database, but loses its reply. */
  loseNextReply?: (() => unknown) | undefined;
  /**
   * Begins a transaction as the application would on the client that `storage` uses, changes a table of the application in it, runs `work`,
   * and rolls back, even if `work` throws.
   */
  inHostTransaction?: ((storage: MfaStorage, work: () => Promise<void>) => Promise<unknown>) | undefined;
  /**
   * Leaves the client that `storage` uses inside a transaction, as an application does that forgets to end one: begins it (at an isolation
   * level that keeps a snapshot, if there is one), reads from the table in it, and returns the connection. For a pool, does so on every
   * connection that the next call may take. Returns a function that rolls back what is still open; it is called more than once.
   *
   * A call may then throw, or answer as on a clean connection. Any other answer is accepted only if `unsafeSettings()` of the storage has a
   * sentence with "cannot see an open transaction".
   */
  leaveTransactionOpen?: ((storage: MfaStorage) => Promise<() => unknown>) | undefined;
}

/** One case for any test runner: `test(name, run)`. `skip` says which hook is missing. */
export interface StorageConformanceCase {
  name: string;
  run(): Promise<void>;
  skip?: string | undefined;
}

/**
 * The cases that every adapter must pass, races included. A case fails by throwing.
 *
 * Run them on a real server and with every hook: `for (const c of storageConformance(options)) test(c.name, c.run)`. They use fixed ids and
 * remove what an earlier run left.
 */
export function storageConformance(options: StorageConformanceOptions): StorageConformanceCase[] {
  const { rounds = 20, listed = 500, hooks = {} } = options;
  const cases: StorageCase[] = [
    ...contractCases,
    ...valueCases,
    ...idCases,
    ...raceCases(rounds),
    ...listingCases(listed),
    ...faultCases,
    ...openTransactionCases,
  ];

  return cases.map(({ name, needs, run }) => {
    if (needs && !hooks[needs]) {
      const skip = `needs the hook ${needs}`;
      return { name, skip, run: () => Promise.reject(new Error(`"${name}" ${skip}`)) };
    }
    return { name, run: () => withStorages(options, (first, second) => run(caseContext(first, second, hooks))) };
  });
}

async function withStorages(
  { open, close }: StorageConformanceOptions,
  run: (first: MfaStorage, second: MfaStorage) => Promise<void>,
): Promise<void> {
  const opened: MfaStorage[] = [];
  try {
    const first = await open();
    opened.push(first);
    const second = await open();
    opened.push(second);
    await run(first, second);
  } finally {
    for (const storage of new Set(opened)) await close?.(storage);
  }
}
