import { MfaError } from '../errors.js';
import { isOpenTransaction, openTransaction, type TransactionReports, unreportedTransactions } from './open-transaction.js';
import { type SqlDialect, type SqlDialectName, type SqlRow, sqlDialects } from './sql-dialect.js';
import { type MfaStorage, nameStorage } from './storage.js';
import { tableParts } from './table-name.js';
import { tableSentence } from './table-problem.js';

export type { SqlDialectName, SqlRow } from './sql-dialect.js';

/** What `query` may use in addition to text and parameters; both can be ignored. */
export interface SqlStatement {
  /** Stable for this text: a name for a prepared statement. */
  name: string;
  /** True for SELECT. Otherwise only `rowsAffected` is used. */
  returnsRows: boolean;
}

/**
 * Runs one statement on the database and resolves when it is committed.
 *
 * - In its own transaction on its own connection, never in a transaction of the host, where a rollback would undo what core has answered.
 * - On the primary. `rowsAffected` counts the rows that the statement changed.
 * - Rejects with the driver's error or an error that has it as `cause`. A statement may be repeated after a lost reply.
 */
export type SqlQuery = (text: string, parameters: unknown[], statement: SqlStatement) => Promise<SqlAnswer>;

export interface SqlAnswer {
  rows: SqlRow[];
  rowsAffected: number | bigint;
  /**
   * True: a transaction is open on the connection after the statement, so it ran in a transaction of the application. Close that
   * connection; mfa-kit throws. Leave it out if the client does not report it; `unsafeSettings()` then says so.
   */
  inTransaction?: boolean | undefined;
}

export interface SqlStorageOptions {
  dialect: SqlDialectName;
  query: SqlQuery;
  /** Name of the table, with a schema if needed: `mfa_profiles` (default), `auth.mfa_profiles`. Quoted, so case matters. */
  table?: string | undefined;
}

/** A storage in a table, with two more methods for a set-up script or a start-up check. */
export interface SqlStorage extends MfaStorage {
  /** Creates the table unless it exists. If you have migrations, run `schema()` in one instead. */
  createTable(): Promise<void>;
  /**
   * Returns the settings of the server that weaken the contract, one sentence each; empty if there are none. Call it at start, and log the
   * result or refuse to start.
   */
  unsafeSettings(): Promise<string[]>;
}

const PAGE_SIZE = 200;

/** Profiles in one table of an SQL database, through any client that can run a statement. */
export function sqlStorage({ dialect: dialectName, query, table = 'mfa_profiles' }: SqlStorageOptions): SqlStorage {
  const dialect = dialectOf(dialectName);
  if (typeof query !== 'function') {
    throw new MfaError(
      'invalid_option',
      'sqlStorage: query must be a function (text, parameters) => Promise<{ rows, rowsAffected }>.',
    );
  }
  const sql = statements(dialect, table);

  /** Every statement runs through here, because an answer from inside a transaction of the application does not count. */
  async function run(name: string, text: string, parameters: unknown[], returnsRows: boolean): Promise<SqlAnswer> {
    let answer: SqlAnswer;
    try {
      answer = await query(text, parameters, { name, returnsRows });
    } catch (error) {
      throw dialect.tellsOpenTransaction(error) ? openTransaction(error) : error;
    }
    if (returnsRows && !Array.isArray(answer.rows)) {
      throw new MfaError('invalid_option', 'sqlStorage: query must resolve to { rows, rowsAffected }; rows was not an array.');
    }
    const inTransaction = answer.inTransaction ?? (returnsRows ? dialect.inTransaction(answer.rows) : undefined);
    if (inTransaction) throw openTransaction();
    return inTransaction === answer.inTransaction ? answer : { ...answer, inTransaction };
  }

  async function select(name: string, text: string, parameters: unknown[]): Promise<SqlRow[]> {
    return (await run(name, text, parameters, true)).rows;
  }

  /** One conditional statement decides and stores. It succeeded if it changed one row. */
  async function changesOneRow(name: string, text: string, parameters: unknown[]): Promise<boolean> {
    let changed: number;
    try {
      const { rowsAffected } = await run(name, text, parameters, false);
      changed = Number(rowsAffected ?? Number.NaN);
    } catch (error) {
      if (dialect.isNotApplied(error)) return false;
      throw error;
    }
    if (changed === 0 || changed === 1) return changed === 1;
    throw new MfaError(
      'invalid_option',
      'sqlStorage: query must return rowsAffected, and user_id must be the primary key; rowsAffected was not 0 or 1.',
    );
  }

  /** Runs the usual statements for an id that no user can have: whether the table accepts them, and what their answers report. */
  async function unsafeTable(): Promise<string[]> {
    const nobody = dialect.encodeKey('');
    const probes: [name: string, text: string, parameters: unknown[], returnsRows: boolean][] = [
      ['read', sql.read, [nobody], true],
      ['create', sql.createNothing, [nobody], false],
      ['update', sql.update, [nobody, '', nobody, nobody], false],
      ['remove', sql.remove, [nobody, nobody], false],
    ];
    const reports: TransactionReports = { reads: true, writes: true };
    for (const [name, text, parameters, returnsRows] of probes) {
      try {
        const { inTransaction } = await twice(() => run(`mfa_probe_${name}_${table}`, text, parameters, returnsRows));
        if (inTransaction === undefined) reports[returnsRows ? 'reads' : 'writes'] = false;
      } catch (error) {
        const problem = dialect.tableProblem(error);
        if (problem) return [tableSentence(problem, dialectName, table)];
        // A lock of another client says nothing about the table.
        if (!dialect.isNotApplied(error)) throw error;
      }
    }
    return unreportedTransactions(reports);
  }

  return nameStorage(dialectName, {
    async read(userId) {
      const [row] = await select(`mfa_read_${table}`, sql.read, [dialect.encodeKey(userId)]);
      return row && !dialect.isNothing(row) ? { version: text(dialect.decodeKey(row.version)), value: text(row.value) } : null;
    },

    write(userId, { version, value }, expected) {
      return expected === null
        ? changesOneRow(`mfa_create_${table}`, sql.create, [dialect.encodeKey(userId), dialect.encodeKey(version), value])
        : changesOneRow(`mfa_update_${table}`, sql.update, [
            dialect.encodeKey(version),
            value,
            dialect.encodeKey(userId),
            dialect.encodeKey(expected),
          ]);
    },

    remove: (userId, expected) =>
      changesOneRow(`mfa_remove_${table}`, sql.remove, [dialect.encodeKey(userId), dialect.encodeKey(expected)]),

    async listUserIds(cursor = '') {
      // By key, not by offset: a removal between two pages must not move a user past the cursor.
      const rows = await select(`mfa_list_${table}`, sql.list, [dialect.encodeKey(cursor)]);
      const userIds = rows.filter((row) => !dialect.isNothing(row)).map((row) => text(dialect.decodeKey(row.user_id)));
      const last = userIds.at(-1);
      return userIds.length === PAGE_SIZE && last !== undefined ? { userIds, cursor: last } : { userIds };
    },

    async createTable() {
      const create = () => run(`mfa_schema_${table}`, schema(dialectName, { table }), [], false);
      // IF NOT EXISTS is not atomic everywhere: the loser of a race gets an error, and finds the table at the second try.
      await create().catch(create);
    },

    async unsafeSettings() {
      const rows: SqlRow[] = [];
      for (const [index, text] of dialect.settingsQueries(table).entries()) {
        try {
          rows.push(...(await twice(() => select(`mfa_settings_${index}_${table}`, text, []))));
        } catch (error) {
          // The role may not use the schema; the sentences below say so.
          if (!dialect.tableProblem(error)) throw error;
        }
      }
      return [...dialect.unsafeSettings(rows), ...(await unsafeTable())];
    },
  });
}

