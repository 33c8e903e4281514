import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** What the model reported for a core with a bug. */
export interface Verdict {
  passed: number;
  /** One message for each test that failed. */
  failures: string[];
}

interface Json {
  numPassedTests: number;
  testResults: { message: string; assertionResults: { status: string; failureMessages: string[] }[] }[];
}

const folder = path.dirname(fileURLToPath(import.meta.url));
const root = path.join(folder, '../../..');
const files = ['test/model/regressions.test.ts', 'test/model/sequences.test.ts', 'test/model/interleavings.test.ts'];

/** Runs the tests of the model in memory on core with this bug. */
export async function runWithBug(name: string): Promise<Verdict> {
  const vitest = path.join(path.dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
  const config = path.join(folder, 'vitest.config.ts');
  const env = { ...process.env, MFA_KIT_SEEDED_BUG: name, MFA_KIT_ROUNDS: '15', VITEST: undefined, NODE_OPTIONS: undefined };
  const output = await new Promise<string>((resolve) => {
    const given = { cwd: root, env, maxBuffer: 64 * 1024 * 1024 };
    execFile(process.execPath, [vitest, 'run', '--config', config, '--bail', '1', ...files], given, (_failed, stdout) =>
      resolve(stdout),
    );
  });
  const json = JSON.parse(output.slice(output.indexOf('{"numTotalTestSuites"'), output.lastIndexOf('}') + 1)) as Json;
  const unloaded = json.testResults.find(({ assertionResults, message }) => assertionResults.length === 0 && message !== '');
  if (unloaded) throw new Error(`core with the bug does not load: ${unloaded.message}`);
  const failed = json.testResults.flatMap(({ assertionResults }) => assertionResults.filter(({ status }) => status === 'failed'));
  return { passed: json.numPassedTests, failures: failed.map(({ failureMessages }) => failureMessages.join('\n')) };
}
