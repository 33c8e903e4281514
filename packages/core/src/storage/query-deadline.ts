import { timers } from '../time.js';

/** Longer than core waits (2 s), so that core decides. Finite, so that a dead connection leaves the pool and the pool recovers. */
export const QUERY_TIMEOUT_MS = 3000;

/** Settles as `answer` does, or rejects if it does not settle in time. For drivers that would wait for ever. */
export async function beforeQueryTimeout<T>(answer: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof timers.setTimeout> | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = timers.setTimeout(
      () => reject(new Error(`The database did not answer within ${QUERY_TIMEOUT_MS} ms.`)),
      QUERY_TIMEOUT_MS,
    );
  });
  try {
    return await Promise.race([answer, timeout]);
  } finally {
    timers.clearTimeout(timer);
  }
}
