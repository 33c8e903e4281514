import { isDeepStrictEqual } from 'node:util';
import { accessOf } from './access.js';
import { type Real, seenInModel } from './perform.js';
import { apply } from './rules.js';
import type { Facts, Session, State, Step } from './state.js';

/** One operation as its caller saw it. */
export interface Call {
  name: string;
  step: Step;
  /** Places in the order of all that happened. */
  invokedAt: number;
  returnedAt: number;
  real: Real;
  /** What the guard says in the end to the session that was given. */
  access?: string;
}

/** What can be seen in the end. */
export type End = (state: State) => boolean;

/**
 * Whether some order of the calls, none before one that had returned when it began, makes the model answer as core did and end
 * where core ended: linearizability, by the search of Wing and Gong. `busy` and `unavailable` say nothing: such a call was done or
 * was not.
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
    const told = apply(state, call.step, { ...at.facts, name: call.name });
    const silent = call.real.seen.said === 'busy' || call.real.seen.said === 'unavailable';
    if (silent || isDeepStrictEqual(seenInModel(told.answer), call.real.seen)) {
      const order = search(rest, told.state, [...placed, { call, session: told.answer.session }], at);
      if (order) return order;
    }
    const undone = silent ? search(rest, state, placed, at) : null;
    if (undone) return undone;
  }
  return null;
}
