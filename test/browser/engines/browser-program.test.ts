import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { GUARD, startProgram } from './browser-program.js';

const shell = (script: string): [string, string[]] => ['/bin/sh', ['-c', script]];
// The program, and another one that it starts.
const TWO = 'sleep 100 & echo "ready $$ $!"; wait';

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('a program of a browser suite', () => {
  it('ends with everything that it started', async () => {
    const { said, stop } = await startProgram(...shell(TWO), { ready: /^ready (.*)$/m });
    const pids = said.split(' ').map(Number);
    expect(pids.map(isAlive)).toEqual([true, true]);
    await stop();
    await expect.poll(() => pids.map(isAlive)).toEqual([false, false]);
  });

  it('reports the output if it ends before it is ready', async () => {
    await expect(startProgram(...shell('echo no display; exit 3'), { ready: /^never$/ })).rejects.toThrow(
      /has ended: no display\s+ended with code 3/,
    );
  });

  it('ends when the process that started it is killed', async () => {
    // A process that holds the input of the guard open, as startProgram does, and is then killed.
    const holder = spawn(process.execPath, [
      '-e',
      `const { spawn } = require('node:child_process');
       const child = spawn('/bin/sh', ['-c', ${JSON.stringify(GUARD)}, '/bin/sh', '-c', ${JSON.stringify(TWO)}], { stdio: ['pipe', 'inherit', 'inherit'], detached: true });
       setInterval(() => child.stdin, 1000);`,
    ]);
    const [chunk] = (await once(holder.stdout, 'data')) as [Buffer];
    const pids = String(chunk).trim().split(' ').slice(1).map(Number);
    expect(pids.map(isAlive)).toEqual([true, true]);
    holder.kill('SIGKILL');
    await expect.poll(() => pids.map(isAlive)).toEqual([false, false]);
  });
});
