import { MfaError } from '../errors.js';
import { type SqlQuery, type SqlRow, type SqlStorage, sqlStorage } from './sql.js';

type LibsqlStatement = { sql: string; args: string[] };
type LibsqlResult = { rows: unknown[]; rowsAffected: number };

/** The part of a @libsql/client Client that is used. */
export interface LibsqlClientLike {
  /** `file` for a database in this process, otherwise the protocol of the server. */
  readonly protocol: string;
  execute(statement: LibsqlStatement): Promise<LibsqlResult>;
  transaction(mode: 'deferred'): Promise<LibsqlTransactionLike>;
}

export interface LibsqlTransactionLike {
  execute(statement: LibsqlStatement): Promise<LibsqlResult>;
  executeMultiple(sql: string): Promise<void>;
  close(): void;
}

/** The part of a better-sqlite3 Database or a node:sqlite DatabaseSync that is used. */
export interface SyncSqliteLike {
  prepare(sql: string): SyncSqliteStatementLike;
  exec?: ((sql: string) => unknown) | undefined;
  /** better-sqlite3: a transaction is open on this connection. */
  readonly inTransaction?: boolean | undefined;
  /** node:sqlite, from Node 22.16. */
  readonly isTransaction?: boolean | undefined;
}

export interface SyncSqliteStatementLike {
  run(...parameters: string[]): { changes: number | bigint };
  all(...parameters: string[]): unknown[];
}

/**
 * Profiles in SQLite, through @libsql/client, better-sqlite3 or node:sqlite.
 *
 * - `true` is as durable as the file's journal: with `PRAGMA synchronous = FULL` it survives a power cut (better-sqlite3 builds use NORMAL
 * in WAL mode). `unsafeSettings()` reports other values.
 * - For several processes on one file: set `PRAGMA journal_mode = WAL` before the first call, and a busy time-out below 2 s.
 * - Open a separate client for mfa-kit. On a connection that the application shares, a transaction would hold mfa-kit's writes, so calls
 * throw.
 * - Never use an embedded replica (`syncUrl`): its reads are stale.
 */
export function sqliteStorage(
  client: LibsqlClientLike | SyncSqliteLike,
  options: { table?: string | undefined } = {},
): SqlStorage {
  return sqlStorage({
    dialect: 'sqlite',
    query: queryOf(client),
    ...(options.table === undefined ? {} : { table: options.table }),
  });
}

function queryOf(client: LibsqlClientLike | SyncSqliteLike): SqlQuery {
  const given = (client ?? {}) as unknown as Record<string, unknown>;
  if (typeof given.execute === 'function' && typeof given.transaction === 'function') {
    return given.protocol === 'file' ? libsqlFileQuery(client as LibsqlClientLike) : libsqlQuery(client as LibsqlClientLike);
  }
  if (typeof given.prepare === 'function') return syncSqliteQuery(client as SyncSqliteLike);
  throw new MfaError(
    'invalid_option',
    'sqliteStorage needs a @libsql/client Client, a better-sqlite3 Database or a node:sqlite DatabaseSync, and not a transaction of one. ' +
      "For another driver use sqlStorage({ dialect: 'sqlite', query }).",
  );
}

/** A server commits each statement by itself. */
function libsqlQuery(client: LibsqlClientLike): SqlQuery {
  return async (sql, parameters) => fromLibsql(await client.execute({ sql, args: parameters as string[] }));
}

/**
 * A statement that libsql prepared and that met a lock stays open. Until it is garbage-collected, the connection commits nothing, returns
 * `rowsAffected: 1`, and reads an old snapshot (observed with libsql 0.5.29). So `executeMultiple` takes the locks, because it closes what
 * fails, and prepared statements run only where they cannot meet one. Calls run one after another: the driver is synchronous, so nothing is
 * lost, and the client's connections do not run out.
 */
function libsqlFileQuery(client: LibsqlClientLike): SqlQuery {
  let last: Promise<unknown> = Promise.resolve();
  let wal: boolean | undefined;

  return (sql, parameters, { returnsRows }) => {
    const run = async () => {
      wal ??= await isWal(client);
      // Deferred, so it takes no lock yet.
      const transaction = await client.transaction('deferred');
      try {
        const lock = transaction.executeMultiple(
          returnsRows ? 'SELECT 1 FROM sqlite_master LIMIT 1' : 'ROLLBACK; BEGIN IMMEDIATE',
        );
        // Without a write lock the transaction refuses what follows. Without a read lock it does not, so a read awaits the lock. A write
        // never pauses, nor does a read that would stop writers (not in WAL mode), so no lock outlives this turn and blocks the
        // application's own writes.
        if (returnsRows && wal) await lock;
        const [, result] = await Promise.all([
          lock,
          transaction.execute({ sql, args: parameters as string[] }),
          transaction.executeMultiple('COMMIT'),
        ]);
        return fromLibsql(result);
      } finally {
        transaction.close();
      }
    };
    const result = last.then(run, run);
    last = result;
    return result;
  };
}

async function isWal(client: LibsqlClientLike): Promise<boolean> {
  const { rows } = await client.execute({ sql: 'PRAGMA journal_mode', args: [] });
  return (rows[0] as SqlRow | undefined)?.journal_mode === 'wal';
}

function fromLibsql({ rows, rowsAffected }: LibsqlResult) {
  // It ran in its own transaction, or as a single statement on a server.
  return { rows: rows as SqlRow[], rowsAffected, inTransaction: false };
}

export function syncSqliteQuery(database: SyncSqliteLike): SqlQuery {
  const prepared = new Map<string, SyncSqliteStatementLike>();

  return async (sql, parameters, { returnsRows }) => {
    const inTransaction = isInTransaction(database);
    if (inTransaction) {
      throw new MfaError(
        'host_setup',
        'sqliteStorage: a transaction of the application is open on this connection. Give mfa-kit a connection of its own.',
      );
    }
    const statement = prepared.get(sql) ?? database.prepare(sql);
    prepared.set(sql, statement);
    // Nothing else of this process runs in between.
    if (returnsRows) return { rows: statement.all(...(parameters as string[])) as SqlRow[], rowsAffected: 0, inTransaction };
    return { rows: [], rowsAffected: statement.run(...(parameters as string[])).changes, inTransaction };
  };
}

function isInTransaction(database: SyncSqliteLike): boolean | undefined {
  const known = database.inTransaction ?? database.isTransaction;
  if (known !== undefined || !database.exec) return known;
  try {
    // node:sqlite before Node 22.16: SQLite does not begin one transaction inside another. This takes no lock, and after an error COMMIT is
    // not reached.
    database.exec('BEGIN; COMMIT');
    return false;
  } catch (error) {
    if (/within a transaction/.test((error as Error).message)) return true;
    throw error;
  }
}
