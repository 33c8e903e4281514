/**
 * The timers and the monotonic clock as they were when the kit was loaded. Fake timers that a test of the host installs later
 * (`vi.useFakeTimers()`) neither stop nor move the kit's deadlines. The option `clock` sets the time of day.
 */
export const timers = {
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setImmediate: globalThis.setImmediate,
  clearImmediate: globalThis.clearImmediate,
  now: performance.now.bind(performance),
};

/** Lengths of time in milliseconds. A day always has 24 hours. */
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** Synchronized servers differ by less than this, so an instant this far ahead of the clock still counts as past. */
export const CLOCK_TOLERANCE_MS = 60_000;
