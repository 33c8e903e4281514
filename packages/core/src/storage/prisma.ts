import { MfaError } from '../errors.js';
import { type SqlQuery, type SqlRow, type SqlStorage, sqlStorage } from './sql.js';

/** The part of a PrismaClient, plain or extended, that is used. */
export interface PrismaClientLike {
  /** Distinguishes a client from that of an interactive transaction, which does not have it. */
  readonly $extends: unknown;
  $queryRawUnsafe(text: string, ...parameters: unknown[]): PromiseLike<unknown>;
  $executeRawUnsafe(text: string, ...parameters: unknown[]): PromiseLike<number>;
}

export interface PrismaStorageOptions {
  /** The database of the client: PostgreSQL, or MySQL and MariaDB. */
  dialect: 'postgres' | 'mysql';
  /** Name of the table, with a schema if needed. Default `mfa_profiles`. */
  table?: string | undefined;
}

/**
 * Profiles through a PrismaClient on PostgreSQL (`@prisma/adapter-pg`), MySQL or MariaDB (`@prisma/adapter-mariadb`).
 *
 * Each statement is a raw one that commits by itself, on a connection of the client's own pool. Set time-outs on Prisma's adapter, because
 * otherwise it never gives up a dead connection.
 *
 * The client of an interactive transaction is refused: a rollback would undo a `true`, and a used code would work again. Durability depends
 * on the database; `unsafeSettings()` reports problems.
 */
export function prismaStorage(client: PrismaClientLike, options: PrismaStorageOptions): SqlStorage {
  const { dialect, table } = options ?? {};
  if (!isClient(client)) {
    throw new MfaError(
      'invalid_option',
      'prismaStorage needs a PrismaClient. The client of prisma.$transaction(async (tx) => ...) is refused, because a rollback would take ' +
        'back what mfa-kit has stored. For another use sqlStorage({ dialect, query }).',
    );
  }
  if (dialect !== 'postgres' && dialect !== 'mysql') {
    throw new MfaError('invalid_option', "prismaStorage: dialect must be 'postgres' or 'mysql'. For SQLite use sqliteStorage.");
  }
  return sqlStorage({ dialect, query: prismaQuery(client), ...(table === undefined ? {} : { table }) });
}

function prismaQuery(client: PrismaClientLike): SqlQuery {
  return async (text, parameters, { returnsRows }) => {
    try {
      if (!returnsRows) return { rows: [], rowsAffected: await client.$executeRawUnsafe(text, ...parameters) };
      const rows = (await client.$queryRawUnsafe(text, ...parameters)) as SqlRow[];
      return { rows: rows.map(withBuffers), rowsAffected: 0 };
    } catch (error) {
      throw asDriverError(error);
    }
  };
}

function withBuffers(row: SqlRow): SqlRow {
  return Object.fromEntries(
    Object.entries(row).map(([name, column]) => [name, column instanceof Uint8Array ? Buffer.from(column) : column]),
  );
}

/** For a failed raw query the database's own code is nested deeply. Any other error, such as a pool's time-out, stays as it is. */
function asDriverError(error: unknown): unknown {
  const { meta } = error as { meta?: { driverAdapterError?: { cause?: { originalCode?: unknown } } } };
  const code = meta?.driverAdapterError?.cause?.originalCode;
  if (typeof code !== 'string') return error;
  const message = `prismaStorage: a statement failed (${code}).`;
  return Object.assign(new Error(message, { cause: error }), { code, errno: Number(code) });
}

function isClient(client: unknown): client is PrismaClientLike {
  // Not with `in`, because the proxy of an extended client throws; and not by $connect, because extensions add it inside a transaction too.
  const methods = (client ?? {}) as Record<string, unknown>;
  return ['$extends', '$queryRawUnsafe', '$executeRawUnsafe'].every((name) => typeof methods[name] === 'function');
}
