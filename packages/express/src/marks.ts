import type { Requirement } from '@mfa-kit/core';
import type { RequestHandler } from 'express';

/** What a handler of the kit does. */
export type KitHandler =
  /** Refuses requests that do not meet the requirement, except at the paths that it leaves open. */
  | { kind: 'guard'; requirement: Requirement; open?: { paths: readonly string[]; has(path: string): boolean } }
  /** Answers every request below the mount. */
  | { kind: 'kit' };

// Keyed by function instead of a property on it, because a wrapper that copies properties must not count as a guard.
const marks = new WeakMap<object, KitHandler>();

/** Records what a handler does, for the coverage report. */
export function markHandler(handler: RequestHandler, mark: KitHandler): RequestHandler {
  marks.set(handler, mark);
  return handler;
}

/** Returns what the handler does; undefined if the kit did not make it. */
export function kitHandler(handler: object): KitHandler | undefined {
  return marks.get(handler);
}
