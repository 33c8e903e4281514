import { fileURLToPath } from 'node:url';
import { commonTokens, declareClassPlugin, PluginKind, tokens } from '@stryker-mutator/api/plugin';
import { createVitest } from 'vitest/node';

/**
 * Stryker's own runner for Vitest reloads every test file and every source for each mutant, which takes two seconds for a test of
 * ten milliseconds. Here one worker keeps them loaded (see warm-worker.mjs) and gets its requests over a channel.
 */
class WarmRunner {
  static inject = tokens(commonTokens.options);
  #vitest;
  #channel = new BroadcastChannel('mutants');
  #waiting;

  constructor(options) {
    this.options = options;
  }

  capabilities() {
    return { reloadEnvironment: true };
  }

  async init() {
    this.#channel.onmessage = ({ data }) => this.#waiting?.(data);
    const ready = this.#answer('ready');
    this.#vitest = await createVitest('test', {
      config: this.options.vitest.configFile,
      runner: fileURLToPath(new URL('warm-worker.mjs', import.meta.url)),
      pool: 'threads',
      isolate: false,
      maxWorkers: 1,
      watch: false,
      reporters: [{}],
      onConsoleLog: () => false,
    });
    this.files = (await this.#vitest.globTestSpecifications()).map((specification) => specification.moduleId);
    // The worker gets one file as its task and finishes it only when this process ends.
    this.#vitest.start([this.files[0]]).catch((error) => this.#waiting?.({ kind: 'ready', error: String(error) }));
    await ready;
  }

  dryRun() {
    return this.#ask({ kind: 'dry-run', files: this.files });
  }

  mutantRun({ activeMutant, testFilter, hitLimit, mutantActivation }) {
    const reload = mutantActivation === 'static';
    return this.#ask({ kind: 'mutant', id: activeMutant.id, tests: testFilter, hitLimit, reload });
  }

  async dispose() {
    this.#channel.postMessage({ kind: 'stop' });
    this.#channel.close();
    await this.#vitest?.close();
  }

  async #ask(question) {
    const answer = this.#answer('answer');
    this.#channel.postMessage(question);
    return (await answer).result;
  }

  #answer(kind) {
    return new Promise((resolve, reject) => {
      this.#waiting = (data) => {
        if (data.error) reject(new Error(data.error));
        else if (data.kind === kind) resolve(data);
      };
    });
  }
}

export const strykerPlugins = [declareClassPlugin(PluginKind.TestRunner, 'warm', WarmRunner)];
