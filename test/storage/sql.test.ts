import { describe, expect, it } from 'vitest';
import { type SqlQuery, type SqlStorageOptions, schema, sqlStorage } from '../../packages/core/src/storage/sql.js';

const profile = { version: 'v', value: 'x' };
const storageOver = (query: SqlQuery, options: Partial<SqlStorageOptions> = {}) =>
  sqlStorage({ dialect: 'postgres', query, ...options });
const failing = (error: unknown) => storageOver(() => Promise.reject(error));
const affecting = (rowsAffected: unknown) => storageOver(async () => ({ rows: [], rowsAffected }) as never);

describe('sqlStorage', () => {
  it.each([
    ['postgres', { code: '40001' }],
    ['postgres', { code: '40P01' }],
    ['postgres', { code: '23505' }],
    ['postgres', new Error('wrapped', { cause: new Error('twice', { cause: { code: '40001' } }) })],
    ['sqlite', { code: 'SQLITE_BUSY' }],
    ['sqlite', { code: 'SQLITE_BUSY_SNAPSHOT' }],
    ['sqlite', { code: 'SQLITE_LOCKED' }],
    ['sqlite', { code: 'SQLITE_CONSTRAINT_PRIMARYKEY' }],
    ['sqlite', { code: 'ERR_SQLITE_ERROR', errcode: 5 }],
    ['sqlite', { code: 'ERR_SQLITE_ERROR', errcode: 517 }],
    ['sqlite', { code: 'ERR_SQLITE_ERROR', errcode: 1555 }],
    ['mysql', { errno: 1062, code: 'ER_DUP_ENTRY' }],
    ['mysql', { errno: 1213 }],
    ['mysql', { errno: 1205 }],
    ['mysql', { errno: 1020 }],
    ['mysql', new Error('wrapped', { cause: { errno: 1062 } })],
  ] as const)('on %s returns false for an error that was certainly not applied: %o', async (dialect, error) => {
    const storage = storageOver(() => Promise.reject(error), { dialect });
    expect(await storage.write('alice', profile, null)).toBe(false);
    expect(await storage.write('alice', profile, 'v0')).toBe(false);
    expect(await storage.remove('alice', 'v0')).toBe(false);
    await expect(storage.read('alice')).rejects.toBe(error);
    await expect(storage.listUserIds()).rejects.toBe(error);
  });

  it.each([
    ['postgres', { code: '40003' }],
    ['postgres', { code: '08006' }],
    ['postgres', { code: '57P01' }],
    ['postgres', { code: 'ECONNRESET' }],
    ['postgres', { code: 40001 }],
    ['postgres', { code: 'SQLITE_BUSY' }],
    ['sqlite', { code: 'SQLITE_IOERR' }],
    ['sqlite', { code: 'SQLITE_FULL' }],
    ['sqlite', { code: 'SQLITE_CONSTRAINT_NOTNULL' }],
    ['sqlite', { code: 'ERR_SQLITE_ERROR', errcode: 10 }],
    ['sqlite', { code: '40001' }],
    ['mysql', { errno: -104, code: 'ECONNRESET' }],
    ['mysql', { errno: 1180, code: 'ER_ERROR_DURING_COMMIT' }],
    ['mysql', { errno: 1317, code: 'ER_QUERY_INTERRUPTED' }],
    ['mysql', { errno: 1406, code: 'ER_DATA_TOO_LONG' }],
    ['mysql', { code: 'ER_DUP_ENTRY' }],
    ['postgres', 'a string'],
    ['postgres', undefined],
  ] as const)('on %s throws an error with an uncertain outcome: %o', async (dialect, error) => {
    const storage = storageOver(() => Promise.reject(error), { dialect });
    const outcome = await storage.write('alice', profile, null).then(
      (value) => ({ value }),
      (thrown: unknown) => ({ thrown }),
    );
    expect(outcome).toEqual({ thrown: error });
  });

  it('searches at most five errors for a cause, also in a circle', async () => {
    const error = new Error('circle');
    error.cause = error;
    await expect(failing(error).write('alice', profile, null)).rejects.toBe(error);
  });

  it('returns true for one changed row only', async () => {
    expect(await affecting(1).write('alice', profile, null)).toBe(true);
    expect(await affecting(1n).remove('alice', 'v')).toBe(true);
    expect(await affecting(0).write('alice', profile, null)).toBe(false);
    expect(await affecting(0n).remove('alice', 'v')).toBe(false);
  });

  it.each([[undefined], [null], [Number.NaN], [2], [-1], ['x']])(
    'refuses %o as a count, instead of taking it for false',
    async (rowsAffected) => {
      await expect(affecting(rowsAffected).write('alice', profile, null)).rejects.toMatchObject({ code: 'invalid_option' });
    },
  );

  it('refuses rows that are not an array, and columns that are not text', async () => {
    await expect(storageOver(async () => ({ rowsAffected: 0 }) as never).read('alice')).rejects.toMatchObject({
      code: 'invalid_option',
    });
    const blob = storageOver(async () => ({ rows: [{ version: 'v', value: Buffer.from('x') }], rowsAffected: 0 }));
    await expect(blob.read('alice')).rejects.toThrow('must come back as text');
  });

  it('uses each parameter once and in order, so that $n can be replaced by ?', async () => {
    const texts: string[] = [];
    const storage = storageOver(async (text, parameters) => {
      texts.push(text);
      expect(text.match(/\$\d/g)).toEqual(parameters.map((_, index) => `$${index + 1}`));
      return { rows: [], rowsAffected: 0 };
    });
    await storage.read('alice');
    await storage.write('alice', profile, null);
    await storage.write('alice', profile, 'v0');
    await storage.remove('alice', 'v0');
    await storage.listUserIds();
    expect(texts).toHaveLength(5);
  });

  it('names each text differently, for prepared statements', async () => {
    const texts = new Map<string, Set<string>>();
    for (const table of ['one', 'two']) {
      const storage = storageOver(
        async (text, _, { name }) => {
          texts.set(name, (texts.get(name) ?? new Set()).add(text));
          return { rows: [], rowsAffected: 0 };
        },
        { table },
      );
      await storage.read('alice');
      await storage.write('alice', profile, null);
      await storage.write('alice', profile, 'v0');
      await storage.remove('alice', 'v0');
      await storage.listUserIds();
    }
    expect(texts.size).toBe(10);
    expect([...texts.values()].every((set) => set.size === 1)).toBe(true);
  });

  it.each([
    'mfa-profiles',
    'mfa profiles',
    '"mfa"',
    "a'b",
    'a.b.c',
    '.a',
    'a.',
    '',
    '1a',
    'a;DROP TABLE users',
    'ä',
    'a\n',
    'x'.repeat(64),
    5,
    {},
  ])('refuses the table name %j', (table) => {
    expect(() => storageOver(async () => ({ rows: [], rowsAffected: 0 }), { table: table as string })).toThrow(
      expect.objectContaining({ code: 'invalid_option' }),
    );
    expect(() => schema('postgres', { table: table as string })).toThrow(expect.objectContaining({ code: 'invalid_option' }));
  });

  it.each(['oracle', 'constructor', '__proto__', undefined])('refuses the dialect %j, and names the known ones', (dialect) => {
    expect(() => storageOver(async () => ({ rows: [], rowsAffected: 0 }), { dialect: dialect as never })).toThrow(
      'sqlite, postgres, mysql',
    );
  });

  it('refuses a missing query function', () => {
    expect(() => sqlStorage({ dialect: 'sqlite' } as never)).toThrow(expect.objectContaining({ code: 'invalid_option' }));
  });
});

