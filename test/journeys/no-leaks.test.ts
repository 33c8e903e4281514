import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { expect, it } from 'vitest';
import { codeAt, requireOathtool } from '../support/authenticator.js';
import { STEP } from '../support/demo-app.js';
import { type DemoProcess, startDemoProcess } from '../support/demo-process.js';
import { postgresDatabase } from '../support/postgres.js';
import { describeWith } from '../support/requires.js';
import { scriptedClient } from '../support/scripted-client.js';
import { expectStatus, logIn } from '../support/scripted-journey.js';
import { base32Secret, findSecrets, type Secret, textSecret } from '../support/secret-search.js';

const password = 'correct horse battery';

describeWith(requireOathtool(), 'a dump of everything that is stored or written contains no secret', () => {
  it.each(['express-passport', 'nest'] as const)(
    'on SQLite: examples/%s',
    async (example) => {
      const env = { DEMO_PASSWORD: password, MFA_EVENTS: '1', PLATFORM: 'fastify' };
      const demo = await startDemoProcess(env, example);
      try {
        const { secrets, written } = await walk(demo);
        // While the server runs, so that the write-ahead log is included.
        const folder = join(demo.folder, '.mfa-kit');
        const files = (await readdir(folder)).filter((name) => name.startsWith('demo.sqlite'));
        const dump = Buffer.concat(await Promise.all(files.map((name) => readFile(join(folder, name)))));
        expect(dump.includes('user-ada')).toBe(true);
        expect(dump.includes('demo_sessions')).toBe(true);
        expect(findSecrets(dump, secrets)).toEqual([]);
        expect(findSecrets(written(), secrets)).toEqual([]);
      } finally {
        await demo.stop();
      }
    },
    90_000,
  );

  it('on PostgreSQL', async ({ skip }) => {
    const database = await postgresDatabase();
    if (!database) return skip();
    const demo = await startDemoProcess({
      DEMO_PASSWORD: password,
      MFA_EVENTS: '1',
      MFA_STORAGE: database.connectionString,
    });
    try {
      const { secrets, written } = await walk(demo);
      const dump = await dumpTables(database.connectionString);
      expect(dump.includes('user-ada')).toBe(true);
      expect(findSecrets(dump, secrets)).toEqual([]);
      expect(findSecrets(written(), secrets)).toEqual([]);
    } finally {
      await demo.stop();
      await database.drop();
    }
  }, 90_000);
});

/** Runs a whole journey. Returns every secret in it and everything that was written during it. */
async function walk(demo: DemoProcess): Promise<{ secrets: Secret[]; written: () => Buffer }> {
  const client = scriptedClient(demo.origin);
  const secrets: Secret[] = [];
  const keepCookies = (): void => {
    for (const [name, value] of client.cookies) {
      const text = decodeURIComponent(value);
      secrets.push(textSecret(`cookie ${name}`, text));
      // express-session: `s:ID.SIGNATURE`.
      if (name === 'session') secrets.push(textSecret('session id', text.slice(2, text.indexOf('.'))));
    }
  };
  const keepCode = (name: string, code: string): string => {
    secrets.push(textSecret(name, code));
    return code;
  };
  const keepRecoveryCodes = (codes: unknown): string[] => {
    for (const code of codes as string[]) {
      secrets.push(textSecret('recovery code', code), textSecret('recovery code, bare', code.replaceAll('-', '')));
    }
    return codes as string[];
  };

  await client.post('/login', { username: 'ada', password: 'a wrong password' });
  const login = expectStatus(await logIn(client, { password }, 'ada'), 200);
  if (login.body.pendingToken) secrets.push(textSecret('pending token', String(login.body.pendingToken)));
  keepCookies();
  const { body: enrollment } = expectStatus(await client.post('/mfa/enroll'), 201);
  const key = String(enrollment.manualKey).replaceAll(' ', '');
  secrets.push(base32Secret('authenticator key', key), textSecret('key URI', String(enrollment.uri)));
  const { enrollmentId } = enrollment;
  await client.post('/mfa/enroll/confirm', { enrollmentId, code: keepCode('wrong code', '493817') });
  const startedAt = Date.now();
  const code = keepCode('first code', await codeAt(key, startedAt));
  const confirmed = expectStatus(await client.post('/mfa/enroll/confirm', { enrollmentId, code, rememberDevice: true }), 200);
  const [first, second] = keepRecoveryCodes(confirmed.body.recoveryCodes);
  keepCookies();

  await client.post('/logout');
  expect((await logIn(client, { password }, 'ada')).body.access).toBe('allow');
  keepCookies();
  // With the real clock the next code is already within the window.
  const nextCode = keepCode('second code', await codeAt(key, startedAt + STEP));
  expectStatus(await client.post('/mfa/verify', { code: nextCode }), 200);
  await client.post('/mfa/verify', { code: nextCode });
  keepCookies();
  keepRecoveryCodes(expectStatus(await client.post('/mfa/recovery-codes'), 200).body.recoveryCodes);
  expectStatus(await client.post('/password', { current: password, next: keepCode('password', 'another battery staple') }), 200);
  await client.post('/logout');
  await client.post('/login', { username: 'ada', password: 'another battery staple' });
  for (const recoveryCode of [first, second]) await client.post('/mfa/verify', { recoveryCode });
  await client.get(`/mfa/enroll?code=${nextCode}`);
  keepCookies();
  const reset = await demo.reset('ada');
  expect(reset).toContain('sets up MFA again');

  const written = (): Buffer => Buffer.from(demo.output() + reset);
  for (const event of ['login_begun', 'authenticator_enrolled', 'verification_failed', 'device_used', 'mfa_reset']) {
    expect(written().toString(), event).toContain(`"event":"${event}"`);
  }
  return { secrets, written };
}

async function dumpTables(connectionString: string): Promise<Buffer> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string }>(
      `SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.tables WHERE table_schema = 'public'`,
    );
    const parts: string[] = [];
    for (const { name } of rows) {
      const result = await client.query<{ line: string }>(`SELECT t::text AS line FROM ${name} t`);
      parts.push(name, ...result.rows.map(({ line }) => line));
    }
    return Buffer.from(parts.join('\n'));
  } finally {
    await client.end();
  }
}
