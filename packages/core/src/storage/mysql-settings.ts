import { tableParts } from './table-name.js';

/** The settings of a MySQL or MariaDB server that `unsafeMysqlSettings` checks; each server has some of them. */
const VARIABLES = [
  'autocommit',
  'innodb_doublewrite',
  'innodb_flush_log_at_trx_commit',
  'innodb_read_only',
  'log_bin',
  'read_only',
  'sql_mode',
  'super_read_only',
  'sync_binlog',
  'transaction_isolation',
  'tx_isolation',
  'wsrep_on',
  'wsrep_sync_wait',
];

/** Queries that return rows `{ Variable_name, Value }` for the server and the actual table. */
export function mysqlSettingsQueries(table: string): string[] {
  const [name, database] = tableParts(table).reverse();
  const ofTable = `TABLE_SCHEMA = ${database === undefined ? 'DATABASE()' : `'${database}'`} AND TABLE_NAME = '${name}'`;
  return [
    `SHOW VARIABLES WHERE Variable_name IN (${VARIABLES.map((variable) => `'${variable}'`).join(', ')})`,
    `SELECT 'engine' AS Variable_name, ENGINE AS Value FROM information_schema.TABLES WHERE ${ofTable}`,
    `SELECT CONCAT('column ', COLUMN_NAME) AS Variable_name, COLUMN_TYPE AS Value FROM information_schema.COLUMNS WHERE ${ofTable}`,
    `SELECT CONCAT('key ', COLUMN_NAME) AS Variable_name, COLUMN_KEY AS Value FROM information_schema.COLUMNS WHERE ${ofTable}`,
  ];
}

/** One sentence for each setting that weakens what a storage promises. */
export function unsafeMysqlSettings(rows: Record<string, unknown>[]): string[] {
  const settings = new Map(rows.map((row) => [String(row.Variable_name), String(row.Value)]));
  const is = (name: string, ...values: string[]) => values.includes(settings.get(name)?.toUpperCase() ?? '');
  const isnt = (name: string, ...values: string[]) => settings.has(name) && !is(name, ...values);

  const judged: [unsafe: boolean, sentence: string][] = [
    [
      isnt('innodb_flush_log_at_trx_commit', '1'),
      'innodb_flush_log_at_trx_commit is not 1: a crash can undo the last writes, and with them a used code. Set it to 1.',
    ],
    [
      is('log_bin', 'ON', '1') && isnt('sync_binlog', '1'),
      'sync_binlog is not 1: after a power cut the server rolls back what its binary log has lost. Set it to 1.',
    ],
    [is('innodb_doublewrite', 'OFF', '0'), 'innodb_doublewrite is off: a power cut can destroy the database. Set it to on.'],
    [
      ['read_only', 'super_read_only', 'innodb_read_only'].some((name) => isnt(name, 'OFF', '0')),
      'The connection leads to a read-only server, as replicas are: reads would be stale. Connect to the primary.',
    ],
    [
      is('autocommit', 'OFF', '0'),
      'autocommit is off: mfa-kit does not work inside a transaction of the application. Set it to on for this user.',
    ],
    [
      is('transaction_isolation', 'READ-UNCOMMITTED') || is('tx_isolation', 'READ-UNCOMMITTED'),
      'The isolation is READ UNCOMMITTED: reads see changes that may still be rolled back. Use REPEATABLE READ, the default, or READ COMMITTED.',
    ],
    [
      settings.has('sql_mode') && !/STRICT_(TRANS|ALL)_TABLES/.test(settings.get('sql_mode') ?? ''),
      'sql_mode is not strict: values that do not fit into a column are truncated without an error. Add STRICT_TRANS_TABLES.',
    ],
    [
      is('wsrep_on', 'ON', '1') && (Number(settings.get('wsrep_sync_wait')) & 1) === 0,
      'wsrep_sync_wait does not cover reads: another node of the cluster may return data from before the last write. Set it to 1.',
    ],
    [isnt('engine', 'INNODB'), 'The engine of the table is not InnoDB: a crash can lose it. Run ALTER TABLE with ENGINE=InnoDB.'],
    [
      isnt('column user_id', 'VARBINARY(255)') || isnt('column value', 'MEDIUMTEXT', 'LONGTEXT') || isnt('key user_id', 'PRI'),
      "The columns of the table are not those of schema('mysql'): ids would collide or profiles would be truncated. Make user_id VARBINARY(255) and the primary key, and value MEDIUMTEXT.",
    ],
  ];
  return judged.filter(([unsafe]) => unsafe).map(([, sentence]) => sentence);
}
