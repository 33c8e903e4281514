import { mysqlSettingsQueries, unsafeMysqlSettings } from './mysql-settings.js';
import { tableParts } from './table-name.js';
import type { TableProblem } from './table-problem.js';

/** A row as a database driver returns it: columns by name. */
export type SqlRow = Record<string, unknown>;

/** What differs between SQL databases; everything else is in `sqlStorage`. */
export interface SqlDialect {
  quote(identifier: string): string;
  /** The placeholder of the n-th parameter, from 1. Each is used once, in order, so that `?` and `$n` can be swapped. */
  parameter(position: number): string;
  /** Column types. Ids and versions compare byte for byte; the value column holds 66,560 characters. */
  types: { userId: string; version: string; value: string; updatedAt: string };
  /** The default of `updated_at`, as the database itself spells it: TypeORM compares the text. */
  now: string;
  /** The end of CREATE TABLE. */
  tableOptions: string;
  /** Makes an INSERT of an existing key change no row; empty if only the error says so. */
  unlessExists: string;
  /** Converts an id or a version to a parameter. */
  encodeKey(key: string): unknown;
  /** Converts back; `sqlStorage` refuses anything but a string. */
  decodeKey(column: unknown): unknown;
  /** True only for errors that mean that the statement was certainly not applied: duplicate key, deadlock, serialization failure, lock. */
  isNotApplied(error: unknown): boolean;
  /** Reads the row of a user. If possible, the answer also reports an open transaction. */
  selectProfile(from: string, condition: string): string;
  /** Reads a page of ids, in the same way. */
  selectIds(from: string): string;
  /** Whether a row stands for nothing. If an answer reports transactions, it always has a row. */
  isNothing(row: SqlRow): boolean;
  /** Whether the connection of these rows was in a transaction; undefined if they do not say. */
  inTransaction(rows: SqlRow[]): boolean | undefined;
  /** True for errors that only a transaction or LOCK TABLES of the application causes. */
  tellsOpenTransaction(error: unknown): boolean;
  /** What is wrong with the table, if the error says so. */
  tableProblem(error: unknown): TableProblem | undefined;
  /** Queries for the settings of server and table; and what is unsafe about their rows, one sentence each. */
  settingsQueries(table: string): string[];
  unsafeSettings(rows: SqlRow[]): string[];
}

/** A database that `sqlStorage` knows. */
export type SqlDialectName = 'sqlite' | 'postgres' | 'mysql';

/** The comment that only MariaDB reads, because MySQL has no such variable. */
const MYSQL_TRANSACTION = '@@autocommit AS autocommit/*M!100000 , @@in_transaction AS in_transaction*/';

/** Reads that say nothing about transactions; their driver must report them. */
const plainReads: Pick<SqlDialect, 'selectProfile' | 'selectIds' | 'isNothing' | 'inTransaction'> = {
  selectProfile: (from, condition) => `SELECT version, value FROM ${from} WHERE ${condition}`,
  selectIds: (from) => `SELECT user_id FROM ${from}`,
  isNothing: () => false,
  inTransaction: () => undefined,
};

