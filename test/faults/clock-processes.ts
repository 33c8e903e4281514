import { type ChildProcess, execFile, fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Mfa } from '@mfa-kit/core';
import { KEY, type TestUser } from '../support/core-fixture.js';
import { countFaults, countOperations } from '../support/proof.js';
import { requireProgram } from '../support/requires.js';

type Method = Exclude<keyof Mfa<TestUser>, 'settings' | 'report' | 'rotateKeys' | 'afterRestore'>;
type AnswerOf<M extends Method> = Awaited<ReturnType<Mfa<TestUser>[M]>>;

/** A separate process with its own clock. */
export interface ClockProcess {
  run<M extends Method>(method: M, input: Parameters<Mfa<TestUser>[M]>[0]): Promise<AnswerOf<M>>;
  /** Sets the clock of the running process to an offset from the real time, in milliseconds. */
  setClock(offset: number): void;
  /** Returns the time of its clock, in epoch milliseconds. */
  now(): number;
  stop(): void;
}

const worker = join(dirname(fileURLToPath(import.meta.url)), 'clock-worker.mjs');

/** The library that changes clocks; null if `faketime` is missing. */
export async function findFaketime(): Promise<string | null> {
  const program = requireProgram('faketime', 'install faketime, which moves the clock of a process (apt-get install faketime)');
  if (!program) return null;
  const { stdout } = await promisify(execFile)(program, ['-f', '+0s', 'printenv', 'LD_PRELOAD']);
  return stdout.trim();
}

/** Starts core on this database, under a clock that a file moves while it runs. */
export async function startClockProcess(library: string, coreFolder: string, connectionString: string): Promise<ClockProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'mfa-kit-clock-'));
  const file = join(folder, 'clock');
  let offset = 0;
  writeFileSync(file, '+0');
  const child = fork(worker, [coreFolder, connectionString, JSON.stringify(KEY)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: [],
    // Timeouts use the monotonic clock, which stays unchanged.
    env: {
      ...process.env,
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
  });
  await nextMessage(child);
  let last: Promise<unknown> = Promise.resolve();
  return {
    run<M extends Method>(method: M, input: unknown): Promise<AnswerOf<M>> {
      const ask = async () => {
        countOperations();
        child.send({ method, input });
        const { answer, now } = (await nextMessage(child)) as { answer: AnswerOf<M>; now: number };
        if (Math.abs(now - Date.now() - offset) > 5_000)
          throw new Error(`the clock of the process was not moved by ${offset} ms`);
        return answer;
      };
      const told = last.then(ask);
      last = told.catch(() => undefined);
      return told as Promise<AnswerOf<M>>;
    },
    setClock(next) {
      countFaults();
      offset = next;
      writeFileSync(file, `${next < 0 ? '-' : '+'}${Math.abs(next) / 1000}`);
    },
    now: () => Date.now() + offset,
    stop() {
      child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function nextMessage(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: unknown) => {
      child.off('exit', onExit);
      resolve(message);
    };
    const onExit = () => {
      child.off('message', onMessage);
      reject(new Error('a process of the clocks ended'));
    };
    child.once('message', onMessage).once('exit', onExit);
  });
}
