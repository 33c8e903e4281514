import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const VALGRIND = ['--tool=callgrind', '--callgrind-out-file=/dev/null'];
// Interpreted only, because what V8 compiles, and when, differs from run to run.
const NODE = ['--jitless', '--predictable', '--hash-seed=1', '--random-seed=1', '--no-warnings'];
/** Cheap calls run more often, because two runs differ by several hundred thousand instructions. */
const SIDES = [
  { side: 'verify', name: 'verify a right code and remember the device', count: 100 },
  { side: 'guard', name: 'guard that reads the profile', count: 500 },
  { side: 'within', name: 'guard within revocationDelaySeconds', count: 5000 },
  { side: 'otplib', name: "otplib's verifySync, its HMAC in JavaScript", count: 100 },
];

/** Instructions of one call on memory storage: those of `2 * count` calls less those of `count`, so start-up cancels out. */
export async function* measureInstructions() {
  const costs = new Map();
  for (const { side, name, count } of SIDES) {
    const once = await instructionsOf(side, { prepared: 2 * count, calls: count });
    if (once === undefined) {
      console.error('Skipping instructions, because valgrind is missing: apt-get install valgrind');
      return;
    }
    costs.set(name, [((await instructionsOf(side, { prepared: 2 * count, calls: 2 * count })) - once) / count]);
  }
  yield { id: 'instructions', title: 'Instructions of one call, interpreted, on memory storage', costs, goals: [] };
}

async function instructionsOf(side, { prepared, calls }) {
  const program = fileURLToPath(new URL('./instructions-of.mjs', import.meta.url));
  try {
    const given = [...VALGRIND, process.execPath, ...NODE, program, side, String(prepared), String(calls)];
    const { stderr } = await run('valgrind', given);
    return Number(/Collected : (\d+)/.exec(stderr)[1]);
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}
