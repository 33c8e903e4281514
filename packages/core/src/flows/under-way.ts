import { withinDeadline } from '../profile/deadline.js';
import type { Unsettled } from '../results.js';

/** `corrections`: what follows a call of `markEnrolled`. It is waited for, and counts as nothing by itself. */
type Kind = keyof Unsettled | 'corrections';

/** What goes on after the operation that began it has answered: events, notices, and calls of `markEnrolled`. */
export interface UnderWay {
  track(kind: Kind, work: Promise<unknown>): void;
  /** Waits for all that was begun before this call, ten seconds at most, and counts what is left of it. Never rejects. */
  settled(): Promise<Unsettled>;
}

const SETTLE_MS = 10_000;
/** What hangs for ever must not fill the memory: beyond so many the oldest are no longer waited for. */
const MOST = 10_000;

/** Starts with nothing under way. */
export function createUnderWay(): UnderWay {
  const open = new Set<{ kind: Kind; ended: Promise<void> }>();

  return {
    track(kind, work) {
      const end = (): void => void open.delete(entry);
      const entry = { kind, ended: work.then(end, end) };
      open.add(entry);
      if (open.size > MOST) for (const oldest of open) return void open.delete(oldest);
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
