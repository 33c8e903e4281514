import { sqlStorage } from '@mfa-kit/core/storage/sql';
import type { Sql } from 'postgres';

export function postgresJsStorage(sql: Sql) {
  return sqlStorage({
    dialect: 'postgres',
    async query(text, parameters) {
      const rows = await sql.unsafe(text, parameters as string[], { prepare: true });
      return { rows: [...rows], rowsAffected: rows.count };
    },
  });
}
