import { timers } from '../time.js';

/** Outcome of a call with a time limit. */
export type TimedResult<T> = { done: true; value: T } | { done: false; why: 'timeout' | 'error'; cause?: unknown };

/**
 * Waits at most `ms` milliseconds for a call. A late call continues without anybody waiting, so its outcome is doubtful, not undone.
 *
 * `inBackground`: nobody waits for the result, so the deadline does not keep an otherwise idle process alive.
 */
export function withinDeadline<T>(ms: number, call: () => Promise<T>, how?: { inBackground?: boolean }): Promise<TimedResult<T>> {
  if (ms <= 0) return Promise.resolve({ done: false, why: 'timeout' });
  return new Promise((resolve) => {
    const timer = timers.setTimeout(() => resolve({ done: false, why: 'timeout' }), ms);
    if (how?.inBackground) timer.unref();
    const end = (outcome: TimedResult<T>) => {
      timers.clearTimeout(timer);
      resolve(outcome);
    };
    const fail = (cause: unknown) => end({ done: false, why: 'error', cause });
    try {
      Promise.resolve(call()).then((value) => end({ done: true, value }), fail);
    } catch (cause) {
      fail(cause);
    }
  });
}

/** Waits for `ms` milliseconds. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    timers.setTimeout(resolve, ms);
  });
}

/** Lets everything else that waits run first: other requests, or the driver that is about to send. */
export function nextTick(): Promise<void> {
  return new Promise((resolve) => {
    timers.setImmediate(resolve);
  });
}

/** Counts down on the monotonic clock, which no change of the time of day moves. */
export function countdown(ms: number): () => number {
  const end = timers.now() + ms;
  return () => Math.max(end - timers.now(), 0);
}
