import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { createAuthenticator } from '@mfa-kit/core/testing';
import { type Walker, walk } from './walk.js';

const PERIOD = 30_000;
const KEPT_PASSWORD = '.mfa-kit/demo-password';
const demo = process.argv.includes('--demo');
const terminal = createInterface({ input: process.stdin, output: process.stdout });
const names = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));

/** Computes the codes itself. Each works only once, so it uses the code of the next period, or waits for it. */
function virtualCodes(): Walker['code'] {
  let lastPeriod = 0;
  return async (manualKey) => {
    if (manualKey === undefined) {
      throw new Error('This user enrolled earlier. "npm run reset -w examples/bearer-api -- NAME" lets the demo start over.');
    }
    const period = Math.max(Math.floor(Date.now() / PERIOD), lastPeriod + 1);
    // A code is also accepted one period early.
    const wait = (period - 1) * PERIOD - Date.now();
    if (wait > 0) {
      console.log(`  (waiting ${Math.ceil(wait / 1000)} s for the next code)`);
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
    lastPeriod = period;
    return createAuthenticator(manualKey).code(period * PERIOD);
  };
}

async function findPassword(): Promise<string> {
  if (process.env.DEMO_PASSWORD) return process.env.DEMO_PASSWORD;
  if (demo && existsSync(KEPT_PASSWORD)) return readFileSync(KEPT_PASSWORD, 'utf8').trim();
  return terminal.question('Password: ');
}

try {
  await walk({
    origin: process.env.ORIGIN ?? `http://localhost:${process.env.PORT || '3000'}`,
    username: names[0] ?? 'ada',
    password: await findPassword(),
    code: demo ? virtualCodes() : () => terminal.question('  Code: '),
    say: (line) => console.log(line),
  });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  terminal.close();
}
