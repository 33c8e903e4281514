import { inspect } from 'node:util';
import { MfaError } from '@mfa-kit/core';
import { memoryStorage } from '@mfa-kit/core/storage/memory';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { errorFacts } from '../../../../packages/core/src/warnings/error-facts.js';
import { storageFaultOf, storageHint } from '../../../../packages/core/src/warnings/storage-hint.js';
import { describeError } from '../../../../packages/core/src/warnings/warnings.js';
import { createFixture } from '../../../support/core-fixture.js';

afterEach(() => vi.restoreAllMocks());

const VALUES = ['alice', 'v3rsion0f32characters', 'AbCdEfsealedvalue0123456789'];
const error = (message: string, fields: object = {}): Error => Object.assign(new Error(message), fields);
const ESC = String.fromCharCode(27);

/** What drivers and hosts throw, and what must be left of it. */
const THROWN: [name: string, thrown: unknown, left: string | RegExp][] = [
  [
    'pg, a missing table',
    error('relation "mfa_profiles" does not exist', { code: '42P01' }),
    'Error (code 42P01): relation … does not exist.',
  ],
  [
    'pg, a detail with the value',
    error('duplicate key value violates unique constraint "mfa_profiles_pkey"', {
      code: '23505',
      detail: 'Key (user_id)=(alice) exists',
    }),
    'Error (code 23505): duplicate key value violates unique constraint …',
  ],
  [
    'pg, a password',
    error('password authentication failed for user "app"', { code: '28P01' }),
    /password authentication failed for user …$/,
  ],
  ['a detail in the message', error('insert failed. Key (user_id)=(alice) already exists'), /^Error: insert failed\. Key …/],
  [
    'mysql, a duplicate',
    error("Duplicate entry 'alice' for key 'PRIMARY'", { code: 'ER_DUP_ENTRY', errno: 1062, sqlState: '23000' }),
    /SQLSTATE 23000.*Duplicate entry …$/,
  ],
  [
    'mysql, a value with a quotation mark',
    error("Duplicate entry 'O'Brien x' y' for key 'PRIMARY'"),
    /^Error: Duplicate entry …$/,
  ],
  ['mysql, a login', error("Access denied for user 'app'@'10.0.0.9' (using password: YES)"), /^Error: Access denied for user …/],
  ['an apostrophe of the language', error("Table 'app.mfa_profiles' doesn't exist"), "Error: Table … doesn't exist."],
  [
    'a connection string',
    error('cannot connect to postgres://app:s3cret@db.example:5432/app?sslmode=off now'),
    'Error: cannot connect to … now.',
  ],
  ['a password that is no URL any more', error('bad URL postgres://app:my p@ss/w"ord@db.example/app'), 'Error: bad URL …'],
  [
    'key and value pairs',
    error('cannot connect with host=db user=app password=hunter two'),
    /^Error: cannot connect with … … ?password …$|^Error: cannot connect with … password …$/,
  ],
  [
    'Drizzle, the query with its parameters',
    error('Failed query: select "value" from "mfa_profiles" where "user_id" = $1\nparams: alice', {
      cause: error('relation "mfa_profiles" does not exist', { code: '42P01' }),
    }),
    'Error (code 42P01): relation … does not exist.',
  ],
  ['Drizzle without a cause', error('Failed query: update t set a = $1\nparams: alice,hunter'), 'Error: Failed query …'],
  [
    'Prisma',
    Object.assign(
      error(
        '\nInvalid `prisma.$queryRawUnsafe()` invocation:\n\n\nRaw query failed. Code: `42P01`. Message: `relation "alice" does not exist`',
        { code: 'P2010' },
      ),
      {
        name: 'PrismaClientKnownRequestError',
      },
    ),
    /^PrismaClientKnownRequestError \(code P2010\): Invalid …$/,
  ],
  [
    'TypeORM',
    Object.assign(
      error('SQLITE_ERROR: no such table: mfa_profiles', {
        query: 'SELECT',
        parameters: ['alice'],
        driverError: error('SQLITE_ERROR: no such table: mfa_profiles', { code: 'SQLITE_ERROR' }),
      }),
      { name: 'QueryFailedError' },
    ),
    'QueryFailedError (code SQLITE_ERROR): SQLITE_ERROR: no such table: mfa_profiles.',
  ],
  [
    'Redis, a login',
    Object.assign(error('WRONGPASS invalid username-password pair or user is disabled.'), {
      name: 'ReplyError',
      command: { name: 'auth', args: ['hunter2'] },
    }),
    /^ReplyError: WRONGPASS invalid username-password pair/,
  ],
  [
    'Redis, the arguments',
    error("ERR unknown command 'EVIL', with args beginning with: 'alice' 'hunter' "),
    /^Error: ERR unknown command …$/,
  ],
  ['Redis, older', error('ERR unknown command `EVIL`, with args beginning with: `alice`, '), 'Error: ERR unknown command …'],
  [
    'DynamoDB, an ARN',
    Object.assign(
      error(
        'User: arn:aws:iam::123456789012:user/bob is not authorized to perform: dynamodb:GetItem on resource: arn:aws:dynamodb:eu-west-1:123456789012:table/mfa',
      ),
      { name: 'AccessDeniedException' },
    ),
    /^AccessDeniedException: User: … is not authorized to perform: … on resource: …$/,
  ],
  [
    'an AggregateError',
    new AggregateError([
      error('connect ECONNREFUSED ::1:5432', { code: 'ECONNREFUSED', syscall: 'connect', address: '::1', port: 5432 }),
    ]),
    'AggregateError (code ECONNREFUSED, [::1]:5432): connect ECONNREFUSED …',
  ],
  [
    'a host name',
    error('getaddrinfo ENOTFOUND db.internal', { code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: 'db.internal' }),
    /^Error \(code ENOTFOUND, db\.internal\): getaddrinfo ENOTFOUND …$/,
  ],
  ['a secret of letters alone', error('cannot store JBSWYDPEHPKPXPJBSWYDPEHPKPXPAAAA here'), 'Error: cannot store … here.'],
  ['hexadecimal letters alone', error('no row deadbeefdeadbeefdeadbeef here'), 'Error: no row … here.'],
  ['an access key of letters alone', error('token AKIAABCDEFGHIJKLMNOP is invalid'), 'Error: token … is invalid.'],
  ['random letters', error('session aBcDeFgHiJkLmNoPqRsTuV is gone'), 'Error: session … is gone.'],
  [
    'long names of errors',
    error('ProvisionedThroughputExceededException SQLITE_CONSTRAINT_PRIMARYKEY UnauthenticatedConnectionError'),
    'Error: ProvisionedThroughputExceededException SQLITE_CONSTRAINT_PRIMARYKEY UnauthenticatedConnectionError.',
  ],
  ['an address of mail', error('no plan for bob@example.com today'), 'Error: no plan for … today.'],
  ['a number', error('code 123456 of user 4711 is wrong'), 'Error: code … of user … is wrong.'],
  ['a path', error('unable to open database file /home/bob/app.db'), 'Error: unable to open database file …'],
  [
    'a value in the middle of a key',
    error('WRONGTYPE at mfa:alice and tenant-alice-x'),
    /^Error: WRONGTYPE at … and tenant-…-x\.$/,
  ],
  [
    'another spelling',
    error(`no row for ALICE, ${Buffer.from('alice').toString('hex')}, ${Buffer.from('alice').toString('base64')}`),
    /^Error: no row for …/,
  ],
  [
    'several lines and a terminal',
    error(`first${ESC}[2J line${ESC}]0;title${String.fromCharCode(7)}\r\nalice\u202e second`),
    'Error: first line.',
  ],
  ['marks of direction', error('re\u202elation \u2066missing\u2069\u200b here'), 'Error: relation missing here.'],
  ['no message', error('', { code: 'ECONNRESET' }), 'Error (code ECONNRESET).'],
  ['a text', 'no such user: alice', 'string: no such user: …'],
  ['nothing', undefined, 'undefined.'],
  ['null', null, 'null.'],
  ['a number thrown', 42, 'number.'],
  ['an object', { message: 'plain "alice"', code: 7 }, 'Error (code 7): plain …'],
  ['a function', () => 'alice', /^[A-Za-z]+\.$/],
  [
    'the kit itself',
    new MfaError('host_setup', 'The option "table" must be a name; alice is not one.'),
    'MfaError (code host_setup): The option "table" must be a name; … is not one.',
  ],
];

