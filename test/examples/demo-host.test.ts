import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDemoHost, type DemoHost, isSameOrigin } from '@mfa-kit-examples/demo-host';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { mysqlDatabase } from '../support/mysql.js';
import { postgresDatabase } from '../support/postgres.js';
import { serverUrl } from '../support/server-url.js';

const opened: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'mfa-kit-host-'));
  opened.push(async () => rmSync(path, { recursive: true }));
  return path;
}

async function open(env: Record<string, string>, directory = folder()): Promise<DemoHost> {
  const host = await createDemoHost({ env, directory, passwordCost: { logN: 10, r: 8, p: 1 } });
  opened.push(() => host.close());
  return host;
}

describe.each(['memory:', 'file:', 'postgres:'])('the demo host on %s', (kind) => {
  const url = async (): Promise<string | null> => {
    if (kind !== 'postgres:') return kind === 'file:' ? `file:${join(folder(), 'deeper/demo.sqlite')}` : kind;
    const database = await postgresDatabase();
    if (database) opened.push(() => database.drop());
    return database?.connectionString ?? null;
  };

  it('has three users with their passwords and MFA policies', async ({ skip }) => {
    const MFA_STORAGE = await url();
    if (!MFA_STORAGE) return skip();
    const { users, mfa, demoPassword } = await open({ MFA_STORAGE });
    const ada = await users.checkPassword(' Ada ', demoPassword);
    expect(ada).toMatchObject({ id: 'user-ada', name: 'ada@larkfield.example', mfa: 'required', enrolled: false });
    expect(mfa.policy(ada!)).toEqual({ mfa: 'required' });
    expect(mfa.policy((await users.findByUsername('grace'))!)).toEqual({ mfa: 'optional' });
    const { enrollBy } = mfa.policy((await users.findByUsername('alan'))!);
    expect((enrollBy! - Date.now()) / 86_400_000).toBeCloseTo(14, 2);
    for (const wrong of ['', 'wrong', null, {}, ['x']]) expect(await users.checkPassword('ada', wrong)).toBeNull();
    expect(await users.checkPassword('nobody', demoPassword)).toBeNull();
    await mfa.markEnrolled('user-ada', true);
    expect((await users.findById('user-ada'))?.enrolled).toBe(true);
  });

  it('keeps a session until it is ended, and then it stays ended', async ({ skip }) => {
    const MFA_STORAGE = await url();
    if (!MFA_STORAGE) return skip();
    const { sessions } = await open({ MFA_STORAGE });
    const soon = Date.now() + 60_000;
    await sessions.write('one', { cookie: {}, user: 'ada' }, soon);
    expect(await sessions.read('one')).toEqual({ cookie: {}, user: 'ada' });
    await sessions.end('one');
    // A slow request saves what it read before the logout.
    await sessions.write('one', { cookie: {}, user: 'ada' }, soon);
    await sessions.extend('one', soon);
    expect(await sessions.read('one')).toBeNull();
    await sessions.write('two', {}, Date.now() - 1);
    expect(await sessions.read('two')).toBeNull();
  });
});

describe.each(['mariadb', 'redis', 'redis-cluster', 'dynamodb'] as const)('profiles on %s, next to the application', (server) => {
  // Starting a server takes a while.
  beforeAll(async () => void (await serverUrl(server)));
  afterEach(() => vi.unstubAllEnvs());

  it('are stored there, and the users in a separate file', async ({ skip }) => {
    const url = server === 'mariadb' ? await databaseOnMariadb() : await serverUrl(server);
    if (!url) return skip();
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
    const query = `endpoint=${encodeURIComponent(url)}&region=eu-central-1`;
    const MFA_STORAGE = server === 'dynamodb' ? `dynamodb:demo_profiles?${query}` : url;
    const directory = folder();
    const first = await open({ MFA_STORAGE }, directory);
    const userId = `demo-${server}`;
    expect(await first.mfa.storage.write(userId, { version: 'v', value: 'x' }, null)).toBe(true);
    await first.mfa.markEnrolled('user-ada', true);
    const second = await open({ MFA_STORAGE }, directory);
    expect(await second.mfa.storage.read(userId)).toEqual({ version: 'v', value: 'x' });
    expect((await second.users.findById('user-ada'))?.enrolled).toBe(true);
    expect(statSync(join(directory, 'demo.sqlite')).size).toBeGreaterThan(0);
    expect(second.database.description).toContain('demo.sqlite');
  });
});