/** Retries a call that met an open transaction, on the connection that replaced the closed one. */
function twice<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  return call().catch((error: unknown) => {
    if (isOpenTransaction(error)) return call();
    throw error;
  });
}

/** Returns the DDL of the table. `updated_at` is the database's clock, for operators; mfa-kit does not read it. */
export function schema(dialectName: SqlDialectName, { table = 'mfa_profiles' }: { table?: string | undefined } = {}): string {
  const dialect = dialectOf(dialectName);
  const { types } = dialect;
  return [
    `CREATE TABLE IF NOT EXISTS ${quoteTable(dialect, table)} (`,
    `  user_id ${types.userId} NOT NULL PRIMARY KEY,`,
    `  version ${types.version} NOT NULL,`,
    `  value ${types.value} NOT NULL,`,
    `  updated_at ${types.updatedAt} NOT NULL DEFAULT ${dialect.now}`,
    `)${dialect.tableOptions}`,
  ].join('\n');
}

function statements(dialect: SqlDialect, table: string) {
  const name = quoteTable(dialect, table);
  const p = (position: number) => dialect.parameter(position);
  return {
    read: dialect.selectProfile(name, `user_id = ${p(1)}`),
    create: `INSERT INTO ${name} (user_id, version, value) VALUES (${p(1)}, ${p(2)}, ${p(3)})${dialect.unlessExists}`,
    createNothing: `INSERT INTO ${name} (user_id, version, value) SELECT user_id, version, value FROM ${name} WHERE user_id = ${p(1)}${dialect.unlessExists}`,
    update: `UPDATE ${name} SET version = ${p(1)}, value = ${p(2)}, updated_at = CURRENT_TIMESTAMP WHERE user_id = ${p(3)} AND version = ${p(4)}`,
    remove: `DELETE FROM ${name} WHERE user_id = ${p(1)} AND version = ${p(2)}`,
    list: dialect.selectIds(`${name} WHERE user_id > ${p(1)} ORDER BY user_id LIMIT ${PAGE_SIZE}`),
  };
}

function quoteTable(dialect: SqlDialect, table: string): string {
  return tableParts(table).map(dialect.quote).join('.');
}

function dialectOf(name: SqlDialectName): SqlDialect {
  if (Object.hasOwn(sqlDialects, name)) return sqlDialects[name];
  throw new MfaError('invalid_option', `dialect must be one of: ${Object.keys(sqlDialects).join(', ')}.`);
}

function text(column: unknown): string {
  if (typeof column === 'string') return column;
  throw new TypeError('user_id, version and value must come back as text; create the table with schema().');
}
