/** A run of time steps, both ends included, that will never be accepted again. */
export interface ClosedRange {
  from: number;
  to: number;
}

/** More ranges than this are joined at the smallest old gap. The list must stay bounded, and joining only closes more steps. */
export const MAX_RANGES = 32;

/** Whether the step was closed. */
export function isClosed(ranges: readonly ClosedRange[], step: number): boolean {
  return ranges.some((range) => range.from <= step && step <= range.to);
}

/**
 * Closes a run of steps for ever.
 *
 * The list depends on steps and not on the clock: nothing in it expires or moves. A clock that jumps back cannot reopen a used step, and
 * one that jumps ahead closes only the steps around its wrong time (RFC 6238 section 5.2).
 */
export function closeSteps(ranges: readonly ClosedRange[], closing: ClosedRange): ClosedRange[] {
  const sorted = [...ranges, closing].sort((a, b) => a.from - b.from);
  const joined: ClosedRange[] = [];
  for (const range of sorted) {
    const last = joined.at(-1);
    if (last && range.from <= last.to + 1) last.to = Math.max(last.to, range.to);
    else joined.push({ ...range });
  }
  return joined.length > MAX_RANGES ? joinSmallestOldGap(joined) : joined;
}

/** Returns the last closed step, or -Infinity. */
export function lastClosed(ranges: readonly ClosedRange[]): number {
  return ranges.reduce((last, range) => Math.max(last, range.to), Number.NEGATIVE_INFINITY);
}

// Joins only in the older half. A gap between the last login and one by a clock that ran ahead covers the time that the user needs next.
// Closing it would lock out a user who logs in daily for as long as the clock was ahead.
function joinSmallestOldGap(ranges: ClosedRange[]): ClosedRange[] {
  let smallest = 0;
  let smallestGap = Number.POSITIVE_INFINITY;
  for (let index = 0; index < MAX_RANGES / 2; index++) {
    const gap = (ranges[index + 1] as ClosedRange).from - (ranges[index] as ClosedRange).to;
    if (gap < smallestGap) {
      smallest = index;
      smallestGap = gap;
    }
  }
  return ranges.flatMap((range, index) => {
    if (index === smallest) return [{ from: range.from, to: (ranges[index + 1] as ClosedRange).to }];
    return index === smallest + 1 ? [] : [range];
  });
}
