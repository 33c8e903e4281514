import { timers } from '../time.js';

/** What came of a call that had only so long. */
export type Timed<T> = { done: true; value: T } | { done: false; why: 'timeout' | 'error'; cause?: unknown };

/**
 * Waits for a call at most `ms` milliseconds. A call that is late goes on, unheard: its outcome is doubtful, not undone.
 *
 * `inBackground`: no caller waits for it, so the deadline does not keep a process alive that has nothing else to do.
 */
export function withinDeadline<T>(
  ms: number,
  call: () => Promise<T>,
  { inBackground = false }: { inBackground?: boolean } = {},
): Promise<Timed<T>> {
  if (ms <= 0) return Promise.resolve({ done: false, why: 'timeout' });
  return new Promise((resolve) => {
    const timer = timers.setTimeout(() => resolve({ done: false, why: 'timeout' }), ms);
    if (inBackground) timer.unref();
    const end = (outcome: Timed<T>) => {
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

/** Waits so many milliseconds. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    timers.setTimeout(resolve, ms);
  });
}

/** Lets everything else that waits have its turn: other requests, or the driver that is about to send. */
export function yieldTurn(): Promise<void> {
  return new Promise((resolve) => {
    timers.setImmediate(resolve);
  });
}

/** Counts down on the monotonic clock, which no change of the time of day moves. */
export function startCountdown(ms: number): () => number {
  const end = timers.now() + ms;
  return () => Math.max(end - timers.now(), 0);
}
