import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { postgresUrl } from './postgres.js';
import { startPostgres } from './postgres-server.js';
import { describeWith } from './requires.js';

const url = await postgresUrl();

describeWith(url, 'a PostgreSQL of its own', () => {
  it('keeps what was committed over a crash and a stop, on the same port', async () => {
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

describe('the PostgreSQL of the run', () => {
  it('is one, whoever asks', async () => expect(await postgresUrl()).toBe(url));
});
