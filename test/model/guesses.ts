import { DAY, HOUR, SECOND } from '../support/core-fixture.js';
import type { Budget } from './state.js';

const DRAIN = 9 * HOUR;
const CAPACITY = 20;

/** The budget as it stands now: what has drained and what is forgotten is taken off, and what lies ahead of now counts as now. */
export function stand(budget: Budget, now: number): Budget {
  const lastWrongAt = Math.min(budget.lastWrongAt, now);
  let { level } = budget;
  let levelAt = Math.min(budget.levelAt, now);
  while (level > 0 && now - levelAt >= DRAIN) {
    level -= 1;
    levelAt += DRAIN;
  }
  return { quick: now - lastWrongAt >= DAY ? 0 : budget.quick, lastWrongAt, level, levelAt };
}

/** Milliseconds until a guess of this cost is looked at. */
export function waitFor(budget: Budget, cost: number, now: number): number {
  const { quick, lastWrongAt, level, levelAt } = stand(budget, now);
  const quickWait = quick < 5 ? 0 : lastWrongAt + Math.min(30 * SECOND * 2 ** (quick - 5), HOUR) - now;
  const over = level + cost - CAPACITY;
  return Math.max(quickWait, over > 0 ? levelAt + over * DRAIN - now : 0, 0);
}

/** Ahead of the clock by more than a minute: stored anew by whoever meets it, or the wait would never end. */
export function isAhead({ lastWrongAt, levelAt }: Budget, now: number): boolean {
  return Math.max(lastWrongAt, levelAt) > now + 60 * SECOND;
}

export function afterWrong(budget: Budget, cost: number, now: number): Budget {
  const { quick, level, levelAt } = stand(budget, now);
  return { quick: quick + 1, lastWrongAt: now, level: level + cost, levelAt: level === 0 ? now : levelAt };
}

/** A used code is no guess, but a quick try. */
export function afterReplay(budget: Budget, now: number): Budget {
  return { ...stand(budget, now), quick: stand(budget, now).quick + 1, lastWrongAt: now };
}

export function afterRight(budget: Budget, now: number): Budget {
  return { ...stand(budget, now), quick: 0 };
}

/** Support gives five tries back. */
export function afterHelp(budget: Budget, cost: number, now: number): Budget {
  const stood = stand(budget, now);
  return { ...stood, quick: 0, level: Math.min(stood.level, Math.max(CAPACITY - 5 * cost, 0)) };
}

export function costOf(apps: number): number {
  return Math.min(Math.max(apps, 1), 5);
}