async function databaseOnMariadb(): Promise<string | undefined> {
  const database = await mysqlDatabase();
  if (database) opened.push(() => database.drop());
  return database?.url;
}

describe('one SQLite file', () => {
  it('accepts concurrent writes of the application and of the kit', async () => {
    const { sessions, mfa, users } = await open({});
    const writes = Array.from({ length: 200 }, async (_, index) => {
      // Regardless of what the other side is doing.
      for (let pause = 0; pause < index % 17; pause += 1) await null;
      if (index % 2) return sessions.write(`session-${index}`, { index }, Date.now() + 60_000);
      expect(await mfa.storage.write(`user-${index}`, { version: 'v', value: 'x' }, null)).toBe(true);
      return mfa.markEnrolled('user-ada', true);
    });
    await Promise.all(writes);
    expect(await sessions.read('session-199')).toEqual({ index: 199 });
    expect((await mfa.storage.listUserIds()).userIds).toHaveLength(100);
    expect((await users.findById('user-ada'))?.enrolled).toBe(true);
  });
});

describe('the files of the demo', () => {
  it('are used again after a restart, and only their owner can read them', async () => {
    const directory = folder();
    const first = await open({}, directory);
    const grace = (await first.users.findByUsername('grace'))!;
    expect(await first.users.checkNewPassword(grace, 'wrong', 'my own password')).toMatchObject({ ok: false });
    expect(await first.users.checkNewPassword(grace, first.demoPassword, 'short')).toMatchObject({ ok: false });
    const checked = await first.users.checkNewPassword(grace, first.demoPassword, 'my own password');
    if (checked.ok) await first.users.storePassword(grace, checked.next);
    const second = await open({}, directory);
    expect(second.demoPassword).toBe(first.demoPassword);
    expect(second.mfa.keys).toEqual(first.mfa.keys);
    expect(await second.users.checkPassword('ada', first.demoPassword)).not.toBeNull();
    expect(await second.users.checkPassword('grace', 'my own password')).not.toBeNull();
    expect(await second.users.withOwnPassword()).toEqual(['grace']);
    for (const file of ['mfa.key', 'demo-password', 'session.key']) {
      expect(statSync(join(directory, file)).mode & 0o777).toBe(0o600);
    }
    expect(first.warnings.join()).toContain('MFA_KEY is not set');
  });

  it('get another demo password at a restart, except for users who have set their own', async () => {
    const directory = folder();
    await open({}, directory);
    const host = await open({ DEMO_PASSWORD: 'chosen by me' }, directory);
    expect(await host.users.checkPassword('ada', 'chosen by me')).not.toBeNull();
  });

  it('cause an error that says what is wrong with MFA_STORAGE', async () => {
    await expect(open({ MFA_STORAGE: 'oracle://x' })).rejects.toThrow(/MFA_STORAGE must be memory:, file:PATH/);
  });
});

describe('a request that changes something', () => {
  const post = (headers: Record<string, string>): boolean =>
    isSameOrigin({ method: 'POST', headers: { host: 'a.example', ...headers } });

  it('must come from a page of this origin, or not from a browser', () => {
    expect(post({})).toBe(true);
    expect(post({ 'sec-fetch-site': 'same-origin', origin: 'https://a.example' })).toBe(true);
    expect(post({ origin: 'https://a.example' })).toBe(true);
    expect(post({ 'sec-fetch-site': 'cross-site' })).toBe(false);
    expect(post({ 'sec-fetch-site': 'same-site' })).toBe(false);
    expect(post({ origin: 'https://b.example' })).toBe(false);
    expect(post({ origin: 'null' })).toBe(false);
  });
});
