import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export interface RunningProgram {
  /** What it said when it was ready: the first group of the pattern, if there is one. */
  said: string;
  stop(): Promise<void>;
}

/** How a program shows that it is ready: by what it writes, or by an answer. */
export type Ready = RegExp | (() => Promise<boolean>);

const PATIENCE = 30_000;

/**
 * Starts a program and waits until it is ready. It leads a group of processes of its own, which ends as a whole: by `stop`, or with
 * this process.
 */
export async function startProgram(
  path: string,
  args: string[],
  { ready, env }: { ready: Ready; env?: Record<string, string> },
): Promise<RunningProgram> {
  const child = spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, env: { ...process.env, ...env } });
  const endWithUs = (): void => endGroup(child);
  process.once('exit', endWithUs);
  let output = '';
  let failed: Error | undefined;
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += String(chunk)));
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      failed = error;
      resolve();
    });
    child.once('exit', (code) => {
      failed ??= new Error(`${path} ended with code ${code}`);
      resolve();
    });
  });
  const stop = async (): Promise<void> => {
    endGroup(child);
    await ended;
    process.removeListener('exit', endWithUs);
  };

  const end = performance.now() + PATIENCE;
  while (!failed && performance.now() < end) {
    const match = ready instanceof RegExp ? ready.exec(output) : (await ready()) && [];
    if (match) return { said: match[1] ?? '', stop };
    await sleep(20);
  }
  await stop();
  throw new Error(`${failed?.message ?? `${path} was not ready within ${PATIENCE / 1000} s`}: ${output.slice(-2000)}`, {
    cause: failed,
  });
}

function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // All of them have ended.
  }
}
