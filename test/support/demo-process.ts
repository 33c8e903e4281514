import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, rmdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from './free-port.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const mainOf = (folder: DemoFolder): string => join(root, 'examples', folder, 'dist/main.js');

/** The folders of the examples with pages. */
export type DemoFolder = 'express-passport' | 'nest';

/** The built example in its own process. */
export interface DemoProcess {
  origin: string;
  /** Its working directory, where it stores its files. */
  folder: string;
  /** Everything that it has written to stdout and stderr. */
  output(): string;
  /** Ends the process and starts it again on the same data. */
  restart(): Promise<void>;
  /** Runs `reset NAME` while it runs. */
  reset(username: string): Promise<string>;
  stop(): Promise<void>;
}

/** Builds the example if necessary and starts it on a free port, in its own folder. */
export async function startDemoProcess(
  env: Record<string, string> = {},
  example: DemoFolder = 'express-passport',
): Promise<DemoProcess> {
  await buildExample(example);
  const main = mainOf(example);
  const folder = await mkdtemp(join(tmpdir(), 'mfa-kit-process-'));
  const port = await freePort();
  const childEnv = { PATH: process.env.PATH, HOME: folder, PORT: String(port), ...env };
  let output = '';
  let child: ChildProcess;

  const start = async (): Promise<void> => {
    const before = output.length;
    child = spawn(process.execPath, [main], { cwd: folder, env: childEnv, stdio: ['ignore', 'pipe', 'pipe'] });
    const collect = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    child.stdout?.on('data', collect);
    child.stderr?.on('data', collect);
    await answering(`http://localhost:${port}/healthz`, child, () => output.slice(before)).catch(async (error: unknown) => {
      await end();
      throw error;
    });
  };
  const end = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  };

  await start();
  return {
    origin: `http://localhost:${port}`,
    folder,
    output: () => output,
    async restart() {
      await end();
      await start();
    },
    async reset(username) {
      const command = promisify(execFile)(process.execPath, [main, 'reset', username], { cwd: folder, env: childEnv });
      // A refusal exits with another code, and the caller wants its message.
      const { stdout, stderr } = await command.catch((error: { stdout: string; stderr: string }) => error);
      return stdout + stderr;
    },
    async stop() {
      await end();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The last part of the start message, which ends with an empty line. */
const WELCOME = /\n {2}Data {9}.*?\n\n/s;

const built = new Map<DemoFolder, Promise<void>>();

/** Builds each example once per test process, and one at a time on this machine, because two compilers would write the same files. */
export function buildExample(example: DemoFolder): Promise<void> {
  const building =
    built.get(example) ??
    withLock(async () => {
      const tsc = join(root, 'node_modules/typescript/bin/tsc');
      await promisify(execFile)(process.execPath, [tsc, '-b', join('examples', example)], { cwd: root });
      await promisify(execFile)(process.execPath, [join(root, 'packages/bundle.mjs')]);
    });
  built.set(example, building);
  return building;
}

async function withLock(work: () => Promise<void>): Promise<void> {
  const lock = join(root, 'node_modules/.mfa-kit-build-lock');
  for (;;) {
    try {
      await mkdir(lock);
      break;
    } catch {
      // A lock older than a minute was left by an aborted run.
      const age = await stat(lock).then(
        ({ mtimeMs }) => Date.now() - mtimeMs,
        () => 0,
      );
      if (age > 60_000) await rmdir(lock).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  try {
    await work();
  } finally {
    await rmdir(lock);
  }
}

/** The example answers requests before it has checked its storage and written the start message, so this waits for both. */
async function answering(url: string, child: ChildProcess, output: () => string): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt += 1) {
    if (child.exitCode !== null) throw new Error(`The example ended with code ${child.exitCode}:\n${output()}`);
    const response = await fetch(url).catch(() => null);
    if (response?.ok && WELCOME.test(output())) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`The example did not answer and write its start message within 60 s:\n${output()}`);
}
