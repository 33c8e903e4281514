import { MfaError } from '../errors.js';
import { beforeQueryTimeout } from './query-deadline.js';
import { type SqlQuery, type SqlRow, type SqlStorage, sqlStorage } from './sql.js';
import { inMysqlTransaction } from './sql-dialect.js';

/** The part of a mysql2 promise pool that is used. */
export interface MysqlPromisePoolLike {
  /** The callback pool underneath. */
  readonly pool: object;
  getConnection(): Promise<MysqlConnectionLike>;
}

/** The part of a mysql2 callback pool that is used. */
export interface MysqlPoolLike {
  promise(): MysqlPromisePoolLike;
}

export interface MysqlConnectionLike {
  execute(statement: MysqlStatement, parameters: (string | Uint8Array)[]): Promise<[unknown, unknown]>;
  release(): void;
  destroy(): void;
}

export interface MysqlStatement {
  sql: string;
  rowsAsArray: false;
  nestTables: false;
  typeCast: (field: unknown, next: () => unknown) => unknown;
  namedPlaceholders: false;
}

/** Overrides what the application has set for its own queries on this pool. Only a function replaces its `typeCast`. */
const ROWS_BY_NAME = {
  rowsAsArray: false,
  nestTables: false,
  typeCast: (_field: unknown, next: () => unknown) => next(),
  namedPlaceholders: false,
} as const;

/**
 * Profiles in MySQL 8 or MariaDB, through a mysql2 pool of promises or callbacks, with prepared statements.
 *
 * `true` is as durable as the server's COMMIT: with `innodb_flush_log_at_trx_commit = 1`, and `sync_binlog = 1` if there is a binary log,
 * it survives a crash. `unsafeSettings()` reports other values. Pass the pool of the primary, with `connectTimeout: 2000`.
 *
 * A single connection is refused: the application's ROLLBACK on it would undo a `true`, and a used code would work again. A PoolCluster is
 * refused too, because it reads from replicas.
 */
export function mysqlStorage(
  pool: MysqlPromisePoolLike | MysqlPoolLike,
  options: { table?: string | undefined } = {},
): SqlStorage {
  const { table } = options;
  const connections = promisePool(pool);
  return sqlStorage({
    dialect: 'mysql',
    query: mysqlQuery(() => connections.getConnection()),
    ...(table === undefined ? {} : { table }),
  });
}

/**
 * Runs each statement on its own connection. The connection is then released, or closed: after most errors, and if the application left a
 * transaction open on it, which the server then rolls back.
 */
export function mysqlQuery(getConnection: () => Promise<MysqlConnectionLike>): SqlQuery {
  return async (sql, parameters, { returnsRows }) => {
    const connection = await getConnection();
    let after: 'release' | 'roll back' | 'close' = 'close';
    try {
      const answer = connection.execute({ sql, ...ROWS_BY_NAME }, parameters as (string | Uint8Array)[]);
      const [result] = await beforeQueryTimeout(answer);
      const inTransaction = returnsRows ? inMysqlTransaction(result as SqlRow[]) : leftOpen(result as MysqlResult);
      if (!inTransaction) after = 'release';
      return returnsRows
        ? { rows: result as SqlRow[], rowsAffected: 0, inTransaction }
        : { rows: [], rowsAffected: (result as MysqlResult).affectedRows, inTransaction };
    } catch (error) {
      after = afterError(error);
      throw error;
    } finally {
      if (after === 'release') connection.release();
      else if (after === 'close') connection.destroy();
      else releaseRolledBack(connection);
    }
  };
}

/** Runs in parallel; the answer does not wait for it. If no transaction is open it changes nothing. */
function releaseRolledBack(connection: MysqlConnectionLike): void {
  beforeQueryTimeout(connection.execute({ sql: 'ROLLBACK', ...ROWS_BY_NAME }, [])).then(
    () => connection.release(),
    () => connection.destroy(),
  );
}

interface MysqlResult {
  /** Rows that the condition found. Each write changes the version, so these are the rows that it changed. */
  affectedRows: number;
  serverStatus: number;
}

const IN_TRANSACTION = 1;
const AUTOCOMMIT = 2;

/** Each answer to a write says whether a transaction is open after it. */
function leftOpen({ serverStatus }: MysqlResult): boolean {
  return (serverStatus & IN_TRANSACTION) !== 0 || (serverStatus & AUTOCOMMIT) === 0;
}

/**
 * Decides what happens to the connection. A deadlock ends the whole transaction, and for a missing table nothing was locked. A lost race
 * leaves a lock if the application left a transaction open, because a second row of one key locks the first. Anything else may come from
 * what was left on the connection, such as LOCK TABLES.
 */
function afterError(error: unknown): 'release' | 'roll back' | 'close' {
  const errno = Number((error as { errno?: unknown }).errno);
  if (errno === 1146 || errno === 1213) return 'release';
  return errno === 1020 || errno === 1062 || errno === 1205 ? 'roll back' : 'close';
}

function promisePool(given: unknown): MysqlPromisePoolLike {
  const pool = (given ?? {}) as Record<string, unknown>;
  const isPool = typeof pool.getConnection === 'function' && !('release' in pool) && !('add' in pool);
  if (isPool && typeof pool.pool === 'object') return given as MysqlPromisePoolLike;
  if (isPool && typeof pool.promise === 'function') return (given as MysqlPoolLike).promise();
  throw new MfaError(
    'invalid_option',
    "mysqlStorage needs a pool of mysql2 (mysql.createPool(...), from 'mysql2' or 'mysql2/promise'). A single connection is refused, because a " +
      "rollback of the application's transaction on it would take back what mfa-kit has stored. For another driver use sqlStorage({ dialect: 'mysql', query }).",
  );
}
