/** Runs tasks of one user one after another within this process. */
export interface UserQueue {
  /** Whether a task of this user is running or waiting. */
  isBusy(userId: string): boolean;
  /** Runs the task when those before it have ended; null when too many wait. */
  run<T>(userId: string, task: () => Promise<T>): Promise<T | null>;
}

/** More waiting operations on one user than this are no honest use. */
const MOST_WAITING = 500;

/** A queue a user. It holds nothing for users with nothing running. */
export function createUserQueue(): UserQueue {
  const queues = new Map<string, { tail: Promise<unknown>; waiting: number }>();

  async function run<T>(userId: string, task: () => Promise<T>): Promise<T | null> {
    const queue = queues.get(userId) ?? { tail: Promise.resolve(), waiting: 0 };
    if (queue.waiting >= MOST_WAITING) return null;
    queues.set(userId, queue);
    queue.waiting += 1;
    const mine = queue.tail.then(task);
    queue.tail = mine.catch(() => undefined);
    try {
      return await mine;
    } finally {
      queue.waiting -= 1;
      if (queue.waiting === 0) queues.delete(userId);
    }
  }

  return { isBusy: (userId) => queues.has(userId), run };
}
