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
const MAX_WAITING = 500;
/** Only correct proofs are prioritized, and each counts once. */
const MAX_PRIORITIZED = 32;

/** Tasks that wait for their turn; calling one starts it. */
interface Line {
  prioritized: (() => void)[];
  others: (() => void)[];
}

/** One line for each user with a running task. */
export function createUserQueue(): UserQueue {
  const lines = new Map<string, Line>();

  /** Resolves when it is the task's turn; to false at once if too many are waiting. */
  function waitIn(line: Line, prioritized: boolean): Promise<boolean> {
    return new Promise((resolve) => {
      const start = () => resolve(true);
      if (prioritized && line.prioritized.length < MAX_PRIORITIZED) line.prioritized.push(start);
      else if (line.others.length + 1 < MAX_WAITING) line.others.push(start);
      else resolve(false);
    });
  }

  function startNext(userId: string): void {
    const line = lines.get(userId);
    const start = line?.prioritized.shift() ?? line?.others.shift();
    if (start) start();
    else lines.delete(userId);
  }

  return {
    isBusy: (userId) => lines.has(userId),
    async run(userId, task, prioritized = false) {
      const line = lines.get(userId);
      if (!line) lines.set(userId, { prioritized: [], others: [] });
      else if (!(await waitIn(line, prioritized))) return null;
      try {
        return await task();
      } finally {
        // Remove the queue before the caller gets the outcome, so that it finds none if nothing is waiting.
        startNext(userId);
      }
    },
  };
}
