import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { DataSource, type DataSourceOptions, EntitySchema } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schema } from '../../packages/core/src/storage/sql.js';
import type { SqlDialectName } from '../../packages/core/src/storage/sql-dialect.js';
import type { MfaStorage } from '../../packages/core/src/storage/storage.js';
import { mfaProfileEntity, type TypeormDatabase, typeormStorage } from '../../packages/core/src/storage/typeorm.js';
import { startFaultProxy } from '../support/fault-proxy.js';
import { mysqlDatabase, mysqlVersion } from '../support/mysql.js';
import { postgresDatabase, postgresVersion } from '../support/postgres.js';
import { describeWith } from '../support/requires.js';
import { connectionHooks, LEFT_ON_MYSQL, LEFT_ON_POSTGRES, leaveOpen, runConformance } from './run-conformance.js';

// TypeORM takes any module of the shape of better-sqlite3, and this one comes built.
const driver: unknown = createRequire(createRequire(import.meta.url).resolve('@libsql/client'))('libsql');

const folder = mkdtempSync(join(tmpdir(), 'mfa-kit-typeorm-'));
const postgres = await postgresDatabase();
const mariadb = await mysqlDatabase();
const sources: DataSource[] = [];
afterAll(async () => {
  await Promise.all(sources.map((source) => source.destroy().catch(() => undefined)));
  await Promise.all([postgres?.drop(), mariadb?.drop()]);
  rmSync(folder, { recursive: true, force: true });
});

async function connect(options: DataSourceOptions): Promise<DataSource> {
  const source = new DataSource(options);
  sources.push(source);
  return source.initialize();
}

interface Kind {
  type: TypeormDatabase;
  dialect: SqlDialectName;
  options(port?: number): DataSourceOptions;
  /** Of the server; SQLite has none. */
  port?: number;
}

function onServer(type: 'postgres' | 'mariadb', dialect: SqlDialectName, url: string | undefined): Kind | null {
  if (url === undefined) return null;
  const at = new URL(url);
  return {
    type,
    dialect,
    port: Number(at.port),
    options(port) {
      if (port) at.port = String(port);
      const wait = type === 'postgres' ? { connectTimeoutMS: 2000 } : { connectTimeout: 2000 };
      return { type, url: at.href, ...wait, logging: false } as DataSourceOptions;
    },
  };
}

const kinds: ['PostgreSQL' | 'MariaDB' | 'SQLite', Kind | null][] = [
  ['PostgreSQL', onServer('postgres', 'postgres', postgres?.connectionString)],
  ['MariaDB', onServer('mariadb', 'mysql', mariadb?.url)],
  [
    'SQLite',
    {
      type: 'better-sqlite3',
      dialect: 'sqlite',
      options: () => ({ type: 'better-sqlite3', database: join(folder, 'one.db'), driver, enableWAL: true }),
    },
  ],
];

for (const [name, kind] of kinds) {
  describeWith(kind, `TypeORM's entity on ${name}`, ({ type, dialect, options }) => {
    const table = `drift_${type.replace(/\W/g, '_')}`;
    const entities = [new EntitySchema(mfaProfileEntity(type, { table }))];
    const pending = async (source: DataSource) => {
      const { upQueries, downQueries } = await source.driver.createSchemaBuilder().log();
      return [...upQueries, ...downQueries].map(({ query }) => query);
    };

    it('generates no migration for the table of schema()', async () => {
      const source = await connect({ ...options(), entities } as DataSourceOptions);
      expect((await pending(source)).join()).toContain('CREATE TABLE');
      await source.query(schema(dialect, { table }));
      expect(await pending(source)).toEqual([]);
    });

    it('makes a table that keeps profiles apart, and of which nothing is unsafe', async () => {
      const made = `made_${table}`;
      const entity = new EntitySchema(mfaProfileEntity(type, { table: made }));
      const source = await connect({ ...options(), entities: [entity], synchronize: true } as DataSourceOptions);
      const storage = typeormStorage(source, { table: made });
      for (const userId of ['alice', 'Alice', 'alice ']) {
        expect(await storage.write(userId, { version: 'v', value: 'A'.repeat(66_560) }, null)).toBe(true);
      }
      expect((await storage.read('alice'))?.value).toHaveLength(66_560);
      expect((await storage.unsafeSettings()).filter((sentence) => /table/.test(sentence))).toEqual([]);
      expect(await pending(source)).toEqual([]);
    });
  });
}

for (const [name, kind] of kinds) {
  if (name === 'SQLite') continue;
  describeWith(kind, `TypeORM on ${name} keeps the contract, through a proxy that breaks the connection`, async (real) => {
    const proxy = await startFaultProxy(Number(real.port));
    const opened = await Promise.all([connect(real.options(proxy.port)), connect(real.options(proxy.port))]);
    afterAll(() => proxy.close());
    const sourceOf = new Map<MfaStorage, DataSource>(opened.map((source) => [typeormStorage(source), source]));
    const storages = [...sourceOf.keys()];
    let next = 0;
    beforeAll(async () => {
      await typeormStorage(opened[0] as DataSource).createTable();
      await opened[0]?.query('CREATE TABLE host_things (id INTEGER)');
    });

    runConformance({
      row: {
        name: `TypeORM on ${name}`,
        server: () => (name === 'MariaDB' ? mysqlVersion(mariadb?.url ?? '') : postgresVersion(postgres?.connectionString ?? '')),
        roundTrips: proxy.roundTrips,
      },
      open: async () => storages[next++ % 2] as MfaStorage,
      hooks: {
        ...connectionHooks(proxy),
        leaveTransactionOpen: (storage) =>
          leaveOpen(
            10,
            async () => {
              const runner = (sourceOf.get(storage) as DataSource).createQueryRunner();
              await runner.connect();
              return runner;
            },
            real.dialect === 'mysql' ? LEFT_ON_MYSQL : LEFT_ON_POSTGRES,
          ),
        inHostTransaction: (storage, work) =>
          (sourceOf.get(storage) as DataSource)
            .transaction(async (manager) => {
              await manager.query('INSERT INTO host_things VALUES (1)');
              await work();
              throw new Error('rolled back');
            })
            .catch((error: Error) => {
              if (error.message !== 'rolled back') throw error;
            }),
      },
    });
  });
}

