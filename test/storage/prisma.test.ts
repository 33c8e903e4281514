import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prismaStorage } from '../../packages/core/src/storage/prisma.js';
import { type SqlStorage, schema } from '../../packages/core/src/storage/sql.js';
import type { MfaStorage } from '../../packages/core/src/storage/storage.js';
import { startFaultProxy } from '../support/fault-proxy.js';
import { mysqlDatabase } from '../support/mysql.js';
import { postgresDatabase } from '../support/postgres.js';
import {
  columnsOf,
  loadPrisma,
  type OpenedPrisma,
  type Prisma,
  type PrismaKind,
  type PrismaProfileRow,
  preparePrisma,
  prismaApp,
  prismaKind,
  prismaModel,
} from '../support/prisma.js';
import { describeWith } from '../support/requires.js';
import { connectionHooks, LEFT_ON_MYSQL, LEFT_ON_POSTGRES, runConformance } from './run-conformance.js';

const ready = preparePrisma();
const postgres = ready ? await postgresDatabase() : null;
const mariadb = ready ? await mysqlDatabase() : null;
const opened: OpenedPrisma[] = [];
const root = path.resolve(prismaApp, '../../..');

afterAll(async () => {
  await Promise.all(opened.map(({ prisma }) => prisma.$disconnect().catch(() => undefined)));
  await Promise.all([postgres?.drop(), mariadb?.drop()]);
});

async function open(kind: PrismaKind, url?: string): Promise<OpenedPrisma> {
  const one = await kind.open(url);
  opened.push(one);
  return one;
}

const kinds: ['PostgreSQL' | 'MariaDB', PrismaKind | null][] = [
  ['PostgreSQL', postgres && prismaKind('postgres', postgres.connectionString)],
  ['MariaDB', mariadb && prismaKind('mysql', mariadb.url)],
];

for (const [name, kind] of kinds) {
  describeWith(kind, `Prisma on ${name} keeps the contract, through a proxy that breaks the connection`, async (real) => {
    const address = new URL(real.url);
    const proxy = await startFaultProxy(Number(address.port));
    address.port = String(proxy.port);
    afterAll(() => proxy.close());
    const clients = [await open(real, address.href), await open(real, address.href)];
    const clientOf = new Map<MfaStorage, Prisma>(clients.map(({ storage, prisma }) => [storage, prisma]));
    const storages = [...clientOf.keys()];
    let next = 0;
    beforeAll(async () => {
      await clients[0]?.storage.createTable();
      await real.run('CREATE TABLE host_things (id INTEGER)');
    });

    runConformance({
      row: { name: `Prisma on ${name}`, server: real.version, roundTrips: proxy.roundTrips },
      open: async () => storages[next++ % 2] as MfaStorage,
      hooks: {
        ...connectionHooks(proxy),
        async loseNextReply() {
          // What closes a prepared statement comes after its reply and has none: not that is to be lost.
          await sleep(200);
          proxy.loseNextReply();
        },
        async leaveTransactionOpen(storage) {
          const prisma = clientOf.get(storage) as Prisma;
          // One after another they get the same connection of its pool, and so does what follows.
          const [begin, read] = real.dialect === 'mysql' ? LEFT_ON_MYSQL : LEFT_ON_POSTGRES;
          await prisma.$executeRawUnsafe(begin);
          await prisma.$queryRawUnsafe(read);
          // The pool of MariaDB lends its connections by turns.
          return async () => {
            for (let turn = 0; turn < 20; turn++) await prisma.$executeRawUnsafe('ROLLBACK');
          };
        },
        inHostTransaction: (storage, work) =>
          rolledBack(clientOf.get(storage) as Prisma, async (transaction) => {
            await transaction.$executeRawUnsafe('INSERT INTO host_things VALUES (1)');
            await work();
          }),
      },
    });

    it('lost replies in the run above', () => expect(proxy.lostReplies()).toBe(3));
  });

  describeWith(kind, `Prisma's errors on ${name}`, (real) => {
    const raise = (code: string) =>
      real.dialect === 'postgres'
        ? `BEGIN RAISE EXCEPTION 'raised' USING ERRCODE = '${code}'; RETURN NEW; END`
        : `SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = ${code}, MESSAGE_TEXT = 'raised'`;

    async function storageThatRaises(code: string): Promise<SqlStorage> {
      const { prisma } = await open(real);
      const table = `raises_${code.toLowerCase()}`;
      const storage = prismaStorage(prisma, { dialect: real.dialect, table });
      await storage.createTable();
      const trigger = `CREATE TRIGGER ${table} BEFORE INSERT ON ${table} FOR EACH ROW`;
      if (real.dialect === 'postgres') {
        await real.run(`CREATE FUNCTION ${table}() RETURNS trigger LANGUAGE plpgsql AS $$ ${raise(code)} $$`);
        await real.run(`${trigger} EXECUTE FUNCTION ${table}()`);
      } else {
        await real.run(`${trigger} ${raise(code)}`);
      }
      return storage;
    }

    it.each(real.dialect === 'postgres' ? ['40001', '40P01', '23505'] : ['1062', '1213', '1205', '1020'])(
      'that leave the statement certainly not applied are lost races: %s',
      async (code) => {
        const storage = await storageThatRaises(code);
        expect(await storage.write('alice', { version: 'v', value: 'x' }, null)).toBe(false);
      },
    );

    it.each(real.dialect === 'postgres' ? ['40003', '23514'] : ['3024', '1644'])(
      'that do not are thrown, with the code of the database and what Prisma says: %s',
      async (code) => {
        const storage = await storageThatRaises(code);
        const write = storage.write('alice', { version: 'v', value: 'x' }, null);
        await expect(write).rejects.toMatchObject({ code, cause: { code: 'P2010' } });
      },
    );
  });

  describeWith(kind, `Prisma's model on ${name}`, (real) => {
    const model = prismaModel(real.provider);

    it('reads the table of schema()', async () => {
      const { prisma, storage } = await open(real);
      await storage.createTable();
      expect(await storage.write('müller', { version: 'v', value: 'x' }, null)).toBe(true);
      const text = (column: string | Uint8Array) => Buffer.from(column).toString();
      const rows = await (prisma as unknown as { mfaProfile: { findMany(): Promise<PrismaProfileRow[]> } }).mfaProfile.findMany();
      const [row] = rows.filter(({ userId }) => text(userId) === 'müller');
      expect(row && [text(row.userId), text(row.version), row.value, row.updatedAt instanceof Date]).toEqual([
        'müller',
        'v',
        'x',
        true,
      ]);
    });

    it('stands in docs/guides/storage.md', () => {
      const docs = readFileSync(path.join(root, 'docs/guides/storage.md'), 'utf8');
      expect(docs).toContain(`\`\`\`prisma\n${model.slice(model.indexOf('model '))}\`\`\``);
    });
  });
}

