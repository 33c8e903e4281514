import { expect, it } from 'vitest';
import { codeAt, requireOathtool } from '../support/authenticator.js';
import { startDemoProcess } from '../support/demo-process.js';
import { postgresDatabase } from '../support/postgres.js';
import { ROUNDS } from '../support/proof.js';
import { describeWith } from '../support/requires.js';
import { scriptedClient } from '../support/scripted-client.js';
import { expectStatus } from '../support/scripted-journey.js';

describeWith(requireOathtool(), 'the example as started by a person', () => {
  const onSqlite = [
    { example: 'express-passport', storage: 'SQLite by default', framework: 'Express' },
    { example: 'nest', storage: 'SQLite by default', framework: 'Nest on Express' },
  ] as const;
  const onPostgres = [
    { example: 'express-passport', storage: 'PostgreSQL', framework: 'Express' },
    { example: 'nest', storage: 'PostgreSQL', framework: 'Nest on Fastify', env: { PLATFORM: 'fastify' } },
  ] as const;

  // One on each storage. The others run with `npm run prove`.
  it.each(ROUNDS > 2 ? [...onSqlite, ...onPostgres] : [onSqlite[0], onPostgres[1]])(
    'prints what to do, survives a restart, and resets a user: $framework, $storage',
    async ({ example, storage, framework, ...given }) => {
      const database = storage === 'PostgreSQL' ? await postgresDatabase() : undefined;
      if (database === null) return;
      const env = { ...('env' in given && given.env), ...(database && { MFA_STORAGE: database.connectionString }) };
      const demo = await startDemoProcess(env, example);
      try {
        expect(demo.output()).toContain(`(${framework})`);
        const [, password = ''] = /Password {5}(\S+)/.exec(demo.output()) ?? [];
        expect(demo.output()).toContain(demo.origin);
        expect(demo.output()).toContain('MFA_KEY is not set');
        expect(demo.output()).not.toContain('postgres:postgres');

        const client = scriptedClient(demo.origin);
        expectStatus(await client.post('/login', { username: 'ada', password }), 200);
        const { body } = expectStatus(await client.post('/mfa/enroll'), 201);
        const code = await codeAt(String(body.manualKey), Date.now());
        expectStatus(
          await client.post('/mfa/enroll/confirm', { enrollmentId: body.enrollmentId, code, rememberDevice: true }),
          200,
        );

        await demo.restart();
        expectStatus(await client.get('/cases'), 200);
        await client.post('/logout');
        expect((await client.post('/login', { username: 'ada', password })).body.access).toBe('allow');

        expect(await demo.reset('nobody')).toContain('nobody is called "nobody"');
        expect(await demo.reset('ada')).toContain('sets up MFA again');
        expect((await client.get('/cases')).status).toBeGreaterThanOrEqual(400);
        expect((await client.post('/login', { username: 'ada', password })).body.access).toBe('enroll');
        expect(demo.output()).not.toContain('Error');
      } finally {
        await demo.stop();
        await database?.drop();
      }
    },
    // Starting it waits for the tests that build packages.
    180_000,
  );
});
