import { createClient } from '@libsql/client';
import { createMfa, type MfaFinding, type MfaOptions, type MfaStorage } from '@mfa-kit/core';
import { memoryStorage } from '@mfa-kit/core/storage/memory';
import { sqliteStorage } from '@mfa-kit/core/storage/sqlite';
import { createClock, verifiedSession } from '@mfa-kit/core/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ada, bob, createEnrolled, createFixture, KEY, OTHER_KEY, type TestUser } from '../../../../support/core-fixture.js';
import { countingStorage } from '../../../../support/counting-storage.js';

const DAY = 86_400_000;

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** A storage without a name, like a team's own adapter. */
function unnamed(storage: MfaStorage): MfaStorage {
  const { read, write, remove, listUserIds } = storage;
  return { read, write, remove, listUserIds };
}

function checkWith(options: Partial<MfaOptions<TestUser>> = {}): Promise<MfaFinding[]> {
  return createMfa<TestUser>({
    issuer: 'Acme',
    keys: [KEY],
    markEnrolled: () => undefined,
    ...options,
    storage: options.storage ?? unnamed(memoryStorage()),
  }).check();
}

const codes = (findings: MfaFinding[]) => findings.map(({ level, code }) => `${level} ${code}`);
const reject =
  (message: string, fields: object = {}) =>
  () =>
    Promise.reject(Object.assign(new Error(message), fields));

