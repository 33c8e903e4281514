import { DAY, HOUR, SECOND } from '../support/core-fixture.js';
import type { Budget, Owner } from './state.js';

const DRAIN = 9 * HOUR;
const CAPACITY = 20;

/** A budget has a time of its own, which never runs back. */
function ownTime({ latest }: Budget, now: number): number {
  return Math.max(latest, now);
}

/** The budget as it stands now: what has drained and what is forgotten is taken off. */
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

/** Milliseconds until a guess is looked at. A known browser waits for no quick try while its budget lies ahead of the clock. */
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

/** A used code is no guess, but a quick try. */
export function afterReplay(budget: Budget, now: number): Budget {
  const at = ownTime(budget, now);
  return { ...stand(budget, now), quick: stand(budget, now).quick + 1, lastWrongAt: at, latest: at };
}

export function afterRight(budget: Budget, now: number): Budget {
  return { ...stand(budget, now), quick: 0 };
}

/** Support gives five tries back, and dates the budget by the clock of now. */
export function afterHelp(budget: Budget, now: number): Budget {
  const stood = stand(budget, now);
  const levelAt = Math.min(stood.levelAt, now);
  const lastWrongAt = Math.min(stood.lastWrongAt, now);
  return { quick: 0, lastWrongAt, level: Math.min(stood.level, CAPACITY - 5), levelAt, latest: Math.max(levelAt, lastWrongAt) };
}
