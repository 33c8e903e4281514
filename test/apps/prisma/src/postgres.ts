import { prismaStorage } from '@mfa-kit/core/storage/prisma';
import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from '@prisma/client';

export function openPrisma(connectionString: string) {
  const adapter = new PrismaPg({ connectionString, connectionTimeoutMillis: 2000, query_timeout: 3000 });
  const prisma = new PrismaClient({ adapter });
  return { prisma, storage: prismaStorage(prisma, { dialect: 'postgres' }) };
}
