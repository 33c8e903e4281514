import { prismaStorage } from '@mfa-kit/core/storage/prisma';
import { PrismaMariaDb } from '@prisma/adapter-mariadb';
import { PrismaClient } from '../node_modules/.generated/mysql/index.js';

export function openPrisma(url: string) {
  const { hostname: host, port, username: user, password, pathname } = new URL(url);
  const waits = { connectTimeout: 2000, acquireTimeout: 2000, socketTimeout: 3000 };
  const adapter = new PrismaMariaDb({ host, port: Number(port), user, password, database: pathname.slice(1), ...waits });
  const prisma = new PrismaClient({ adapter });
  return { prisma, storage: prismaStorage(prisma, { dialect: 'mysql' }) };
}