describe('F37, LOG-2: the description of an error in a warning', () => {
  it.each(THROWN)('F37, LOG-2: %s', (_name, thrown, left) => {
    const said = describeError(thrown, VALUES);
    if (typeof left === 'string') expect(said).toBe(left);
    else expect(said).toMatch(left);
    expect(said).not.toMatch(/alice|hunter|s3cret|bob|v3rsion|AbCdEf|p@ss|O'Brien/i);
    expect(said).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  it('F37: shows the address of the database even if the user id is part of it', () => {
    const refused = error('connect ECONNREFUSED 127.0.0.1:5432', {
      code: 'ECONNREFUSED',
      syscall: 'connect',
      address: '127.0.0.1',
      port: 5432,
    });
    expect(errorFacts(refused, ['1']).address).toBe('127.0.0.1:5432');
    expect(errorFacts(refused, ['127.0.0.1']).address).toBeUndefined();
  });

  it('F37, LOG-2: survives hostile objects', () => {
    const hostile: unknown[] = [
      new Proxy(
        {},
        {
          get: () => {
            throw new Error('alice');
          },
          getPrototypeOf: () => {
            throw new Error('alice');
          },
        },
      ),
      {
        get message(): string {
          throw new Error('alice');
        },
        get code(): string {
          throw new Error('alice');
        },
      },
      { name: 'alice\n\u001b[2J', code: 'alice', message: { toString: () => 'alice' } },
      { name: 'x'.repeat(1e6), code: 'y'.repeat(1e6), message: `${'('.repeat(50_000)}${'"'.repeat(50_000)}` },
      Object.create(null),
      Symbol('alice'),
    ];
    const circle = error('round');
    Object.assign(circle, { cause: error('and round', { cause: circle }) });
    for (const thrown of [...hostile, circle]) {
      const said = describeError(thrown, VALUES);
      expect(said).not.toContain('alice');
      expect(said.length).toBeLessThan(400);
    }
  });

  it('F37, LOG-2: shows at most 200 characters of the message, and is quick for a long one', () => {
    const begun = performance.now();
    for (const long of [
      'word '.repeat(100_000),
      'a://'.repeat(50_000),
      "'".repeat(100_000),
      `${'x'.repeat(200_000)}`,
      '(['.repeat(60_000),
    ]) {
      expect([...errorFacts(error(long), [...VALUES, 'z'.repeat(65_000)]).text].length).toBeLessThanOrEqual(200);
    }
    expect(performance.now() - begun).toBeLessThan(2_000);
  });

  it.each([
    '1',
    'a',
    'failed',
    'a b',
    'a"b',
    "o'neil",
    '((',
    '$&',
    '\\',
    'Ünal',
    '田中',
    'x\ny',
    'A%20B',
    '\u200b',
    'user.name+tag@example.com',
  ])('LOG-2: never repeats the user id %j', (id) => {
    for (const message of [
      `no row for ${id} here`,
      `no row for '${id}' here`,
      `no row: ${JSON.stringify(id)}`,
      `no ${inspect(id)}`,
      `key=${id}`,
      id,
    ]) {
      const said = errorFacts(error(message), [id]).text;
      const alone = new RegExp(`(?<![\\p{L}\\p{N}])${id.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}(?![\\p{L}\\p{N}])`, 'iu');
      expect(said).not.toMatch(alone);
    }
  });

  it('LOG-2: a failed call puts none of its values into a warning or an event', async () => {
    const said: string[] = [];
    vi.spyOn(process, 'emitWarning').mockImplementation((warning) => void said.push(String(warning)));
    const inner = memoryStorage();
    const values: string[] = [];
    const fail = (...given: unknown[]): never => {
      values.push(...(JSON.stringify(given).match(/[A-Za-z0-9_-]{16,}/g) ?? []));
      throw error(`call of ${JSON.stringify(given)} failed; ${given.map((one) => inspect(one)).join(' ')} ${String(given[0])}`);
    };
    const userId = 'kim.lee/7 "x"';
    for (const storage of [
      { ...inner, write: fail },
      { ...inner, read: fail },
    ]) {
      const { mfa, events } = createFixture({ storage });
      await mfa.beginLogin({ user: { id: userId, name: 'kim@example.com' } });
      said.push(JSON.stringify(events.map(({ userId: _, ...event }) => event)));
    }
    expect(said.length).toBeGreaterThanOrEqual(4);
    expect(values.length).toBeGreaterThanOrEqual(2);
    for (const value of values) expect(said.join()).not.toContain(value);
    expect(said.join()).not.toMatch(/kim|lee/i);
  });
});

describe('F37: the usual causes', () => {
  it.each([
    [error('relation "x" does not exist', { code: '42P01' }), 'no_table'],
    [error("Table 'a.b' doesn't exist", { code: 'ER_NO_SUCH_TABLE', errno: 1146, sqlState: '42S02' }), 'no_table'],
    [error('SQLITE_ERROR: no such table: mfa_profiles', { code: 'SQLITE_ERROR' }), 'no_table'],
    [error('Failed query: x', { cause: error('relation "x" does not exist', { code: '42P01' }) }), 'no_table'],
    [Object.assign(error('Requested resource not found'), { name: 'ResourceNotFoundException' }), 'no_table'],
    [error('column "version" does not exist', { code: '42703' }), 'other_table'],
    [error('database "app" does not exist', { code: '3D000' }), 'no_database'],
    [error('connect ECONNREFUSED 127.0.0.1:5432', { code: 'ECONNREFUSED' }), 'unreachable'],
    [new AggregateError([error('connect ECONNREFUSED ::1:5432', { code: 'ECONNREFUSED' })]), 'unreachable'],
    [error('Connection terminated unexpectedly'), 'unreachable'],
    [error('password authentication failed for user "app"', { code: '28P01' }), 'login_refused'],
    [error("Access denied for user 'app'@'x'", { code: 'ER_ACCESS_DENIED_ERROR', errno: 1045 }), 'login_refused'],
    [error('NOAUTH Authentication required.'), 'login_refused'],
    [error('permission denied for table mfa_profiles', { code: '42501' }), 'not_permitted'],
    [Object.assign(error('No metadata for "MfaProfile" was found.'), { name: 'EntityMetadataNotFoundError' }), 'entity_unknown'],
    [new MfaError('host_setup', 'typeormStorage: the DataSource is not initialized. Await it.'), 'entity_unknown'],
    [error('cannot execute UPDATE in a read-only transaction', { code: '25006' }), 'read_only'],
    [error("READONLY You can't write against a read only replica."), 'read_only'],
    [error('timeout exceeded when trying to connect'), 'no_connection_left'],
    [error('sorry, too many clients already', { code: '53300' }), 'no_connection_left'],
    [error('Cannot use a pool after calling end on the pool'), 'pool_ended'],
    [error("OOM command not allowed when used memory > 'maxmemory'."), 'full'],
    [error('SQLITE_BUSY: database is locked', { code: 'SQLITE_BUSY' }), 'locked'],
    [error('value too long for type character varying(255)', { code: '22001' }), 'too_long'],
    [error('self-signed certificate', { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }), 'tls'],
    [error('the database system is starting up', { code: '57P03' }), 'not_ready'],
    [error('Query read timeout'), 'late'],
    [error('something else'), undefined],
    [undefined, undefined],
  ])('F37: %s is %s', (thrown, fault) => {
    expect(storageFaultOf(thrown)).toBe(fault);
    expect(storageHint(fault as never, undefined, thrown)).toMatch(/^[A-Z].*\.$/);
  });

  it.each(['postgres', 'mysql', 'sqlite'])('F37: include a missing table, with the schema of %s', (dialect) => {
    expect(storageHint('no_table', dialect)).toContain(`Create the table: put schema('${dialect}')`);
  });
});
