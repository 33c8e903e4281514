import { createRequire } from 'node:module';
import { DataSource, type DataSourceOptions, DefaultNamingStrategy, EntitySchema } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mfaProfileEntity, type TypeormDatabase, typeormStorage } from '../../packages/core/src/storage/typeorm.js';
import { mysqlDatabase } from '../support/mysql.js';
import { postgresDatabase } from '../support/postgres.js';
import { describeWith } from '../support/requires.js';

const driver: unknown = createRequire(createRequire(import.meta.url).resolve('@libsql/client'))('libsql');
const postgres = await postgresDatabase();
const mariadb = await mysqlDatabase();
const sources: DataSource[] = [];
afterAll(async () => {
  await Promise.all(sources.map((source) => source.destroy().catch(() => undefined)));
  await Promise.all([postgres?.drop(), mariadb?.drop()]);
});

class Suffixing extends DefaultNamingStrategy {
  override tableName(target: string, given: string | undefined): string {
    return `${super.tableName(target, given)}_t`;
  }
  override prefixTableName(prefix: string, table: string): string {
    return `${prefix}x_${table}`;
  }
}

/** As typeorm-naming-strategies has it: a name that was given stays. */
class Camel extends DefaultNamingStrategy {
  override columnName(property: string, given: string | undefined): string {
    return given ?? property.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  }
}

class Renaming extends DefaultNamingStrategy {
  override columnName(property: string, given: string | undefined): string {
    return (given ?? property).toUpperCase();
  }
}

async function start(options: DataSourceOptions, table: string) {
  const type = options.type as TypeormDatabase;
  const entities = [new EntitySchema(mfaProfileEntity(type, { table }))];
  const source = new DataSource({ ...options, entities, synchronize: true } as DataSourceOptions);
  sources.push(source);
  // Made before the DataSource is initialized, as an application does.
  const storage = typeormStorage(source, { table });
  await source.initialize();
  return { source, storage };
}

/** Writes through the storage, and looks into the table that TypeORM made. */
async function expectFollowed(options: DataSourceOptions, table: string, path: string): Promise<void> {
  const { source, storage } = await start(options, table);
  expect(source.getMetadata('MfaProfile').tablePath).toBe(path);
  expect(await storage.write('alice', { version: 'v1', value: 'x' }, null)).toBe(true);
  expect(await storage.read('alice')).toEqual({ version: 'v1', value: 'x' });
  const quote = options.type === 'mariadb' ? '`' : '"';
  const name = path
    .split('.')
    .map((part) => quote + part + quote)
    .join('.');
  const [row] = (await source.query(`SELECT count(*) AS n FROM ${name}`)) as { n: unknown }[];
  expect(Number(row?.n)).toBe(1);
  expect(await storage.remove('alice', 'v1')).toBe(true);
  expect((await storage.unsafeSettings()).filter((sentence) => sentence.includes('table'))).toEqual([]);
}

const naming = { entityPrefix: 'app_' };

describeWith(
  postgres,
  'F12: the options of a DataSource that name tables are followed on PostgreSQL',
  ({ connectionString: url }) => {
    const options = { type: 'postgres', url } as const;
    beforeAll(async () => {
      const source = await new DataSource(options).initialize();
      await source.query('CREATE SCHEMA auth');
      await source.destroy();
    });

    it.each([
      ['entityPrefix', naming, 'mfa_profiles', 'app_mfa_profiles'],
      ['entityPrefix and a table of another name', naming, 'second', 'app_second'],
      ['schema', { schema: 'auth' }, 'mfa_profiles', 'auth.mfa_profiles'],
      ['schema, where the table has its own', { schema: 'public' }, 'auth.own', 'auth.own'],
      ['schema and entityPrefix', { schema: 'auth', ...naming }, 'mfa_profiles', 'auth.app_mfa_profiles'],
      ['a naming strategy for tables', { namingStrategy: new Suffixing() }, 'mfa_profiles', 'mfa_profiles_t'],
      ['a naming strategy for tables and prefixes', { namingStrategy: new Suffixing(), ...naming }, 'mfa', 'app_x_mfa_t'],
      ['a naming strategy for columns', { namingStrategy: new Camel() }, 'camel', 'camel'],
    ])('%s', async (_, more, table, path) => {
      await expectFollowed({ ...options, ...more }, table, path);
    });

    it('an entity that was changed by hand is refused at the first call', async () => {
      const entity = { ...mfaProfileEntity('postgres', { table: 'moved' }), schema: 'auth' };
      const source = new DataSource({ ...options, entities: [new EntitySchema(entity)] });
      sources.push(source);
      const storage = typeormStorage(source, { table: 'moved' });
      await source.initialize();
      await expect(storage.read('alice')).rejects.toMatchObject({
        code: 'host_setup',
        message: expect.stringContaining('auth.moved'),
      });
    });
  },
);

describeWith(mariadb, 'F12: the options of a DataSource that name tables are followed on MariaDB', ({ url }) => {
  const database = new URL(url).pathname.slice(1);

  it.each([
    ['entityPrefix', naming, 'mfa_profiles', 'app_mfa_profiles'],
    ['a naming strategy', { namingStrategy: new Suffixing() }, 'mfa_profiles', 'mfa_profiles_t'],
    ['a database in front of the table', {}, `${database}.placed`, `${database}.placed`],
  ])('%s', async (_, more, table, path) => {
    await expectFollowed({ type: 'mariadb', url, ...more }, table, path);
  });
});

describe('F12: the options of a DataSource that name tables', () => {
  const options = { type: 'better-sqlite3', database: ':memory:', driver } as const;

  it('are followed on SQLite', async () => {
    await expectFollowed({ ...options, ...naming }, 'mfa_profiles', 'app_mfa_profiles');
  });

  it('are refused at start where they rename columns', () => {
    const source = new DataSource({ ...options, namingStrategy: new Renaming() });
    expect(() => typeormStorage(source)).toThrow(/renames the columns user_id, version, value, updated_at/);
  });

  it.each(['app-', 'a.b.', 'x'.repeat(60)])('are refused at start where the name is none for mfa-kit: %s', (entityPrefix) => {
    const source = new DataSource({ ...options, entityPrefix });
    expect(() => typeormStorage(source)).toThrow(/makes the table/);
  });

  it('leave no schema for SQLite', () => {
    expect(() => mfaProfileEntity('better-sqlite3', { table: 'auth.mfa' })).toThrow('no schemas');
  });
});
