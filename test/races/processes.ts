import { type ChildProcess, execFile, fork } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Mfa, MfaEvent } from '@mfa-kit/core';
import { KEY, type TestUser } from '../support/core-fixture.js';
import { countOperations } from '../support/proof.js';

type Method = Exclude<keyof Mfa<TestUser>, 'settings'>;

/** What one process of the race is told. */
export interface Order {
  method: Method;
  inputs: unknown[];
  /** The clock of the process, in epoch milliseconds. */
  now: number;
  /** Ends the process by SIGKILL at its n-th storage call. */
  crash?: { at: number; when: 'before' | 'after' };
  /** Before that, the application leaves every connection of the pool within a transaction. */
  leaveOpen?: boolean;
}

/** What one process answered; null when it was killed. */
export interface Told<Answer> {
  answers: Answer[];
  events: MfaEvent[];
  /** When each call began and ended, in milliseconds on the clock that all processes of this machine share. */
  spans: { invokedAt: number; returnedAt: number }[];
}

export interface RaceProcess {
  run<Answer>(order: Order): Promise<Told<Answer> | null>;
  stop(): void;
}

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const workerFile = join(root, 'test/races/worker.mjs');

/** Compiles core for processes of its own, to a folder beside the packages that it imports. One folder a test file. */
export async function compileCore(name: string): Promise<string> {
  const folder = join(root, 'node_modules/.cache/mfa-kit-test', name);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  const tsc = createRequire(import.meta.url)
    .resolve('typescript/package.json')
    .replace(/package\.json$/, 'bin/tsc');
  const options = [
    '--composite',
    'false',
    '--incremental',
    'false',
    '--declaration',
    'false',
    '--declarationMap',
    'false',
    '--declarationDir',
    'null',
  ];
  await promisify(execFile)(process.execPath, [tsc, '-p', join(root, 'packages/core'), ...options, '--outDir', folder]);
  return folder;
}

/** Starts a process with the real core on the store at this URL: `postgresql://`, `mysql://`, `redis://` (of a Cluster all nodes). */
export async function startProcess(coreFolder: string, url: string): Promise<RaceProcess> {
  const child = fork(workerFile, [coreFolder, url, JSON.stringify(KEY)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  await nextMessage(child);
  return {
    run<Answer>(order: Order) {
      child.send(order);
      return nextMessage(child) as Promise<Told<Answer> | null>;
    },
    stop: () => child.kill('SIGKILL'),
  };
}

/** Runs the inputs at once, spread over the processes. Answers and spans come in the order of the inputs. */
export async function runAtOnce<Answer>(
  processes: readonly RaceProcess[],
  order: Omit<Order, 'inputs'>,
  inputs: readonly unknown[],
): Promise<Told<Answer>> {
  countOperations(inputs.length);
  const count = processes.length;
  const shares = processes.map((_, index) => inputs.filter((_, position) => position % count === index));
  const told = await Promise.all(processes.map((child, index) => child.run<Answer>({ ...order, inputs: shares[index] ?? [] })));
  const inOrder = <T>(of: (one: Told<Answer>) => T[]): T[] =>
    inputs.map((_, position) => {
      const one = told[position % count];
      if (!one) throw new Error('a process of the race ended');
      return of(one)[Math.floor(position / count)] as T;
    });
  return {
    answers: inOrder(({ answers }) => answers),
    events: told.flatMap((one) => one?.events ?? []),
    spans: inOrder(({ spans }) => spans),
  };
}

function nextMessage(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve) => {
    const onMessage = (message: unknown) => settle(message);
    const onExit = () => settle(null);
    const settle = (value: unknown) => {
      child.off('message', onMessage).off('exit', onExit);
      resolve(value);
    };
    child.on('message', onMessage).on('exit', onExit);
  });
}
