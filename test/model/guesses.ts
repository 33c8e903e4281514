import { DAY, HOUR, SECOND } from '../support/core-fixture.js';
import type { Budget, Owner } from './state.js';

const DRAIN = 9 * HOUR;
const CAPACITY = 20;

/** A budget has its own time, which never goes back. */
function ownTime({ latest }: Budget, now: number): number {
  return Math.max(latest, now);
}

/** The current budget, after draining and forgetting. */
export function stand(budget: Budget, now: number): Budget {
  const at = ownTime(budget, now);
  let { level, levelAt } = budget;
  while (level > 0 && at - levelAt >= DRAIN) {
    level -= 1;
    levelAt += DRAIN;
  }
  const quick = at - budget.lastWrongAt >= DAY ? 0 : budget.quick;
  const gaveBack = level < budget.level || quick < budget.quick;
  return { ...budget, quick, level, levelAt, latest: gaveBack ? at : budget.latest };
}

/** Milliseconds until a guess is evaluated. A known browser does not wait for a quick try while its budget is ahead of the clock. */
export function waitFor(budget: Budget, owner: Owner, now: number): number {
  const { quick, lastWrongAt, level, levelAt } = stand(budget, now);
  const at = ownTime(budget, now);
  const isOpen = quick < 5 || (owner === 'device' && budget.latest - now > 60 * SECOND);
  const quickEnds = isOpen ? at : lastWrongAt + Math.min(30 * SECOND * 2 ** (quick - 5), HOUR);
  const bucketEnds = level < CAPACITY ? at : levelAt + DRAIN;
  const ends = Math.max(quickEnds, bucketEnds);
  return ends > at ? ends - now : 0;
}

export function afterWrong(budget: Budget, now: number): Budget {
  const { quick, level, levelAt } = stand(budget, now);
  const at = ownTime(budget, now);
  return { quick: quick + 1, lastWrongAt: at, level: level + 1, levelAt: level === 0 ? at : levelAt, latest: at };
}

/** A used code does not count as a guess, but as a quick try. */
export function afterReplay(budget: Budget, now: number): Budget {
  const at = ownTime(budget, now);
  return { ...stand(budget, now), quick: stand(budget, now).quick + 1, lastWrongAt: at, latest: at };
}

export function afterRight(budget: Budget, now: number): Budget {
  return { ...stand(budget, now), quick: 0 };
}

/** Support returns five tries and resets the time of the budget to the clock. */
export function afterHelp(budget: Budget, now: number): Budget {
  const stood = stand(budget, now);
  const levelAt = Math.min(stood.levelAt, now);
  const lastWrongAt = Math.min(stood.lastWrongAt, now);
  return { quick: 0, lastWrongAt, level: Math.min(stood.level, CAPACITY - 5), levelAt, latest: Math.max(levelAt, lastWrongAt) };
}
