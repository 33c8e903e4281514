import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { Walked } from '@mfa-kit/core';
import { afterAll, expect, it } from 'vitest';
import { compileCore } from '../races/processes.js';
import { postgresDatabase } from '../support/postgres.js';

interface Measured {
  method: string;
  seconds: number;
  /** The memory of this process, without that of the database. */
  cpuSeconds: number;
  /** Bytes in use after garbage collection, measured ten times during the walk. */
  heap: number[];
  rss: number;
  events: number;
  walked: Walked;
}

const SIZES = (process.env.MFA_KIT_PROFILES ?? '10000,1000000').split(',').map(Number);
const METHODS = (process.env.MFA_KIT_WALKS ?? 'report,rotateKeys,afterRestore').split(',');
const MEGABYTE = 1024 * 1024;

const database = await postgresDatabase();
if (database === null) throw new Error('the walks are measured on PostgreSQL, which did not start');
afterAll(() => database.drop());

it('walks need no more memory for a million profiles than for ten thousand', async () => {
  const core = await compileCore('scale');
  const lines: string[] = [];
  const grown: number[] = [];
  for (const size of SIZES) {
    await run(core, 'fill', size);
    for (const method of METHODS) {
      const measured = await run(core, method, size);
      expect(measured?.walked).toMatchObject({ complete: true, users: size, failed: { count: 0 }, unreadable: { count: 0 } });
      const { seconds, cpuSeconds, heap, rss, events } = measured as Measured;
      const first = heap[0] ?? 0;
      grown.push((heap.at(-1) ?? 0) - first);
      lines.push(
        [
          method.padEnd(12),
          String(size).padStart(9),
          `${seconds.toFixed(1)} s`.padStart(10),
          `cpu ${cpuSeconds.toFixed(1)} s`.padStart(12),
          `${Math.round(size / seconds)} a second`.padStart(16),
          `heap ${heap.map((bytes) => (bytes / MEGABYTE).toFixed(1)).join(' ')} MB`,
          `most resident ${Math.round(rss / MEGABYTE)} MB`,
          `${events} events`,
        ].join('  '),
      );
      process.stdout.write(`${lines.at(-1)}\n`);
    }
  }
  // A walk keeps some hundred ids in memory; the rest is noise of the runtime.
  for (const bytes of grown) expect(bytes).toBeLessThan(4 * MEGABYTE);
});

function run(core: string, job: string, count: number): Promise<Measured | undefined> {
  const child = fork(join(import.meta.dirname, 'walker.mjs'), [core, database?.connectionString ?? '', job, String(count)], {
    execArgv: ['--expose-gc'],
  });
  return new Promise((resolve, reject) => {
    let measured: Measured | undefined;
    child.on('message', (message: Measured | { progress: object }) => {
      if ('progress' in message) process.stderr.write(`${job} ${JSON.stringify(message.progress)}\n`);
      else measured = message;
    });
    child.on('exit', (code) => (code === 0 ? resolve(measured) : reject(new Error(`${job} over ${count} ended with ${code}`))));
  });
}
