import mysql from 'mysql2/promise';
import { afterAll, expect, it } from 'vitest';
import { type StorageConformanceOptions, storageConformance } from '../../packages/core/src/storage/conformance.js';
import { sqlStorage } from '../../packages/core/src/storage/sql.js';
import { mysqlDatabase } from '../support/mysql.js';
import { countFaults } from '../support/proof.js';
import { describeWith } from '../support/requires.js';

const database = await mysqlDatabase();

describeWith(database, 'd-0b: the conformance kit fails, on a real MariaDB,', (real) => {
  // Not strict, like old servers: a value that does not fit is truncated without an error.
  const pool = mysql.createPool({ uri: real.url });
  pool.on('connection', (connection) => void connection.query("SET sql_mode = ''"));
  afterAll(async () => {
    await pool.end();
    await real.drop();
  });

  /** The table of a team that stores ids as text. */
  function overText(table: string) {
    return sqlStorage({
      dialect: 'mysql',
      table,
      async query(sql, parameters) {
        const texts = parameters.map((parameter) => (Buffer.isBuffer(parameter) ? parameter.toString() : String(parameter)));
        const [result] = await pool.execute<mysql.RowDataPacket[] | mysql.ResultSetHeader>(sql, texts);
        if (!Array.isArray(result)) return { rows: [], rowsAffected: result.affectedRows };
        const asBytes = (column: unknown) => (typeof column === 'string' ? Buffer.from(column) : column);
        const rows = result.map((row) => ({
          ...row,
          ...('user_id' in row ? { user_id: asBytes(row.user_id) } : {}),
          ...('version' in row ? { version: asBytes(row.version) } : {}),
        }));
        return { rows, rowsAffected: 0 };
      },
    });
  }

  it.each([
    ['an id that folds case and accents', 'VARCHAR(255) COLLATE utf8mb4_general_ci', 'MEDIUMTEXT', /letter case.*another id/],
    ['an id compared without its trailing blanks', 'VARCHAR(255) COLLATE utf8mb4_bin', 'MEDIUMTEXT', /trailing.*another id/],
    ['an id that is cut', 'VARCHAR(254) COLLATE utf8mb4_bin', 'MEDIUMTEXT', /their last of 255 bytes/],
    ['a value that is cut', 'VARBINARY(255)', 'TEXT', /66,560 characters.*66560/],
  ])('%s', async (name, userId, value, saying) => {
    countFaults();
    const table = name.replaceAll(' ', '_');
    await pool.query(
      `CREATE TABLE ${table} (user_id ${userId} PRIMARY KEY, version VARBINARY(64), value ${value}, updated_at DATETIME) ENGINE=InnoDB`,
    );
    const failures = await failuresOf({ open: async () => overText(table) });
    expect(failures).toContainEqual(expect.stringMatching(saying));
  });

  it('and passes the same with the columns of schema()', async () => {
    const storage = overText('right');
    await storage.createTable();
    expect(await failuresOf({ open: async () => storage })).toEqual([]);
  });
});

/** `name: message` of each case on ids and values that fails. */
async function failuresOf(options: StorageConformanceOptions): Promise<string[]> {
  const failures: string[] = [];
  for (const { name, run, skip } of storageConformance(options)) {
    if (skip || !/^keeps/.test(name)) continue;
    await run().catch((error: Error) => failures.push(`${name}: ${error.message}`));
  }
  return failures;
}
