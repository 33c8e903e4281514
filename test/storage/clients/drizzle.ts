import { postgresStorage } from '@mfa-kit/core/storage/postgres';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { Pool } from 'pg';

// Over mysql2 it is mysqlStorage(db.$client).
export function drizzleStorage(db: NodePgDatabase & { $client: Pool }) {
  return postgresStorage(db.$client);
}
