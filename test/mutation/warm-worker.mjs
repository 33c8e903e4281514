import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { startTests } from '@vitest/runner';
import { TestRunner } from 'vitest';

/** What Stryker's mutated sources read: the active mutant, and how often its code was reached. */
globalThis.__stryker__ ??= {};
const stryker = globalThis.__stryker__;
const SLOW_MS = 100;
/** A test that computes longer is a property over thousands of cases. It is skipped, because each survivor would cost that time. */
const TOO_LONG_MS = 1000;
/** A file in Stryker's sandbox, which all its processes share. */
const KNOWN = 'known-tests.json';

/** Vitest creates this for the worker. Instead of running a test file it answers requests of runner.mjs until it is stopped. */
export default class WarmWorker extends TestRunner {
  #channel = new BroadcastChannel('mutants');
  /** By Vitest's test id: the file, and the elapsed and computing milliseconds without a mutant. */
  #known = new Map();

  async importFile() {
    const stopped = new Promise((resolve) => {
      this.#channel.onmessage = async ({ data }) => {
        if (data.kind === 'stop') return resolve();
        try {
          const result = data.kind === 'dry-run' ? await this.#dryRun(data.files) : await this.#mutantRun(data);
          this.#channel.postMessage({ kind: 'answer', result });
        } catch (error) {
          this.#channel.postMessage({ kind: 'answer', error: String(error?.stack ?? error) });
        }
      };
    });
    this.#channel.postMessage({ kind: 'ready' });
    await stopped;
    this.#channel.close();
  }

  async #dryRun(files) {
    stryker.activeMutant = undefined;
    await this.#loadSources();
    const tests = [];
    for (const file of files) {
      const run = await this.#run({ filepath: file }, { bail: false });
      if (run.broken) return { status: 'error', errorMessage: `${file}: ${run.broken}` };
      tests.push(...run.tests);
    }
    await writeFile(KNOWN, JSON.stringify([...this.#known]));
    const { static: whileLoading = {}, perTest = {} } = stryker.mutantCoverage ?? {};
    return { status: 'complete', tests, mutantCoverage: { static: { ...whileLoading }, perTest: structuredClone(perTest) } };
  }

  /**
   * Loads lazy modules first. Otherwise the first test that needs one would load it, only that test would count as reaching its
   * top-level code, and the code would already have run when a mutant is tested.
   */
  async #loadSources() {
    const folder = path.join(this.config.root, 'packages/core/src', process.env.MFA_KIT_MUTANT_FOLDER);
    const files = await readdir(folder, { recursive: true });
    for (const file of files.filter((name) => name.endsWith('.ts'))) await this.moduleRunner.import(path.join(folder, file));
  }

  async #mutantRun({ id, tests, hitLimit, reload }) {
    // The process that tests a mutant may not be the one of the first run.
    if (this.#known.size === 0) this.#known = new Map(JSON.parse(await readFile(KNOWN, 'utf8')));
    const first = await this.#judge({ id, tests, hitLimit, reload });
    if (first.status !== 'killed' || (await this.#passes(first.killedBy[0]))) return first;
    // State that an earlier mutant left in a module must not count against this one.
    const again = await this.#judge({ id, tests, hitLimit, reload: true });
    if (again.status !== 'killed' || (await this.#passes(again.killedBy[0]))) return again;
    return { status: 'error', errorMessage: `fails without a mutant too: ${again.failureMessage}` };
  }

  async #judge({ id, tests, hitLimit, reload }) {
    if (reload) {
      this.#forgetModules();
      stryker.activeMutant = id;
    }
    Object.assign(stryker, { hitCount: 0, hitLimit });
    let ran = 0;
    try {
      for (const batch of this.#batches(tests)) {
        const run = await this.#run(batch, { bail: true, mutant: id });
        if (stryker.hitCount > hitLimit)
          return { status: 'timeout', reason: `Hit limit reached (${stryker.hitCount}/${hitLimit})` };
        ran += run.tests.length;
        const failed = run.tests.find((test) => test.status === 1);
        if (failed) return { status: 'killed', killedBy: [failed.id], failureMessage: failed.failureMessage, nrOfTests: ran };
        if (run.broken) return { status: 'killed', killedBy: [batch.testIds[0]], failureMessage: run.broken, nrOfTests: ran };
      }
    } finally {
      stryker.activeMutant = undefined;
      if (reload) this.#forgetModules();
    }
    return { status: 'survived', nrOfTests: ran };
  }

  async #passes(testId) {
    Object.assign(stryker, { activeMutant: undefined, hitLimit: undefined });
    const run = await this.#run({ filepath: this.#known.get(testId).file, testIds: [testId] }, { bail: true });
    return !run.broken && run.tests.every((test) => test.status !== 1);
  }

  /** Fast tests first, and the fastest file first, because any test that reaches a mutant kills most of them. */
  #batches(tests) {
    const batches = new Map();
    for (const id of tests ?? [...this.#known.keys()]) {
      const { file, took, computed } = this.#known.get(id);
      if (computed > TOO_LONG_MS) continue;
      const key = `${took > SLOW_MS} ${file}`;
      const batch = batches.get(key) ?? { filepath: file, testIds: [], took: 0 };
      batch.testIds.push(id);
      batch.took += took;
      batches.set(key, batch);
    }
    return [...batches.values()].sort((a, b) => a.took - b.took);
  }

  async #run(specification, { bail, mutant }) {
    const inner = new Inner(this, { bail, mutant });
    const [file] = await startTests([specification], inner);
    const broken = file.result?.errors?.[0]?.message;
    for (const { id, timeSpentMs, computed } of inner.finished) {
      if (!this.#known.has(id)) this.#known.set(id, { file: file.filepath, took: timeSpentMs, computed });
    }
    return { tests: inner.finished, broken };
  }

  #forgetModules() {
    const { evaluatedModules } = this.workerState;
    for (const module of evaluatedModules.idToModuleMap.values()) {
      if (!module.id.includes('/node_modules/') && module.id.startsWith(this.config.root))
        evaluatedModules.invalidateModule(module);
    }
  }
}

/** Runs test files in the worker without notifying Vitest's main process. A file is loaded again, but not its imports. */
class Inner extends TestRunner {
  finished = [];
  #given;
  #before;

  constructor(worker, given) {
    super(worker.config);
    this.#given = given;
    this.moduleRunner = worker.moduleRunner;
    this.__setTraces(worker._otel);
  }

  importFile(filepath) {
    const module = this.workerState.evaluatedModules.getModuleById(filepath);
    if (module) this.workerState.evaluatedModules.invalidateModule(module);
    return this.moduleRunner.import(filepath);
  }

  onCleanupWorkerContext() {}

  async onBeforeRunSuite(suite) {
    await super.onBeforeRunSuite(suite);
    if ('filepath' in suite) stryker.activeMutant = this.#given.mutant;
  }

  async onBeforeRunTask(test) {
    await super.onBeforeRunTask(test);
    stryker.currentTestId = test.id;
    this.#before = process.cpuUsage();
  }

  onAfterRunTask(test) {
    super.onAfterRunTask(test);
    stryker.currentTestId = undefined;
    const { state, duration = 0, errors } = test.result ?? {};
    if (state !== 'pass' && state !== 'fail') return;
    const failed = state === 'fail';
    const { user, system } = process.cpuUsage(this.#before);
    const computed = (user + system) / 1000;
    const name = [test.name];
    for (let suite = test.suite; suite; suite = suite.suite) name.unshift(suite.name);
    const told = { id: test.id, name: name.join(' '), fileName: test.file.filepath, timeSpentMs: duration, computed };
    this.finished.push({
      ...told,
      status: failed ? 1 : 0,
      ...(failed ? { failureMessage: errors?.[0]?.message ?? 'failed' } : {}),
    });
    if (failed && this.#given.bail) this.cancelRun = true;
  }

  async onAfterRunSuite(suite) {
    if ('filepath' in suite) await this.snapshotClient.finish(suite.filepath);
  }
}
