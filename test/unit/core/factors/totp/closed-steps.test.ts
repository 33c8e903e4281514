import { describe, expect, it } from 'vitest';
import {
  type ClosedRange,
  closeSteps,
  isClosed,
  MAX_RANGES,
} from '../../../../../packages/core/src/factors/totp/closed-steps.js';
import { stepAt, type TotpData } from '../../../../../packages/core/src/factors/totp/totp.js';
import { createAuthenticator } from '../../../../support/core-fixture.js';
import { fc } from '../../../../support/fast-check.js';
import { totpOfWindow } from '../../../../support/totp-of-window.js';

const STEP = 30_000;
const TODAY = 1_800_000_000_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const factor = totpOfWindow(1);
const fresh = factor.begin(Buffer.from('12345678901234567890'));
const { code } = createAuthenticator(fresh.secret);

/** A history: the clock before each try, and the code sent, from the steps around it. */
const jump = fc.oneof(
  fc.integer({ min: -3, max: 3 }).map((steps) => steps * STEP),
  fc.integer({ min: -5 * HOUR, max: 5 * HOUR }),
  fc.integer({ min: -400 * DAY, max: 400 * DAY }),
  fc.integer({ min: -30 * 365 * DAY, max: 30 * 365 * DAY }),
);
const tries = fc.array(fc.record({ jump, away: fc.integer({ min: -2, max: 2 }), follow: fc.boolean() }), { maxLength: 120 });

describe('closed steps', () => {
  it('T1, T2, TOTP-2, FLT-5: no step is accepted twice in any history of clock jumps', () => {
    fc.assert(
      fc.property(tries, (history) => {
        let data: TotpData = fresh;
        let now = TODAY;
        const accepted: string[] = [];
        for (const { jump: by, away, follow } of history) {
          now = Math.max(follow ? now + by : TODAY + by, 0);
          const typed = code(Math.max(now + away * STEP, 0));
          const checked = factor.check(data, typed, { now });
          data = checked.data;
          if (checked.outcome !== 'accepted') continue;
          // The step that was used is the last one of the window with this code.
          const step = [1, 0, -1].map((by) => stepAt(now) + by).find((s) => s >= 0 && code(s * STEP) === typed);
          accepted.push(String(step));
        }
        return new Set(accepted).size === accepted.length && data.closed.length <= MAX_RANGES;
      }),
      { numRuns: 400 },
    );
  });

  it('stay closed when later steps are closed and ranges are joined', () => {
    const range = fc.record({ from: fc.integer({ min: 0, max: 100_000 }), length: fc.integer({ min: 0, max: 5 }) });
    fc.assert(
      fc.property(fc.array(range, { maxLength: 200 }), (ranges) => {
        let ledger: ClosedRange[] = [];
        const closed: number[] = [];
        for (const { from, length } of ranges) {
          ledger = closeSteps(ledger, { from, to: from + length });
          closed.push(from, from + length);
          if (ledger.length > MAX_RANGES) return false;
          if (!ledger.every(({ from: start, to }, at) => start <= to && start > (ledger[at - 1]?.to ?? -2) + 1)) return false;
        }
        return closed.every((step) => isClosed(ledger, step));
      }),
    );
  });

  it.each([
    { gaps: 'all equal', narrow: {}, joined: 0 },
    { gaps: 'one smaller', narrow: { 7: 50 }, joined: 7 },
    { gaps: 'two smaller, the first the smallest', narrow: { 3: 40, 7: 50 }, joined: 3 },
    { gaps: 'two smaller, the second the smallest', narrow: { 3: 50, 7: 40 }, joined: 7 },
    { gaps: 'the last of the older half the smallest', narrow: { 15: 50 }, joined: 15 },
    { gaps: 'the first of the newer half the smallest', narrow: { 16: 2 }, joined: 0 },
  ])('FLT-5: a full list is joined at the smallest gap of its older half: $gaps', ({ narrow, joined }) => {
    const starts = [1000];
    for (let at = 0; at < MAX_RANGES; at++) starts.push((starts[at] ?? 0) + ((narrow as Record<number, number>)[at] ?? 100));
    const ranges = starts.map((from) => ({ from, to: from }));
    const expected = ranges.filter((_, at) => at !== joined && at !== joined + 1);
    expected.splice(joined, 0, { from: starts[joined] ?? 0, to: starts[joined + 1] ?? 0 });
    expect(closeSteps(ranges.slice(0, -1), ranges.at(-1) as ClosedRange)).toEqual(expected);
  });

  it('FLT-5: an honest user can log in within the window once the clock is right again', () => {
    fc.assert(
      fc.property(tries, fc.integer({ min: 0, max: 60 }), (history, days) => {
        let data: TotpData = fresh;
        // Daily use for a while, so that the list may be full, then some logins with a wrong clock, then a right clock.
        for (let day = days; day > 0; day--) data = accepted(data, TODAY - day * DAY);
        const wrong = history.slice(0, 15).filter(({ jump: by }) => Math.abs(by) > 4 * STEP);
        for (const { jump: by } of wrong) {
          const at = Math.max(TODAY + by, 0);
          data = factor.check(data, code(at), { now: at }).data;
        }
        // The right clock: at most a window later, unless the wrong clock used these very steps.
        const times = [0, 1, 2, 3].map((steps) => TODAY + steps * STEP);
        return times.some((at) => factor.check(data, code(at), { now: at }).outcome === 'accepted');
      }),
      { numRuns: 400 },
    );
  });

  it.each([1, 12, 23, 400 * 24])(
    'FLT-5: a clock that was %i hours ahead for one login does not lock out a daily user',
    (hours) => {
      let data: TotpData = fresh;
      for (let day = 40; day > 0; day--) data = accepted(data, TODAY - day * DAY);
      data = accepted(data, TODAY + hours * HOUR);
      for (let minute = 1; minute < 40; minute += 3) data = accepted(data, TODAY + minute * 60_000);
      expect(data.closed).toHaveLength(MAX_RANGES);
    },
  );

  it('the list of ten years of daily logins is bounded, and keeps every step closed', () => {
    let data: TotpData = fresh;
    for (let day = 0; day < 3650; day++) data = accepted(data, TODAY + day * DAY);
    expect(data.closed).toHaveLength(MAX_RANGES);
    expect(JSON.stringify(data).length).toBeLessThan(1500);
    for (let day = 0; day < 3650; day++) expect(isClosed(data.closed, stepAt(TODAY + day * DAY))).toBe(true);
  });
});

function accepted(data: TotpData, now: number): TotpData {
  const checked = factor.check(data, code(now), { now });
  if (checked.outcome !== 'accepted') throw new Error(`${checked.outcome} at ${new Date(now).toISOString()}`);
  return checked.data;
}
