/** Runs tasks of one user one after another within this process. */
export interface UserQueue {
  /** Whether a task of this user is running or waiting. */
  isBusy(userId: string): boolean;
  /**
   * Runs the task when those before it have ended; null when too many wait. An urgent one runs before all that are not, and is
   * admitted beyond their limit: whoever fills the queue does not keep it out.
   */
  run<T>(userId: string, task: () => Promise<T>, urgent?: boolean): Promise<T | null>;
}

/** More waiting operations on one user than this are no honest use. */
const MOST_WAITING = 500;
/** Only right proofs are urgent, and each counts once. */
const MOST_URGENT = 32;

/** Runs a task; what it returns tells the caller the outcome. */
type Turn = () => Promise<() => void>;

interface Line {
  urgent: Turn[];
  others: Turn[];
}

/** A queue a user. It holds nothing for users with nothing running. */
export function createUserQueue(): UserQueue {
  const lines = new Map<string, Line>();

  async function serve(userId: string, line: Line, first: Turn): Promise<void> {
    for (let turn: Turn | undefined = first; turn; ) {
      const tell = await turn();
      turn = line.urgent.shift() ?? line.others.shift();
      // Whoever hears of the last outcome finds nobody waiting.
      if (!turn) lines.delete(userId);
      tell();
    }
  }

  function run<T>(userId: string, task: () => Promise<T>, urgent = false): Promise<T | null> {
    return new Promise((resolve, reject) => {
      const turn: Turn = () =>
        Promise.resolve()
          .then(task)
          .then(
            (value) => () => resolve(value),
            (cause: Error) => () => reject(cause),
          );
      const line = lines.get(userId);
      if (!line) {
        const begun: Line = { urgent: [], others: [] };
        lines.set(userId, begun);
        void serve(userId, begun, turn);
      } else if (urgent && line.urgent.length < MOST_URGENT) line.urgent.push(turn);
      else if (!urgent && line.others.length + 1 < MOST_WAITING) line.others.push(turn);
      else resolve(null);
    });
  }

  return { isBusy: (userId) => lines.has(userId), run };
}
