import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { startPostgres } from './postgres-server.js';
import { describeWith } from './requires.js';
import { serverUrl } from './server-url.js';

const url = await serverUrl('postgres');
const root = fileURLToPath(new URL('../..', import.meta.url));
const testThatEndsWith = (code: number) => `import { expect, it } from 'vitest';
it('requires PostgreSQL', async () => {
  await fetch(process.env.MFA_KIT_SERVER_REGISTRY + '/postgres');
  expect(${code}).toBe(0);
});
`;
const RUN = `export default {
  test: {
    include: ['*.test.ts'],
    testTimeout: 50_000,
    globalSetup: [${JSON.stringify(join(root, 'test/support/global-setup.ts'))}],
    reporters: ['default'],
  },
};
`;

describeWith(url, 'a separate PostgreSQL', () => {
  it('keeps committed data over a crash and a stop, on the same port', async () => {
    const server = await startPostgres();
    const ask = async (sql: string) => {
      const client = new pg.Client({ connectionString: server.connectionString });
      client.on('error', () => undefined);
      await client.connect();
      const { rows } = await client.query(sql);
      await client.end();
      return rows;
    };
    try {
      await ask('CREATE TABLE kept (id INTEGER)');
      for (const how of ['kill', 'fast'] as const) {
        await ask('INSERT INTO kept VALUES (1)');
        await server.halt(how);
        await expect(ask('SELECT 1')).rejects.toThrow();
        await server.resume();
      }
      expect(await ask('SELECT id FROM kept')).toHaveLength(2);
    } finally {
      await server.stop();
    }
  });
});

describe('a run that started PostgreSQL', () => {
  it.each([0, 1])(
    'exits with its own code, so that failed tests do not pass: %s',
    async (code) => {
      const folder = mkdtempSync(join(root, 'node_modules/.mfa-kit-exit-'));
      try {
        const test = join(folder, 'fails.test.ts');
        writeFileSync(test, testThatEndsWith(code));
        writeFileSync(join(folder, 'vitest.config.ts'), RUN);
        const env = { ...process.env, MFA_KIT_SERVER_REGISTRY: '', VITEST: '', NODE_ENV: '' };
        const vitest = join(root, 'node_modules/vitest/vitest.mjs');
        const run = promisify(execFile)(process.execPath, [vitest, 'run', '--root', folder], { cwd: folder, env });
        const ended = await run.then(
          ({ stdout }) => ({ code: 0, stdout }),
          (error: { code: number; stdout: string }) => error,
        );
        expect(ended).toMatchObject({ code, stdout: expect.stringContaining(code === 0 ? '1 passed' : '1 failed') });
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
    60_000,
  );
});

describe('the PostgreSQL of the run', () => {
  it('is shared by all test files', async () => expect(await serverUrl('postgres')).toBe(url));
});
