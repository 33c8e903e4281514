import { sqlStorage } from '@mfa-kit/core/storage/sql';
import type { Knex } from 'knex';

export function knexStorage(knex: Knex) {
  return sqlStorage({
    dialect: 'postgres',
    async query(text, parameters) {
      const { rows, rowCount } = await knex.raw(text.replace(/\$\d+/g, '?'), parameters as string[]);
      return { rows, rowsAffected: rowCount ?? 0 };
    },
  });
}
