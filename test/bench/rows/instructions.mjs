import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const VALGRIND = ['--tool=callgrind', '--callgrind-out-file=/dev/null'];
// Interpreted, and without what differs from run to run: what V8 compiles, and when, is not repeatable.
const NODE = ['--jitless', '--predictable', '--hash-seed=1', '--random-seed=1', '--no-warnings'];
const SIDES = {
  verify: 'verify a right code and remember the device',
  guard: 'guard that reads the profile',
  within: 'guard within revocationDelaySeconds',
  otplib: "otplib's verifySync, for comparison",
};

/** Instructions of one call on memory storage: those of `2 * count` calls less those of `count`, so start-up cancels out. */
export async function* measureInstructions({ count }) {
  const costs = new Map();
  for (const [side, name] of Object.entries(SIDES)) {
    const once = await instructionsOf(side, count, count);
    if (once === undefined) {
      console.error('Instructions are left out: apt-get install valgrind');
      return;
    }
    costs.set(name, [((await instructionsOf(side, count, 2 * count)) - once) / count]);
  }
  yield { id: 'instructions', title: 'Instructions of one call, interpreted, on memory storage', costs, goals: [] };
}

async function instructionsOf(side, count, calls) {
  const program = fileURLToPath(new URL('./instructions-of.mjs', import.meta.url));
  try {
    const { stderr } = await run('valgrind', [
      ...VALGRIND,
      process.execPath,
      ...NODE,
      program,
      side,
      String(2 * count),
      String(calls),
    ]);
    return Number(/Collected : (\d+)/.exec(stderr)[1]);
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}
