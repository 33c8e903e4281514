import type { ResolvedOptions } from '../../options.js';
import { type Refusal, refuse } from '../../results.js';
import { withinDeadline } from '../../store/deadline.js';
import { OPERATION_MS } from '../../store/profile-store.js';

/** The refusal of an operation for which a callback of the host did not answer in time. */
export const CALLBACK_LATE: Refusal = refuse('unavailable', { retryAfterSeconds: 5 });

/** The answer of a callback of the host, or that it did not answer in time. */
export type CallbackAnswer<Value> = { late: false; value: Value } | { late: true };

/**
 * Waits for a callback of the host as long as an operation may take, and warns the operator if it is late. Passes its errors on
 * unchanged.
 */
export async function awaitCallback<Value>(
  { warnings }: Pick<ResolvedOptions, 'warnings'>,
  option: string,
  given: PromiseLike<Value>,
  leftMs: number = OPERATION_MS,
): Promise<CallbackAnswer<Value>> {
  const answered = await withinDeadline(leftMs, async () => given);
  if (answered.done) return { late: false, value: answered.value };
  if (answered.why === 'error') throw answered.cause;
  warnings.callbackFailed({ option, why: 'timeout' });
  return { late: true };
}
