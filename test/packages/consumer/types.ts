// Compiled in a consumer's folder under each kind of module resolution.
import { type AccessDecision, createMfa, type MfaStorage } from '@mfa-kit/core';
import type { MfaExchange } from '@mfa-kit/core/http';
import { dynamodbStorage } from '@mfa-kit/core/storage/dynamodb';
import { memoryStorage } from '@mfa-kit/core/storage/memory';
import { mongodbStorage } from '@mfa-kit/core/storage/mongodb';
import { mysqlStorage } from '@mfa-kit/core/storage/mysql';
import { postgresStorage } from '@mfa-kit/core/storage/postgres';
import { prismaStorage } from '@mfa-kit/core/storage/prisma';
import { redisStorage } from '@mfa-kit/core/storage/redis';
import { sqlStorage } from '@mfa-kit/core/storage/sql';
import { sqliteStorage } from '@mfa-kit/core/storage/sqlite';
import { typeormStorage } from '@mfa-kit/core/storage/typeorm';
import { expressMfa } from '@mfa-kit/express';

const storage: MfaStorage = memoryStorage();
const mfa = createMfa({ issuer: 'Acme', keys: [{ id: '1', secret: 'x'.repeat(64) }], storage });
export const { requireMfa } = expressMfa(mfa, { user: () => ({ id: 'u1', name: 'ada' }), loginUrl: '/login' });
export const adapters = [mysqlStorage, postgresStorage, prismaStorage, sqlStorage, sqliteStorage, typeormStorage];
export const otherAdapters = [dynamodbStorage, mongodbStorage, redisStorage];
export async function decide(exchange: MfaExchange): Promise<AccessDecision['access']> {
  const user = await exchange.user();
  if (!user) return 'login-again';
  const decision = await mfa.checkAccess({ user, session: undefined });
  return decision.access;
}
// An entry without types would make everything `any`, and this would compile.
// @ts-expect-error: a user has an id.
export const wrong = mfa.beginLogin({ user: { name: 'ada' } });
