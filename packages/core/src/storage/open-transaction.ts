import { MfaError } from '../errors.js';

/** Thrown if a transaction of the application is open on the connection: what was read may be stale, and a write may be rolled back. */
export function openTransaction(cause?: unknown): MfaError {
  return new MfaError(
    'host_setup',
    'The connection that mfa-kit got has an open transaction (or LOCK TABLES) of the application, so what this call read or wrote does not count. ' +
      'End every transaction before its connection goes back to the pool, even after an error, and leave autocommit on; or give mfa-kit a pool of its own.',
    cause === undefined ? undefined : { cause },
  );
}

export function isOpenTransaction(error: unknown): boolean {
  return error instanceof MfaError && error.code === 'host_setup';
}

/** Whether the answers of the client show an open transaction. */
export interface TransactionReports {
  reads: boolean;
  writes: boolean;
}

/** The sentence of `unsafeSettings()` for an adapter that cannot see a transaction that the application left open. */
export function unreportedTransactions({ reads, writes }: TransactionReports): string[] {
  if (reads && writes) return [];
  const [when, harm] = writes
    ? [' when it reads', 'a read may return stale data, so an ended session may be let in']
    : reads
      ? [' when it writes', 'a write that succeeded may be rolled back, so a used code may be accepted again']
      : ['', 'a write that succeeded may be rolled back, so a used code may be accepted again, and a read may return stale data'];
  return [
    `mfa-kit cannot see an open transaction on this connection${when}: if the application leaves one open, ${harm}. ` +
      'Give mfa-kit a pool or connection of its own, on which nothing else runs.',
  ];
}
