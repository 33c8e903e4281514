/** A value, or a promise of it: what a callback of the host may return. */
export type Awaitable<Value> = Value | Promise<Value>;

/** Whether a value has to be awaited. A query builder counts, although it is not a promise. */
export function isThenable<Value>(value: Awaitable<Value>): value is Promise<Value> {
  return typeof (value as Partial<Promise<Value>> | null | undefined)?.then === 'function';
}
