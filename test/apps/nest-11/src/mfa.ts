import { createMfa, type Mfa, type MfaUser } from '@mfa-kit/core';
import { sqlStorage } from '@mfa-kit/core/storage/sql';
import type { DataSource, QueryResult } from 'typeorm';
import type { UsersService } from './users.service';

/** Milliseconds since the epoch, so that a test can change the time. */
export const CLOCK = Symbol('clock');

/** The flows over the application's own database. */
export async function createAppMfa(dataSource: DataSource, users: UsersService, clock: () => number): Promise<Mfa<MfaUser>> {
  const storage = sqlStorage({
    dialect: 'sqlite',
    async query(text, parameters) {
      const runner = dataSource.createQueryRunner();
      try {
        const result: unknown = await runner.query(text, parameters, true);
        const { records, affected } = result as QueryResult;
        return { rows: records, rowsAffected: affected ?? 0 };
      } finally {
        await runner.release();
      }
    },
  });
  await storage.createTable();
  const secret = process.env.MFA_KEY;
  if (!secret) throw new Error('Set MFA_KEY to 32 random bytes in base64.');
  return createMfa<MfaUser>({
    issuer: 'Acme',
    keys: [{ id: '1', secret }],
    storage,
    clock,
    markEnrolled: (userId, enrolled) => users.setMfa(userId, enrolled),
  });
}
