/** What may be there already: a guard asks at every request, and what is at hand costs it no promise. */
export type Awaitable<Value> = Value | Promise<Value>;

/** Goes on with a value: at once when it is there, otherwise when it comes. */
export function andThen<Value, Next>(value: Awaitable<Value>, next: (value: Value) => Awaitable<Next>): Awaitable<Next> {
  return isThenable(value) ? Promise.resolve(value).then(next) : next(value);
}

/** Gives what a call threw, at once or later, to `mend`: for another answer, or for an error that says more. */
export function rescue<Value>(call: () => Awaitable<Value>, mend: (cause: unknown) => Value): Awaitable<Value> {
  try {
    const value = call();
    return isThenable(value) ? Promise.resolve(value).catch(mend) : value;
  } catch (cause) {
    return mend(cause);
  }
}

/**
 * Whether a value has to be waited for. Query builders of hosts are no promises, and are awaited all the same.
 *
 * On the way of every guarded request this and two calls stand in place of {@link andThen}: functions that are made at each
 * request, to be handed to it, cost more than all that they do.
 */
export function isThenable<Value>(value: Awaitable<Value>): value is Promise<Value> {
  return typeof (value as Partial<Promise<Value>> | null | undefined)?.then === 'function';
}