describeWith(kinds[0]?.[1] ?? null, "Prisma's migration on PostgreSQL", (real) => {
  const migration = async (table: string): Promise<string> =>
    (await loadPrisma('src/migration.ts')).migrationOf(real.url, prismaModel('postgresql').replace('mfa_profiles', table));

  it('makes the table of schema(), but for the collation, which models have not', async () => {
    await real.run(await migration('by_prisma'));
    await real.run(schema('postgres', { table: 'by_hand' }));
    const byPrisma = await columnsOf(real.url, 'by_prisma');
    expect(byPrisma).toHaveLength(5);
    expect(byPrisma).toEqual(await columnsOf(real.url, 'by_hand'));
  });

  it('makes a table that keeps profiles apart, and of which nothing is unsafe', async () => {
    await real.run(await migration('kept_apart'));
    const { prisma } = await open(real);
    const storage = prismaStorage(prisma, { dialect: 'postgres', table: 'kept_apart' });
    for (const userId of ['alice', 'Alice', 'alice ']) {
      expect(await storage.write(userId, { version: 'v', value: 'A'.repeat(66_560) }, null)).toBe(true);
    }
    expect((await storage.read('alice'))?.value).toHaveLength(66_560);
    expect((await storage.unsafeSettings()).filter((sentence) => /table/.test(sentence))).toEqual([]);
  });
});

describeWith(kinds[0]?.[1] ?? null, 'prismaStorage', (real) => {
  it('is given a client as docs/guides/storage.md shows it, whose types fit', () => {
    const code = readFileSync(path.join(prismaApp, 'src/postgres.ts'), 'utf8');
    expect(readFileSync(path.join(root, 'docs/guides/storage.md'), 'utf8')).toContain(`\`\`\`ts\n${code}\`\`\``);
    execFileSync(process.execPath, [path.join(root, 'node_modules/typescript/bin/tsc'), '-p', prismaApp], { encoding: 'utf8' });
  }, 120_000);

  it('takes an extended client', async () => {
    const { prisma } = await open(real);
    const { readReplicas } = await loadPrisma('node_modules/@prisma/extension-read-replicas/dist/index.js');
    const replica = await open(real, Object.assign(new URL(real.url), { pathname: '/postgres' }).href);
    const storage = prismaStorage(prisma.$extends(readReplicas({ replicas: [replica.prisma] })), {
      dialect: 'postgres',
      table: 'extended',
    });
    await storage.createTable();
    expect(await storage.write('alice', { version: 'v', value: 'x' }, null)).toBe(true);
    expect(await storage.read('alice')).toEqual({ version: 'v', value: 'x' });
  });

  it('refuses the client of a transaction, of an extended client too', async () => {
    const { prisma } = await open(real);
    const { readReplicas } = await loadPrisma('node_modules/@prisma/extension-read-replicas/dist/index.js');
    for (const client of [prisma, prisma.$extends(readReplicas({ replicas: [prisma] }))]) {
      await client.$transaction(async (transaction) => {
        expect(() => prismaStorage(transaction, { dialect: 'postgres' })).toThrow('$transaction');
      });
    }
  });
});

describe('prismaStorage', () => {
  it.each([[null], [undefined], [{}], [new pg.Pool()]])('refuses %o', (wrong) => {
    expect(() => prismaStorage(wrong as never, { dialect: 'postgres' })).toThrow('needs a PrismaClient');
  });

  it.each([[undefined], [{}], [{ dialect: 'sqlite' }], [{ dialect: 'postgresql' }]])('refuses the options %o', (wrong) => {
    const client = { $extends: () => undefined, $queryRawUnsafe: () => undefined, $executeRawUnsafe: () => undefined };
    expect(() => prismaStorage(client as never, wrong as never)).toThrow("'postgres' or 'mysql'");
  });
});

async function rolledBack(prisma: Prisma, work: (transaction: Prisma) => Promise<void>): Promise<void> {
  class RolledBack extends Error {}
  const transaction = prisma.$transaction(async (client) => {
    await work(client);
    throw new RolledBack();
  });
  await transaction.catch((error: unknown) => {
    if (!(error instanceof RolledBack)) throw error;
  });
}
