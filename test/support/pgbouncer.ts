import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { freePort } from './free-port.js';
import { requireProgram } from './requires.js';

export interface RunningPgBouncer {
  /** The URL of the same database, through the pooler. */
  connectionString: string;
  stop(): Promise<void>;
}

/** The path of `pgbouncer`; null if it is missing. Debian installs it outside the PATH of users. */
export function requirePgBouncer(): string | null {
  process.env.PATH = [process.env.PATH, '/usr/sbin'].join(delimiter);
  return requireProgram('pgbouncer', 'apt-get install pgbouncer');
}

/** The version of the program, for example `PgBouncer 1.18.0`. */
export function pgBouncerVersion(path: string): string {
  return /PgBouncer [\d.]+/.exec(execFileSync(path, ['--version'], { encoding: 'utf8' }))?.[0] ?? 'PgBouncer';
}

/** Starts PgBouncer in transaction mode for a database, with so many connections to it. */
export async function startPgBouncer(path: string, connectionString: string, connections: number): Promise<RunningPgBouncer> {
  const server = new URL(connectionString);
  const folder = mkdtempSync(join(tmpdir(), 'mfa-kit-pgbouncer-'));
  chmodSync(folder, 0o755);
  const port = await freePort();
  const file = join(folder, 'pgbouncer.ini');
  const user = `user=${server.username} password=${server.password}`;
  const settings = [
    '[databases]',
    `* = host=127.0.0.1 port=${server.port} ${user}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = any',
    'pool_mode = transaction',
    `default_pool_size = ${connections}`,
  ];
  writeFileSync(file, settings.join('\n'));
  // It does not run as root.
  const child = spawn(path, [...(process.getuid?.() === 0 ? ['-u', 'nobody'] : []), file], { stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', resolve));

  server.port = String(port);
  for (let attempt = 1; ; attempt++) {
    const client = new pg.Client({ connectionString: server.href });
    try {
      await client.connect();
      await client.end();
      break;
    } catch (error) {
      if (attempt === 100) throw new Error('PgBouncer did not start', { cause: error });
      await sleep(50);
    }
  }
  return {
    connectionString: server.href,
    async stop() {
      child.kill();
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
