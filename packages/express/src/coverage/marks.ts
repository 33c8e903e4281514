import type { RequestHandler } from 'express';

/** What the kit knows of a handler that it made. */
export type KitHandler =
  /** Lets nobody through who does not meet the requirement. `open`: paths that it leaves open, byte for byte. */
  | { kind: 'guard'; open: readonly string[] }
  /** Answers every request below the mount. */
  | { kind: 'kit' };

// The functions themselves, not a property of them: a wrapper that copies properties must not pass for a guard.
const marks = new WeakMap<object, KitHandler>();

/** Notes what a handler is, for the report on coverage. */
export function markHandler(handler: RequestHandler, mark: KitHandler): RequestHandler {
  marks.set(handler, mark);
  return handler;
}

/** What the kit knows of this handler; undefined for everybody else's. */
export function kitHandler(handler: object): KitHandler | undefined {
  return marks.get(handler);
}
