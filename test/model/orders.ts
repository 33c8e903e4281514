import { isDeepStrictEqual } from 'node:util';
import { accessOf } from './access.js';
import { type Real, seenInModel } from './perform.js';
import { apply } from './rules.js';
import type { Facts, Session, State, Step } from './state.js';

/** One operation as its caller saw it. */
export interface Call {
  name: string;
  step: Step;
  /** Positions in the order of all events. */
  invokedAt: number;
  returnedAt: number;
  real: Real;
  /** The guard's final decision for the issued session. */
  access?: string;
}

/** What is observable at the end. */
export type End = (state: State) => boolean;

/**
 * Tests linearizability with the search of Wing and Gong: whether there is an order of the calls in which the model answers as core
 * did and ends in the same state. A call must not come before one that had returned when it started. A call that answered `busy` or
 * `unavailable` may have been done or not.
 */
export function findOrder(calls: readonly Call[], state: State, facts: Omit<Facts, 'name'>, end: End): string[] | null {
  return search(calls, state, [], { facts, end });
}

interface Placed {
  call: Call;
  session: Session | undefined;
}

function search(
  left: readonly Call[],
  state: State,
  placed: readonly Placed[],
  at: { facts: Omit<Facts, 'name'>; end: End },
): string[] | null {
  if (left.length === 0) {
    const guarded = placed.every(
      ({ call, session }) => call.access === undefined || call.access === accessOf(state, session, at.facts),
    );
    return guarded && at.end(state) ? placed.map(({ call }) => call.name) : null;
  }
  const firstReturn = Math.min(...left.map(({ returnedAt }) => returnedAt));
  for (const call of left.filter(({ invokedAt }) => invokedAt < firstReturn)) {
    const rest = left.filter((other) => other !== call);
    const outcome = apply(state, call.step, { ...at.facts, name: call.name });
    const silent = call.real.seen.said === 'busy' || call.real.seen.said === 'unavailable';
    if (silent || isDeepStrictEqual(seenInModel(outcome.answer), call.real.seen)) {
      const order = search(rest, outcome.state, [...placed, { call, session: outcome.answer.session }], at);
      if (order) return order;
    }
    const undone = silent ? search(rest, state, placed, at) : null;
    if (undone) return undone;
  }
  return null;
}
