import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { createAuthenticator } from '@mfa-kit/core/testing';
import { transform } from 'rolldown/utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { snippetsOf } from '../house/docs.js';
import { root } from '../house/sources.js';
import { KEY, OTHER_KEY } from '../support/core-fixture.js';
import { buildExample } from '../support/demo-process.js';
import { postgresDatabase } from '../support/postgres.js';
import { serverUrl } from '../support/server-url.js';
import { Client, expectStatus } from './client.js';

const snippets = ['README.md', 'packages/core/README.md'].flatMap((file) =>
  snippetsOf({ file, text: readFileSync(path.join(root, file), 'utf8') }),
);
const databases: { drop(): Promise<void> }[] = [];
beforeAll(() => buildExample('express-passport'), 120_000);
afterAll(async () => {
  for (const database of databases) await database.drop();
});

/** The application of the READMEs, exactly as printed, in a separate process that an unhandled rejection would end. */
class Printed {
  origin = '';
  output = '';
  #child: ChildProcess | undefined;

  constructor(
    readonly folder: string,
    readonly databaseUrl: string,
  ) {}

  async start(secret = KEY.secret): Promise<void> {
    const env = { PATH: process.env.PATH, DATABASE_URL: this.databaseUrl, MFA_KEY: secret, SESSION_SECRET: 'cat' };
    const child = fork(path.join(this.folder, 'main.mjs'), { env, execArgv: [], stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (this.output += String(chunk)));
    const [port] = await Promise.race([once(child, 'message'), once(child, 'exit').then(() => [null])]);
    if (typeof port !== 'number') throw new Error(this.output);
    this.origin = `http://127.0.0.1:${port}`;
  }

  get lives(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null;
  }

  /** Starts or ends a fault of the database module. */
  async tell(name: string): Promise<void> {
    const told = once(this.#child as ChildProcess, 'message');
    this.#child?.send(name);
    await told;
  }

  async stop(): Promise<void> {
    if (!this.lives) return;
    const ended = once(this.#child as ChildProcess, 'exit');
    this.#child?.kill('SIGTERM');
    await ended;
  }
}

async function print(version: 4 | 5): Promise<Printed | null> {
  const database = await postgresDatabase();
  if (!database) return null;
  databases.push(database);
  const folder = path.join(root, `test/.readme/express-${version}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(path.join(folder, 'node_modules'), { recursive: true });
  if (version === 4)
    symlinkSync(realpathSync(path.join(root, 'test/node_modules/express4')), path.join(folder, 'node_modules/express'));
  writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }');
  for (const file of ['database.mjs', 'main.mjs'])
    copyFileSync(path.join(root, 'test/express/readme', file), path.join(folder, file));
  writeFileSync(path.join(folder, 'database.js'), "export * from './database.mjs';\n");
  const application = codeWith('const app = express();');
  await write(folder, 'app', `${application}\nexport { app, mfa };\n`);
  await write(folder, 'password', codeWith("app.post('/password'"));
  const { version: installed } = createRequire(path.join(folder, 'main.mjs'))('express/package.json') as { version: string };
  expect(installed).toMatch(new RegExp(`^${version}\\.`));
  return new Printed(folder, database.connectionString);
}

function codeWith(text: string): string {
  const [found, ...more] = snippets.filter(({ code }) => code.includes(text));
  if (!found || more.length > 0) throw new Error(`There is not exactly one code block with ${text} in the READMEs`);
  return found.code;
}

async function write(folder: string, name: string, code: string): Promise<void> {
  writeFileSync(path.join(folder, `${name}.js`), (await transform(`${name}.ts`, code)).code);
}

describe.skipIf((await serverUrl('postgres')) === null).each([4, 5] as const)(
  'the code of the READMEs as printed, on Express %s',
  (version) => {
    let printed: Printed | null = null;
    let proven: Client;
    beforeAll(async () => {
      printed = await print(version);
      await printed?.start();
    });
    afterAll(() => printed?.stop());

    const open = (): Printed => {
      if (!printed) throw new Error('no PostgreSQL');
      return printed;
    };
    const logIn = async (password = 'first', client = new Client(open())) => ({
      client,
      answer: await client.page('POST', '/login', { username: 'ada@example.com', password }),
    });
    /** Access is denied, the process still runs, and it has said why. */
    async function expectDenied(client: Client, said: string): Promise<void> {
      const { status } = await client.get('/cases');
      expect(status).toBeGreaterThanOrEqual(400);
      await expect.poll(() => open().output).toContain(said);
      expect(open().lives).toBe(true);
    }

    it('F38: leads from the password to enrollment, and asks for a fresh code if the route requires it', async () => {
      const { client, answer } = await logIn();
      expect([answer.status, answer.headers.get('location')]).toEqual([303, '/cases']);
      expect((await client.page('GET', '/cases')).headers.get('location')).toBe('/mfa/enroll');
      const started = expectStatus(await client.post('/mfa/enroll', {}), 201);
      const code = createAuthenticator(started.body.uri).code(Date.now());
      expectStatus(await client.post('/mfa/enroll/confirm', { enrollmentId: started.body.enrollmentId, code }), 200);
      expectStatus(await client.get('/cases'), 200);
      expectStatus(await client.post('/payouts'), 201);
      proven = client;
      expect((await logIn('wrong')).answer.status).toBe(401);
    });

    it('F38: survives a user() that fails once at the login', async () => {
      await open().tell('user');
      const { client, answer } = await logIn();
      expect(answer.status).toBe(500);
      await expectDenied(client, 'The option "user" threw. The request was denied');
      expect((await logIn()).answer.status).toBe(303);
    });

    it('F38, F37: denies if the storage is down', async () => {
      await open().tell('away');
      const { client, answer } = await logIn();
      expect([answer.status, answer.headers.get('location')]).toEqual([303, '/cases']);
      await expectDenied(client, 'The database cannot be reached');
      expect((await client.get('/cases')).status).toBe(503);
      await open().tell('back');
      expect((await client.get('/cases')).status).toBe(401);
    });

    it('F38, F37: denies if the table is missing', async () => {
      await open().tell('no table');
      const { client } = await logIn();
      await expectDenied(client, 'The table does not exist. Create the table');
      await open().tell('table');
    });

    it('F38: survives a user() that fails once during a password change', async () => {
      await open().tell('user after the guard');
      expect((await proven.page('POST', '/password', { next: 'second' })).status).toBe(500);
      expect(open().lives).toBe(true);
      expect((await logIn('second')).answer.status).toBe(401);
      expect((await proven.page('POST', '/password', { next: 'second' })).headers.get('location')).toBe('/account');
      expectStatus(await proven.get('/cases'), 200);
      expect((await logIn('first')).answer.status).toBe(401);
    });

    it('F38, F37: denies if the key has changed', async () => {
      await open().stop();
      await open().start(OTHER_KEY.secret);
      const { client } = await logIn('second');
      await expectDenied(client, 'the secret of that key was changed');
    });
  },
);
