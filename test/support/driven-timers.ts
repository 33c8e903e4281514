import { timers } from '../../packages/core/src/time.js';

/**
 * Imported for its effect, by tests that move the deadlines of the kit: from then on the kit takes the timers of the moment, and
 * those may be fake. Without it the kit keeps the timers that were there when it was loaded.
 */
Object.assign(timers, {
  setTimeout: (callback: () => void, ms?: number) => setTimeout(callback, ms),
  clearTimeout: (...given: Parameters<typeof clearTimeout>) => clearTimeout(...given),
  setImmediate: (...given: Parameters<typeof setImmediate>) => setImmediate(...given),
  now: () => performance.now(),
});
