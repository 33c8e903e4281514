import { MfaError } from '../errors.js';
import { QUERY_TIMEOUT_MS } from './query-deadline.js';
import { type SqlQuery, type SqlRow, type SqlStorage, sqlStorage } from './sql.js';

/** The part of a `pg` Pool that is used. */
export interface PgPoolLike {
  readonly totalCount: number;
  connect(
    callback: (error: Error | undefined, client: PgClientLike | undefined, release: (closeIt?: Error | boolean) => void) => void,
  ): unknown;
}

/** The part of a client of a `pg` Pool that is used. */
export interface PgClientLike {
  query(
    config: { name?: string; text: string; query_timeout: number },
    values: unknown[],
    callback: (error: Error | null | undefined, result: { rows: SqlRow[]; rowCount: number | null }) => void,
  ): unknown;
  once(event: 'error', listener: (error: Error) => void): unknown;
  removeListener(event: 'error', listener: (error: Error) => void): unknown;
  /** From pg 8.20: `I` outside a transaction, `T` within one, `E` within one that failed. */
  getTransactionStatus?: (() => string | null) | undefined;
}

/** The part of a PGlite instance that is used. */
export interface PGliteLike {
  readonly waitReady: Promise<void>;
  query(text: string, parameters: unknown[]): Promise<{ rows: unknown[]; affectedRows?: number }>;
}

export interface PostgresStorageOptions {
  /** Name of the table, with a schema if need be. Default `mfa_profiles`. */
  table?: string | undefined;
  /** Set to false behind a pooler that cannot keep prepared statements (PgBouncer with `max_prepared_statements = 0`). Default true. */
  prepareStatements?: boolean | undefined;
}

/**
 * Profiles in PostgreSQL, through a `pg` Pool or PGlite.
 *
 * `true` is as durable as the server's COMMIT: with the defaults (`synchronous_commit`, `fsync` and `full_page_writes` on) it survives a
 * crash. `unsafeSettings()` reports other values. Pass the pool of the primary. Set `connectionTimeoutMillis`, for example to 2000, because
 * otherwise a pool never gives up a connection attempt without an answer. Add an `error` listener, as pg requires.
 *
 * A single Client is refused: the host's ROLLBACK on it would undo a `true`, and a used code would work again.
 */
export function postgresStorage(client: PgPoolLike | PGliteLike, options: PostgresStorageOptions = {}): SqlStorage {
  const { table, prepareStatements = true } = options;
  const query = isPool(client) ? pgPoolQuery(client, prepareStatements) : isPGlite(client) ? pgliteQuery(client) : refuse();
  return sqlStorage({ dialect: 'postgres', query, ...(table === undefined ? {} : { table }) });
}

/** Runs each statement on a connection of the pool, as `pool.query` does, but checks its transaction status. */
export function pgPoolQuery(pool: PgPoolLike, prepareStatements: boolean): SqlQuery {
  return (text, values, { name }) => {
    // PostgreSQL cuts statement names at 63 bytes, so two long names could collide.
    const isPrepared = prepareStatements && name.length <= 63;
    const query_timeout = QUERY_TIMEOUT_MS;
    const config = isPrepared ? { name, text, query_timeout } : { text, query_timeout };
    return new Promise((resolve, reject) => {
      let isConnected = false;
      function connected(unconnected: Error | undefined, client: PgClientLike | undefined, release: Release): void {
        if (isConnected) return;
        isConnected = true;
        if (!client) {
          reject(unconnected ?? new Error('The pool returned neither a connection nor an error.'));
          return;
        }
        const statusOf = transactionStatus(client);
        let isDone = false;
        function fail(error: Error): void {
          if (isDone) return;
          isDone = true;
          release(error);
          reject(error);
        }
        function answered(error: Error | null | undefined, result: PgResult): void {
          client?.removeListener('error', fail);
          if (error) fail(error);
          if (isDone) return;
          isDone = true;
          // ReadyForQuery reported it, which came with this result.
          const status = statusOf();
          const inTransaction = status === undefined ? undefined : status !== 'I';
          // A closed connection leaves the pool, and the server rolls back what was open on it.
          release(inTransaction === true);
          resolve({ rows: result.rows, rowsAffected: result.rowCount ?? 0, inTransaction });
        }
        client.once('error', fail);
        try {
          ifPromised<PgResult>(client.query(config, values, answered), (result) => answered(undefined, result), fail);
        } catch (error) {
          // Do not throw here: the pool called back, so an error would end the process.
          answered(asError(error), NO_RESULT);
        }
      }
      ifPromised<PooledClient>(
        pool.connect(connected),
        (client) => connected(undefined, client, (closeIt) => client.release(closeIt)),
        reject,
      );
    });
  };
}

type Release = (closeIt?: Error | boolean) => void;
type PooledClient = PgClientLike & { release: Release };
type PgResult = { rows: SqlRow[]; rowCount: number | null };

const NO_RESULT: PgResult = { rows: [], rowCount: 0 };

/** A wrapper around pg, such as a monitoring agent, may return a promise and ignore the callback. pg itself returns nothing. */
function ifPromised<Value extends object>(
  returned: unknown,
  fulfilled: (value: Value) => void,
  rejected: (error: Error) => void,
): void {
  if (!(returned instanceof Promise)) return;
  returned.then(
    (value: unknown) => {
      if (typeof value === 'object' && value !== null) fulfilled(value as Value);
    },
    (error: unknown) => rejected(asError(error)),
  );
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error('pg threw something that is not an error.', { cause: thrown });
}

/** The status of clients whose pg has no `getTransactionStatus()`. */
const watched = new WeakMap<object, { status: string | undefined }>();

/**
 * Returns a function that reads the transaction status of a client after its answer; it returns undefined if the client does not report it.
 */
function transactionStatus(client: PgClientLike): () => string | undefined {
  if (typeof client.getTransactionStatus === 'function') return () => client.getTransactionStatus?.() ?? undefined;
  const { connection } = client as { connection?: { prependListener?: PrependListener } };
  if (typeof connection?.prependListener !== 'function') return () => undefined;
  const seen = watched.get(client) ?? { status: undefined };
  if (!watched.has(client)) {
    watched.set(client, seen);
    // Before pg's own listener, which calls back.
    connection.prependListener('readyForQuery', (message) => {
      seen.status = message?.status;
    });
  }
  return () => seen.status;
}

type PrependListener = (event: 'readyForQuery', listener: (message?: { status?: string }) => void) => void;

function pgliteQuery(pglite: PGliteLike): SqlQuery {
  return async (text, parameters) => {
    const { rows, affectedRows } = await pglite.query(text, parameters);
    return { rows: rows as SqlRow[], rowsAffected: affectedRows ?? 0 };
  };
}

function isPool(client: unknown): client is PgPoolLike {
  return hasQuery(client) && 'totalCount' in client && 'connect' in client;
}

function isPGlite(client: unknown): client is PGliteLike {
  return hasQuery(client) && 'waitReady' in client;
}

function hasQuery(client: unknown): client is object {
  return typeof client === 'object' && client !== null && 'query' in client && typeof client.query === 'function';
}

function refuse(): never {
  throw new MfaError(
    'invalid_option',
    'postgresStorage needs a pg Pool (new pg.Pool(...)) or a PGlite instance. A single Client or a checked-out client is refused, because a ' +
      "rollback of the application's transaction on it would take back what mfa-kit has stored. For another driver use sqlStorage({ dialect: 'postgres', query }).",
  );
}
