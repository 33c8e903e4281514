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

/** The input of one process of the race. */
export interface Order {
  method: Method;
  inputs: unknown[];
  /** The clock of the process, in epoch milliseconds. */
  now: number;
  /** Kills the process (SIGKILL) at its n-th storage call. */
  crash?: { at: number; when: 'before' | 'after' };
  /** First leaves every connection of the pool in an open transaction. */
  leaveOpen?: boolean;
}

/** The answers of one process; null if it was killed. */
export interface Told<Answer> {
  answers: Answer[];
  events: MfaEvent[];
  /** The start and end of each call, in milliseconds on the machine's common clock. */
  spans: { invokedAt: number; returnedAt: number }[];
}

export interface RaceProcess {
  run<Answer>(order: Order): Promise<Told<Answer> | null>;
  stop(): void;
}

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const workerFile = join(root, 'test/races/worker.mjs');

/** Compiles core for separate processes, to a folder next to its dependencies. One folder for each test file. */
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

/** Starts a process with the real core on the store at this URL: `postgresql://`, `mysql://`, `redis://` (all nodes of a Cluster). */
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

/** Runs the inputs concurrently, distributed over the processes. Returns answers and spans in the order of the inputs. */
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