describe('schema', () => {
  it('compares ids and versions byte for byte on PostgreSQL', () => {
    expect(schema('postgres', { table: 'auth.mfa' })).toBe(
      [
        'CREATE TABLE IF NOT EXISTS "auth"."mfa" (',
        '  user_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,',
        '  version TEXT COLLATE "C" NOT NULL,',
        '  value TEXT NOT NULL,',
        '  updated_at TIMESTAMPTZ NOT NULL DEFAULT now()',
        ') WITH (toast_tuple_target = 8160)',
      ].join('\n'),
    );
  });

  it('stores ids and versions as bytes on MySQL, and has room for profiles of 66,560 characters', () => {
    expect(schema('mysql', { table: 'auth.mfa' })).toBe(
      [
        'CREATE TABLE IF NOT EXISTS `auth`.`mfa` (',
        '  user_id VARBINARY(255) NOT NULL PRIMARY KEY,',
        '  version VARBINARY(64) NOT NULL,',
        '  value MEDIUMTEXT NOT NULL,',
        '  updated_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP',
        ') ENGINE=InnoDB',
      ].join('\n'),
    );
  });

  it('has the default name, and the collation BINARY on SQLite', () => {
    expect(schema('sqlite')).toContain('"mfa_profiles"');
    expect(schema('sqlite')).toContain('user_id TEXT COLLATE BINARY NOT NULL PRIMARY KEY');
  });
});
