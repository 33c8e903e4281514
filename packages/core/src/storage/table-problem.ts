import type { SqlDialectName } from './sql-dialect.js';

/** Why the statements of mfa-kit cannot run on the table. */
export type TableProblem = 'missing' | 'columns' | 'forbidden' | 'read_only';

/** The sentence for `unsafeSettings()`: what is wrong with the table, what it causes, and what to run. */
export function tableSentence(problem: TableProblem, dialect: SqlDialectName, table: string): string {
  const schema = `schema('${dialect}'${table === 'mfa_profiles' ? '' : `, { table: '${table}' }`})`;
  switch (problem) {
    case 'missing':
      return `The table ${table} does not exist, or not in the database that this connection leads to: nobody can log in with MFA. Run what ${schema} of @mfa-kit/core/storage/sql returns in a migration, or call storage.createTable() once.`;
    case 'columns':
      return `The columns of the table ${table} are not those of ${schema}: user_id (the primary key), version, value and updated_at. Nobody can log in with MFA. Run ALTER TABLE until they are, or drop the table and create it again while it is empty.`;
    case 'forbidden':
      return `The database user lacks rights on the table ${table}: nobody can log in with MFA. It needs SELECT, INSERT, UPDATE and DELETE on it, and USAGE on its schema where there is one.`;
    case 'read_only':
      return `The connection is read-only, so nothing can be stored in the table ${table}: nobody can log in with MFA. Connect to the primary, with a session that may write.`;
  }
}
