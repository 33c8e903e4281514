/**
 * The timers, and the monotonic clock, as they were when the kit was loaded. A test of the host that installs fake timers later
 * (`vi.useFakeTimers()`) neither stops nor moves the deadlines of the kit; the time of day is the option `clock`.
 */
export const timers = {
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setImmediate: globalThis.setImmediate,
  now: performance.now.bind(performance),
};
