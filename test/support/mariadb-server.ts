import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import mysql from 'mysql2/promise';
import { freePort } from './free-port.js';

export interface RunningMariadb {
  port: number;
  url: string;
  /** Stops the server and keeps the data. `kill` acts like a crash, without closing connections. */
  halt(how?: 'fast' | 'kill'): Promise<void>;
  /** Starts it again on the same port, with the same data. */
  resume(): Promise<void>;
  /** Stops it and deletes the data. */
  stop(): Promise<void>;
}

/** Starts a separate MariaDB on a free port, with its data in a temporary folder. The error says what is missing. */
export async function startMariadb({ flags = [] }: { flags?: string[] } = {}): Promise<RunningMariadb> {
  const install = programPath('mariadb-install-db');
  const mariadbd = programPath('mariadbd');
  const folder = mkdtempSync(join(tmpdir(), 'mfa-kit-mariadb-'));
  const data = join(folder, 'data');
  const port = await freePort();
  const url = `mysql://root@127.0.0.1:${port}/mysql`;
  const asRoot = process.getuid?.() === 0 ? ['--user=root'] : [];
  await promisify(execFile)(install, [
    '--no-defaults',
    ...asRoot,
    `--datadir=${data}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
    '--skip-name-resolve',
  ]);

  function launch() {
    const args = [
      '--no-defaults',
      ...asRoot,
      `--datadir=${data}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      `--socket=${join(folder, 'socket')}`,
      `--pid-file=${join(folder, 'pid')}`,
      '--skip-name-resolve',
      '--max-connections=500',
      '--innodb-buffer-pool-size=64M',
      ...flags,
    ];
    const child = spawn(mariadbd, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const log: string[] = [];
    child.stderr.on('data', (chunk: Buffer) => log.push(String(chunk)));
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    return { child, log, ended };
  }

  let running = launch();

  async function ready() {
    for (let attempt = 1; ; attempt++) {
      if (running.child.exitCode !== null) throw new Error(`MariaDB ended: ${running.log.join('').slice(-2000)}`);
      try {
        return await (await mysql.createConnection(url)).end();
      } catch (error) {
        if (attempt === 300) throw new Error('MariaDB did not start within 15 s', { cause: error });
        await sleep(50);
      }
    }
  }
  async function halt(how: 'fast' | 'kill' = 'fast') {
    running.child.kill(how === 'kill' ? 'SIGKILL' : 'SIGTERM');
    await running.ended;
  }

  await ready();
  return {
    port,
    url,
    halt,
    async resume() {
      running = launch();
      await ready();
    },
    async stop() {
      await halt();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Debian installs the server outside the PATH of users. */
function programPath(name: string): string {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/bin']) {
    if (existsSync(join(folder, name))) return join(folder, name);
  }
  throw new Error(`${name} is missing: apt-get install mariadb-server`);
}
