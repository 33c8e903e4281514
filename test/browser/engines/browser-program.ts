import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export interface RunningProgram {
  /** The first group of the pattern in the output that showed it was ready, if there is one. */
  said: string;
  stop(): Promise<void>;
}

/** How a program shows that it is ready: by its output, or by an answer. */
export type Ready = RegExp | (() => Promise<boolean>);

const PATIENCE = 30_000;

/**
 * Runs a program in a process group that ends as a whole, either with the program or when the input of this shell closes. That also
 * happens if the process that holds the input is killed.
 */
export const GUARD = '("$0" "$@" </dev/null; echo "ended with code $?"; kill -KILL -$$) & cat >/dev/null; kill -KILL -$$';

/** Starts a program and waits until it is ready. It ends with `stop`, or with this process, however that ends. */
export async function startProgram(
  path: string,
  args: string[],
  { ready, env }: { ready: Ready; env?: Record<string, string> },
): Promise<RunningProgram> {
  const child = spawn('/bin/sh', ['-c', GUARD, path, ...args], {
    stdio: 'pipe',
    detached: true,
    env: { ...process.env, ...env },
  });
  let output = '';
  let failed: Error | undefined;
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += String(chunk)));
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      failed = error;
      resolve();
    });
    child.once('exit', () => {
      failed ??= new Error(`${path} has ended`);
      resolve();
    });
  });
  const stop = async (): Promise<void> => {
    child.stdin.end();
    await ended;
  };

  const end = performance.now() + PATIENCE;
  while (!failed && performance.now() < end) {
    const match = ready instanceof RegExp ? ready.exec(output) : (await ready()) && [];
    if (match) return { said: match[1] ?? '', stop };
    await sleep(20);
  }
  const cause = failed ?? new Error(`${path} was not ready within ${PATIENCE / 1000} s`);
  await stop();
  throw new Error(`${cause.message}: ${output.slice(-2000)}`, { cause });
}
