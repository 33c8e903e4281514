import { sqlStorage } from '@mfa-kit/core/storage/sql';
import type { Knex } from 'knex';

export function knexStorage(knex: Knex) {
  return sqlStorage({
    dialect: 'postgres',
    async query(text, parameters) {
      // Knex puts a connection that fell silent back into its pool, unless it is Knex whose time is over.
      const { rows, rowCount } = await knex.raw(text.replace(/\$\d+/g, '?'), parameters as string[]).timeout(3000);
      return { rows, rowsAffected: rowCount ?? 0 };
    },
  });
}
