import { postgresStorage } from '@mfa-kit/core/storage/postgres';
import { Kysely, PostgresDialect } from 'kysely';
import type { Pool } from 'pg';

// Over the pool beneath: Kysely puts a connection that fell silent back into it, the adapter takes it out.
export function openKysely<Database>(pool: Pool) {
  return { db: new Kysely<Database>({ dialect: new PostgresDialect({ pool }) }), storage: postgresStorage(pool) };
}