describe('F37: check()', () => {
  it('F37: finds nothing if everything is fine', async () => {
    const storage = unnamed(memoryStorage());
    const options = { storage, markEnrolled: () => undefined };
    await verifiedSession(createMfa<TestUser>({ issuer: 'Acme', keys: [KEY], ...options }), ada);
    expect(await checkWith(options)).toEqual([]);
  });

  it('F37: reports a missing SQLite table, and nothing after it was created', async () => {
    const client = createClient({ url: ':memory:' });
    const storage = sqliteStorage(client);
    const [missing, ...others] = await checkWith({ storage });
    expect(others).toEqual([]);
    expect(missing).toMatchObject({ level: 'error', code: 'table_missing' });
    expect(missing?.text).toContain('The storage (sqlite) failed at a read: ');
    expect(missing?.text).toContain(`Create the table: put schema('sqlite') of "@mfa-kit/core/storage/sql" into a migration`);
    await storage.createTable();
    expect((await checkWith({ storage })).filter(({ level }) => level === 'error')).toEqual([]);
    client.close();
  });

  it.each([
    ['away', reject('connect ECONNREFUSED 127.0.0.1:5432', { code: 'ECONNREFUSED' }), 'error storage_away'],
    ['broken', reject('out of cheese'), 'error storage_unusable'],
    ['no table', reject('relation "mfa_profiles" does not exist', { code: '42P01' }), 'error table_missing'],
  ])('F37: reports a storage that is %s, and does not throw', async (_name, read, code) => {
    const findings = await checkWith({ storage: { ...unnamed(memoryStorage()), read } });
    expect(codes(findings)).toEqual([code]);
  });

  it('F37: reports a storage that hangs after five seconds', async () => {
    const findings = await checkWith({ storage: { ...unnamed(memoryStorage()), read: () => new Promise(() => undefined) } });
    expect(codes(findings)).toEqual(['error storage_away']);
    expect(findings[0]?.text).toContain('did not answer a read within 5 seconds');
  }, 10_000);

  it.each([
    ['rejects', reject('no scan')],
    [
      'throws',
      () => {
        throw new Error('no scan');
      },
    ],
    ['gives no page', async () => null],
    ['gives no list', async () => ({ userIds: 'ada' })],
  ])('F37: reports a list of users that %s', async (_name, listUserIds) => {
    const storage = { ...unnamed(memoryStorage()), listUserIds } as unknown as MfaStorage;
    expect(codes(await checkWith({ storage }))).toEqual(['error storage_unusable']);
  });

  it('F37: names the missing key, and counts what it sealed', async () => {
    const { storage, mfa } = await createEnrolled();
    await verifiedSession(mfa, bob);
    const findings = await checkWith({ storage: unnamed(storage), keys: [OTHER_KEY] });
    expect(codes(findings)).toEqual(['error key_missing']);
    expect(findings[0]?.text).toMatch(/^2 of 2 stored profiles that were checked cannot be opened/);
    expect(findings[0]?.text).toContain('sealed with the key "2026-11", and "keys" has "2026-12"');
    const both = await checkWith({ storage: unnamed(storage), keys: [OTHER_KEY, KEY] });
    expect(codes(both)).not.toContain('error key_missing');
  });

  it('F37: reports another secret under the same id, and a value that is not a profile', async () => {
    const { storage } = await createEnrolled();
    await storage.write('user-x', { version: 'v', value: 'bm90IG91cnM' }, null);
    const findings = await checkWith({ storage: unnamed(storage), keys: [{ id: KEY.id, secret: OTHER_KEY.secret }] });
    expect(codes(findings).sort()).toEqual(['error profile_format_unknown', 'error profile_sealed_otherwise']);
    const text = findings.map((finding) => finding.text).join();
    expect(text).toContain('the secret of that key was changed');
    expect(text).not.toMatch(/user-ada|user-x/);
    expect(text).not.toContain(KEY.secret.slice(0, 12));
    expect(text).not.toContain(OTHER_KEY.secret.slice(0, 12));
  });

  it('F37: reports unsafe settings as warnings, and also settings that cannot be read', async () => {
    const named = { ...unnamed(memoryStorage()), unsafeSettings: async () => ['fsync is off.\u001b[2J', 7] };
    expect(await checkWith({ storage: named })).toEqual([{ level: 'warning', code: 'unsafe_setting', text: 'fsync is off.' }]);
    const broken = { ...unnamed(memoryStorage()), unsafeSettings: reject('permission denied for "alice"') };
    const [unknown] = await checkWith({ storage: broken });
    expect(unknown).toMatchObject({ level: 'warning', code: 'settings_unknown' });
    expect(unknown?.text).not.toContain('alice');
  });

  it.each([
    ['in seconds', () => Date.now() / 1000, 'error clock_wrong'],
    ['NaN', () => Number.NaN, 'error clock_wrong'],
    [
      'that throws',
      () => {
        throw new Error('no time');
      },
      'error clock_wrong',
    ],
    ['that is a promise', () => Promise.resolve(Date.now()), 'error clock_wrong'],
    ['ten minutes behind', () => Date.now() - 600_000, 'warning clock_apart'],
    ['ten minutes ahead', () => Date.now() + 600_000, 'warning clock_apart'],
  ])('F37, F5: a clock %s', async (_name, clock, code) => {
    let answer = Date.now as () => number;
    const mfa = createMfa({
      issuer: 'Acme',
      keys: [KEY],
      storage: unnamed(memoryStorage()),
      markEnrolled: () => undefined,
      clock: () => answer(),
    });
    answer = clock as () => number;
    expect(codes(await mfa.check())).toEqual([code]);
  });

  it('F37: reports a stored instant that is far ahead', async () => {
    const clock = createClock(Date.now() + 400 * DAY);
    const { storage, mfa } = createFixture({ clock: clock.now });
    await verifiedSession(mfa, ada);
    const findings = await checkWith({ storage: unnamed(storage) });
    expect(codes(findings)).toEqual(['warning stored_instant_ahead']);
    expect(findings[0]?.text).toContain('400 days ahead of this clock');
  });

  it('F37: reports memory storage and a missing markEnrolled', async () => {
    expect(codes(await checkWith({ storage: memoryStorage() }))).toEqual(['info memory_storage']);
    const mfa = createMfa({ issuer: 'Acme', keys: [KEY], storage: unnamed(memoryStorage()) });
    expect(codes(await mfa.check())).toEqual(['warning mark_enrolled_missing']);
    vi.stubEnv('NODE_ENV', 'production');
    expect(codes(await checkWith({ storage: memoryStorage({ losesAllDataOnRestart: true }) }))).toEqual([
      'warning memory_storage',
    ]);
  });

  it('F37: reads at most fifty records of one page, writes nothing, and emits no event', async () => {
    const inner = memoryStorage();
    for (let user = 0; user < 120; user++) await inner.write(`u${user}`, { version: 'v', value: 'bm90IG91cnM' }, null);
    const storage = countingStorage(unnamed(inner));
    const warned = vi.spyOn(process, 'emitWarning').mockReturnValue();
    const events: unknown[] = [];
    const findings = await checkWith({ storage, onEvent: (event) => void events.push(event) });
    expect(codes(findings)).toEqual(['error profile_format_unknown']);
    expect(findings[0]?.text).toContain('50 of 50');
    expect(storage.counts).toMatchObject({ reads: 51, writes: 0 });
    expect(events).toEqual([]);
    expect(warned).not.toHaveBeenCalled();
  });

  it('F37: reports a hostile storage', async () => {
    const inner = unnamed(memoryStorage());
    const hostile = new Proxy(inner, {
      get(target, name) {
        if (name === 'unsafeSettings') throw new Error('never');
        return Reflect.get(target, name);
      },
    });
    expect(codes(await checkWith({ storage: hostile }))).toEqual(['error storage_unusable']);
  });
});
