/** Runs tasks of one user one after another within this process. */
export interface UserQueue {
  /** Whether a task of this user is running or waiting. */
  isBusy(userId: string): boolean;
  /**
   * Runs the task after those before it; returns null if too many are waiting. A prioritized task runs before all others and has
   * places of its own, so that a full queue does not keep it out. Once those are taken, it waits like the others.
   */
  run<T>(userId: string, task: () => Promise<T>, prioritized?: boolean): Promise<T | null>;
}

/** Normal use never has more operations waiting for one user. */
const MOST_WAITING = 500;
/** Only correct proofs are prioritized, and each counts once. */
const MOST_PRIORITIZED = 32;

/** Runs a task and returns a function that hands its outcome to the caller. */
type Task = () => Promise<() => void>;

interface Waiting {
  prioritized: Task[];
  others: Task[];
}

/** One queue for each user, deleted when it is empty. */
export function createUserQueue(): UserQueue {
  const queues = new Map<string, Waiting>();

  async function runAll(userId: string, waiting: Waiting, first: Task): Promise<void> {
    for (let next: Task | undefined = first; next; ) {
      const tell = await next();
      next = waiting.prioritized.shift() ?? waiting.others.shift();
      // Before the last outcome is handed over, so that its caller finds an empty queue.
      if (!next) queues.delete(userId);
      tell();
    }
  }

  function run<T>(userId: string, task: () => Promise<T>, prioritized = false): Promise<T | null> {
    return new Promise((resolve, reject) => {
      const queued: Task = () =>
        Promise.resolve()
          .then(task)
          .then(
            (value) => () => resolve(value),
            (cause: Error) => () => reject(cause),
          );
      const waiting = queues.get(userId);
      if (!waiting) {
        const begun: Waiting = { prioritized: [], others: [] };
        queues.set(userId, begun);
        void runAll(userId, begun, queued);
      } else if (prioritized && waiting.prioritized.length < MOST_PRIORITIZED) waiting.prioritized.push(queued);
      else if (waiting.others.length + 1 < MOST_WAITING) waiting.others.push(queued);
      else resolve(null);
    });
  }

  return { isBusy: (userId) => queues.has(userId), run };
}
