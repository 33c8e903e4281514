import { type PrismaClientLike, prismaStorage } from '@mfa-kit/core/storage/prisma';
import { readReplicas } from '@prisma/extension-read-replicas';
import { openPrisma } from './postgres.js';

// Compiled only.
const { prisma } = openPrisma('');

export const extended: PrismaClientLike = prisma.$extends(readReplicas({ replicas: [prisma] }));

export const refused = prisma.$transaction(async (transaction) =>
  // @ts-expect-error: a rollback would take back what is stored.
  prismaStorage(transaction, { dialect: 'postgres' }),
);