describe('TypeORM on SQLite keeps the contract', async () => {
  // One connection for the whole process, as TypeORM has it.
  const source = await connect({ type: 'better-sqlite3', database: join(folder, 'kit.db'), driver, enableWAL: true });
  const storage = typeormStorage(source);
  beforeAll(async () => {
    await storage.createTable();
    await source.query('CREATE TABLE host_things (id INTEGER)');
  });

  runConformance({
    row: {
      name: 'TypeORM on SQLite',
      async server() {
        const [row] = (await source.query('SELECT sqlite_version() AS version')) as { version: string }[];
        return `SQLite ${row?.version}`;
      },
    },
    open: async () => storage,
    hooks: {
      inHostTransaction: (_, work) =>
        source
          .transaction(async (manager) => {
            await manager.query('INSERT INTO host_things VALUES (1)');
            await work();
            throw new Error('rolled back');
          })
          .catch((error: Error) => {
            if (error.message !== 'rolled back') throw error;
          }),
    },
  });

  it('throws while a transaction of the application is open', async () => {
    await source.transaction(async () => {
      await expect(storage.write('alice', { version: 'v', value: 'x' }, null)).rejects.toMatchObject({ code: 'host_setup' });
      await expect(storage.read('alice')).rejects.toMatchObject({ code: 'host_setup' });
    });
    expect(await storage.read('alice')).toBeNull();
  });
});

describeWith(postgres && mariadb, 'TypeORM with replicas', () => {
  /** Another database of the same server, where the table is missing. */
  const replicaOf = (url = '', database: string) => Object.assign(new URL(url), { pathname: database }).href;

  it.each([
    { type: 'postgres', url: postgres?.connectionString, other: 'postgres' },
    { type: 'mariadb', url: mariadb?.url, other: 'mysql' },
    { type: 'mysql', url: mariadb?.url, other: 'mysql' },
  ])('reads from the primary: $type', async ({ type, url, other }) => {
    const replication = { master: { url }, slaves: [{ url: replicaOf(url, other) }] };
    const source = await connect({ type, replication } as DataSourceOptions);
    const table = `replicated_${type}`;
    const storage = typeormStorage(source, { table });
    await storage.createTable();
    expect(await storage.write('alice', { version: 'v', value: 'x' }, null)).toBe(true);
    expect(await storage.read('alice')).toEqual({ version: 'v', value: 'x' });
    // What TypeORM reads by itself comes from the replica.
    await expect(source.createQueryBuilder().select('1').from(table, 't').getRawOne()).rejects.toThrow(table);
  });
});

describeWith(postgres, 'typeormStorage', ({ connectionString }) => {
  const options: DataSourceOptions = { type: 'postgres', url: connectionString };

  it('may be made before the DataSource is initialized, and works after it is initialized again', async () => {
    const source = new DataSource(options);
    sources.push(source);
    const storage = typeormStorage(source, { table: 'lives' });
    await expect(storage.read('alice')).rejects.toMatchObject({ code: 'host_setup' });
    await source.initialize();
    await storage.createTable();
    await source.destroy();
    await source.initialize();
    expect(await storage.read('alice')).toBeNull();
  });

  it('prepares its statements, unless an option turns that off', async () => {
    const source = await connect({ ...options, poolSize: 1 });
    const prepared = async () => ((await source.query('SELECT name FROM pg_prepared_statements')) as unknown[]).length;
    const unprepared = typeormStorage(source, { table: 'unprepared', prepareStatements: false });
    await unprepared.createTable();
    expect(await prepared()).toBe(0);
    await typeormStorage(source, { table: 'unprepared' }).read('alice');
    expect(await prepared()).toBe(1);
  });

  it('refuses a table name that is no name, in the entity too', () => {
    const source = new DataSource(options);
    expect(() => typeormStorage(source, { table: 'a b' })).toThrow(expect.objectContaining({ code: 'invalid_option' }));
    expect(() => mfaProfileEntity('postgres', { table: 'a b' })).toThrow(expect.objectContaining({ code: 'invalid_option' }));
  });
});

describe('typeormStorage', () => {
  it.each([
    [null],
    [{}],
    [{ options: { type: 'mongodb' }, driver: {} }],
    [{ options: { type: 'sqljs' }, driver: {} }],
    [{ options: { type: 'constructor' }, driver: {} }],
    [{ options: { type: 'postgres' } }],
    [new pg.Pool()],
  ])('refuses %o, and names what it serves', (wrong) => {
    expect(() => typeormStorage(wrong as never)).toThrow('postgres, mysql, mariadb, better-sqlite3');
  });

  it('has no entity for another database', () => {
    expect(() => mfaProfileEntity('oracle' as never)).toThrow('postgres, mysql, mariadb, better-sqlite3');
  });
});
