import type { Reporter, TestModule, TestRunEndReason } from 'vitest/node';

/** Ends the run with one line for people and scripts: `12 passed, 0 failed`. */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[], reason: TestRunEndReason): void {
    let passed = 0;
    let failed = errors.length;
    for (const module of modules) {
      if (module.errors().length > 0) failed += 1;
      for (const test of module.children.allTests()) {
        const state = test.result().state;
        if (state === 'passed') passed += 1;
        if (state === 'failed') failed += 1;
      }
    }
    if (reason !== 'passed' && failed === 0) failed = 1;
    // After the other reporters, which write their summary in this turn of the event loop.
    setImmediate(() => process.stdout.write(`${passed} passed, ${failed} failed\n`));
  }
}
