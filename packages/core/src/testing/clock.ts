/** A clock for tests: pass `clock.now` as the option `clock`, and move it. */
export interface TestClock {
  now: () => number;
  /** Moves the time of day, forwards or backwards. */
  advance(milliseconds: number): void;
  set(instant: number): void;
}

/** Creates a clock that stands still until it is moved. `start`: epoch milliseconds. */
export function createClock(start = 1_800_000_000_000): TestClock {
  let instant = start;
  return {
    now: () => instant,
    advance(milliseconds) {
      instant += milliseconds;
    },
    set(next) {
      instant = next;
    },
  };
}