export const sqlDialects: Record<SqlDialectName, SqlDialect> = {
  sqlite: {
    quote: (identifier) => `"${identifier}"`,
    parameter: () => '?',
    // Any collation other than BINARY (the default, but written explicitly) ignores case or trailing spaces.
    types: { userId: 'TEXT COLLATE BINARY', version: 'TEXT COLLATE BINARY', value: 'TEXT', updatedAt: 'TEXT' },
    unlessExists: ' ON CONFLICT (user_id) DO NOTHING',
    now: 'CURRENT_TIMESTAMP',
    tableOptions: '',
    encodeKey: (key) => key,
    decodeKey: (column) => column,
    // SQLite itself rolls back an autocommit statement that meets a lock: sqlite.org/rescode.html#busy
    isNotApplied: (error) =>
      someCause(error, ({ code, errcode }) =>
        typeof errcode === 'number'
          ? [5, 6].includes(errcode & 0xff) || [1555, 2067].includes(errcode)
          : /^SQLITE_(BUSY|LOCKED|CONSTRAINT_PRIMARYKEY|CONSTRAINT_UNIQUE)/.test(String(code)),
      ),
    ...plainReads,
    tellsOpenTransaction: () => false,
    // SQLite has one code for all of them.
    tableProblem: (error) =>
      someProblem(error, ({ code, errcode, message }) =>
        /no such table|unknown database/.test(String(message))
          ? 'missing'
          : /no such column|has no column|ON CONFLICT clause does not match/.test(String(message))
            ? 'columns'
            : /^SQLITE_READONLY/.test(String(code)) || (Number(errcode) & 0xff) === 8
              ? 'read_only'
              : undefined,
      ),
    settingsQueries: () => [
      'SELECT (SELECT synchronous FROM pragma_synchronous) AS synchronous, (SELECT journal_mode FROM pragma_journal_mode) AS journal_mode',
    ],
    unsafeSettings: ([row = {}]) => [
      ...(Number(row.synchronous) < 2
        ? ['PRAGMA synchronous is below FULL: a power cut can undo the last writes, and with them a used code. Set it to FULL.']
        : []),
      ...(row.journal_mode === 'off' || row.journal_mode === 'memory'
        ? ['PRAGMA journal_mode keeps no journal on disk: a crash can destroy the database. Set it to WAL.']
        : []),
      ...(['delete', 'truncate', 'persist'].includes(String(row.journal_mode))
        ? ['PRAGMA journal_mode is not WAL: while one process commits, reads of another fail. Set it to WAL.']
        : []),
    ],
  },

  postgres: {
    quote: (identifier) => `"${identifier}"`,
    parameter: (position) => `$${position}`,
    types: { userId: 'TEXT COLLATE "C"', version: 'TEXT COLLATE "C"', value: 'TEXT', updatedAt: 'TIMESTAMPTZ' },
    unlessExists: ' ON CONFLICT (user_id) DO NOTHING',
    now: 'now()',
    // A profile with a device or two exceeds 2,000 bytes. PostgreSQL would then try to compress it, without success, and move it to a
    // second table, which costs a quarter of an update's time.
    tableOptions: ' WITH (toast_tuple_target = 8160)',
    encodeKey: (key) => key,
    decodeKey: (column) => column,
    // serialization_failure, deadlock_detected, unique_violation. Not 40003, statement_completion_unknown.
    isNotApplied: (error) => someCause(error, ({ code }) => code === '40001' || code === '40P01' || code === '23505'),
    ...plainReads,
    // in_failed_sql_transaction
    tellsOpenTransaction: (error) => someCause(error, ({ code }) => code === '25P02'),
    tableProblem: (error) =>
      someProblem(error, ({ code }) =>
        code === '42P01' || code === '3F000'
          ? 'missing'
          : // undefined_column, datatype_mismatch, undefined_function and invalid text (another type), no constraint for ON CONFLICT
            ['22P02', '42703', '42804', '42883', '42P10'].includes(String(code))
            ? 'columns'
            : code === '42501'
              ? 'forbidden'
              : code === '25006'
                ? 'read_only'
                : undefined,
      ),
    settingsQueries: (table) => [
      "SELECT current_setting('synchronous_commit') AS synchronous_commit, current_setting('fsync') AS fsync, " +
        "current_setting('full_page_writes') AS full_page_writes, current_setting('server_encoding') AS server_encoding, pg_is_in_recovery() AS replica",
      `SELECT row_security_active(to_regclass('"${tableParts(table).join('"."')}"')) AS row_security`,
    ],
    unsafeSettings: ([row = {}, { row_security } = {}]) => [
      ...(row_security === true
        ? [
            'Row-level security applies to this role on the table: a profile that a policy hides counts as "no MFA". Let the role bypass it, or see every row.',
          ]
        : []),
      ...(row.synchronous_commit === 'off'
        ? ['synchronous_commit is off: a crash can undo the last writes, and with them a used code. Set it to on for this role.']
        : []),
      ...(row.fsync === 'off' || row.full_page_writes === 'off'
        ? ['fsync or full_page_writes is off: a power cut can destroy the database. Set both to on.']
        : []),
      ...(row.replica === true ? ['The connection leads to a replica: reads would be stale. Connect to the primary.'] : []),
      ...(row.server_encoding !== 'UTF8'
        ? ['server_encoding is not UTF8: some user ids cannot be stored. Create the database with UTF8.']
        : []),
    ],
  },

  mysql: {
    quote: (identifier) => `\`${identifier}\``,
    parameter: () => '?',
    // Every collation of text treats some strings as equal: utf8mb4_bin still ignores trailing spaces. TEXT ends at 64 KB minus one byte.
    // DATETIME, because a TIMESTAMP ends in 2038.
    types: { userId: 'VARBINARY(255)', version: 'VARBINARY(64)', value: 'MEDIUMTEXT', updatedAt: 'DATETIME' },
    unlessExists: '',
    now: 'CURRENT_TIMESTAMP',
    tableOptions: ' ENGINE=InnoDB',
    encodeKey: (key) => Buffer.from(key, 'utf8'),
    decodeKey: (column) => (Buffer.isBuffer(column) ? column.toString('utf8') : undefined),
    // Duplicate key, deadlock (Galera: failed certification), lock wait time-out, and for MariaDB with innodb_snapshot_isolation a row that
    // changed since the statement began. An autocommit statement that ends with one of them is rolled back.
    isNotApplied: (error) => someCause(error, ({ errno }) => [1062, 1213, 1205, 1020].includes(Number(errno))),
    // The join always returns a row. MAX() would too, but with it MariaDB 10.11 returns 0 for @@autocommit.
    selectProfile: (from, condition) =>
      `SELECT user_id, version, value, ${MYSQL_TRANSACTION} FROM (SELECT 1) AS one LEFT JOIN ${from} ON ${condition}`,
    selectIds: (from) =>
      `SELECT user_id, open_transaction.* FROM (SELECT ${MYSQL_TRANSACTION}) AS open_transaction LEFT JOIN (SELECT user_id FROM ${from}) AS listed ON TRUE`,
    isNothing: (row) => row.user_id === null,
    inTransaction: inMysqlTransaction,
    // Locked with a READ lock; not locked with LOCK TABLES; an XA transaction that has ended or is prepared.
    tellsOpenTransaction: (error) => someCause(error, ({ errno }) => [1099, 1100, 1399].includes(Number(errno))),
    tableProblem: (error) =>
      someProblem(error, ({ errno }) =>
        [1146, 1049].includes(Number(errno))
          ? 'missing'
          : Number(errno) === 1054
            ? 'columns'
            : [1044, 1142, 1143].includes(Number(errno))
              ? 'forbidden'
              : [1290, 1792, 1836].includes(Number(errno))
                ? 'read_only'
                : undefined,
      ),
    settingsQueries: mysqlSettingsQueries,
    unsafeSettings: unsafeMysqlSettings,
  },
};

/** Wrappers (Drizzle, TypeORM and others) keep the driver's error as `cause`. */
interface DriverError {
  code?: unknown;
  errcode?: unknown;
  errno?: unknown;
  message?: unknown;
}

function someCause(error: unknown, test: (error: DriverError) => boolean): boolean {
  return someProblem(error, (at) => test(at) || undefined) === true;
}

/** Returns the first result of `test` for an error or one of its causes. */
function someProblem<Found>(error: unknown, test: (error: DriverError) => Found | undefined): Found | undefined {
  for (let at = error, depth = 0; typeof at === 'object' && at !== null && depth < 5; at = (at as Error).cause, depth++) {
    const found = test(at);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** For reads of this dialect a row says so; MySQL only says whether autocommit is off. */
export function inMysqlTransaction([row]: SqlRow[]): boolean | undefined {
  if (row?.autocommit === undefined) return undefined;
  if (Number(row.autocommit) !== 1) return true;
  return row.in_transaction === undefined ? undefined : Number(row.in_transaction) !== 0;
}
