import { MfaError } from '../errors.js';

/** What a call throws that met a transaction of the application: whatever it read may be old, whatever it wrote may be taken back. */
export function openTransaction(cause?: unknown): MfaError {
  return new MfaError(
    'host_setup',
    'A transaction of the application, or its LOCK TABLES, is open on the connection that mfa-kit got, so what this call read or wrote does not count. ' +
      'End every transaction, also after an error, before its connection goes back to the pool, and leave autocommit on; or give mfa-kit a pool of its own.',
    cause === undefined ? undefined : { cause },
  );
}

export function isOpenTransaction(error: unknown): boolean {
  return error instanceof MfaError && error.code === 'host_setup';
}

/** Whether answers tell of an open transaction. */
export interface Sight {
  reads: boolean;
  writes: boolean;
}

/** The sentence of `unsafeSettings()` for an adapter that cannot see a transaction which the application left open. */
export function blindTo({ reads, writes }: Sight): string[] {
  if (reads && writes) return [];
  const [when, harm] = writes
    ? [' when it reads', 'a read answers with what was before it, so that an ended session is let in']
    : reads
      ? [' when it writes', 'a write that said true is taken back, so that a used code counts again']
      : [
          '',
          'a write that said true is taken back, so that a used code counts again, and a read answers with what was before it',
        ];
  return [
    `mfa-kit cannot see an open transaction on this connection${when}: while the application leaves one there, ${harm}. ` +
      'Give mfa-kit a pool or connection of its own, on which nothing else runs.',
  ];
}
