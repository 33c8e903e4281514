import { timers } from '../../packages/core/src/time.js';

/**
 * Import it in tests that control the deadlines of the kit. The kit then uses the current timer functions, which may be fake.
 * Otherwise it uses the ones from when it was loaded.
 */
Object.assign(timers, {
  setTimeout: (callback: () => void, ms?: number) => setTimeout(callback, ms),
  clearTimeout: (...given: Parameters<typeof clearTimeout>) => clearTimeout(...given),
  setImmediate: (...given: Parameters<typeof setImmediate>) => setImmediate(...given),
  now: () => performance.now(),
});
