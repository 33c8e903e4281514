import type { Unsettled } from '../../results.js';
import { withinDeadline } from '../../store/deadline.js';

/** `corrections`: the follow-up to a call of `markEnrolled`. `settled()` waits for it but does not count it. */
type Kind = keyof Unsettled | 'corrections';

/** Host callbacks that may still run after their operation has returned: events, notices, and calls of `markEnrolled`. */
export interface RunningCalls {
  track(kind: Kind, work: Promise<unknown>): void;
  /** Waits up to ten seconds for everything that started before this call, and counts what is still running. Never rejects. */
  settled(): Promise<Unsettled>;
}

const SETTLE_MS = 10_000;
/** Limits memory if callbacks never finish: beyond this number, `settled()` no longer waits for the oldest. */
const MAX_CALLS = 10_000;

/** Creates the tracker, with nothing running. */
export function createRunningCalls(): RunningCalls {
  const open = new Set<{ kind: Kind; ended: Promise<void> }>();

  return {
    track(kind, work) {
      const end = (): void => void open.delete(entry);
      const entry = { kind, ended: work.then(end, end) };
      open.add(entry);
      if (open.size > MAX_CALLS) for (const oldest of open) return void open.delete(oldest);
    },
    async settled() {
      const begun = [...open];
      await withinDeadline(SETTLE_MS, () => Promise.all(begun.map(({ ended }) => ended)));
      const left: Unsettled = { events: 0, notices: 0, markEnrolled: 0 };
      for (const entry of begun) if (entry.kind !== 'corrections' && open.has(entry)) left[entry.kind] += 1;
      return left;
    },
  };
}
