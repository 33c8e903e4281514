import { type Awaitable, isThenable } from '../../awaitable.js';
import { MfaError } from '../../errors.js';
import type { EventContext } from '../../events.js';
import type { MfaUser, ResolvedOptions } from '../../options.js';
import { type EffectivePolicy, effectivePolicy } from '../../policy/enforcement.js';
import { valuesIn } from '../../warnings/values.js';
import { awaitCallback } from './host-callback.js';

/**
 * Returns the user's policy, or null if it does not answer in time. If it throws, or returns something that is not a
 * policy, an MfaError `host_callback_failed` is thrown.
 */
export function policyOf<User extends MfaUser>(
  options: ResolvedOptions<User>,
  user: User,
  context: EventContext | undefined,
  left?: () => number,
): Awaitable<EffectivePolicy | null> {
  try {
    const given = options.policy(user, context);
    return isThenable(given)
      ? awaitPolicy(options, { user, context, given, leftMs: left?.() })
      : effectivePolicy(given, options.rememberDays);
  } catch (cause) {
    return refusePolicy(options, cause, [user, context]);
  }
}

async function awaitPolicy(
  options: Pick<ResolvedOptions, 'rememberDays' | 'warnings'>,
  asked: { user: MfaUser; context: EventContext | undefined; given: Promise<unknown>; leftMs: number | undefined },
): Promise<EffectivePolicy | null> {
  try {
    const answer = await awaitCallback(options, 'policy', asked.given, asked.leftMs);
    return answer.late ? null : effectivePolicy(answer.value, options.rememberDays);
  } catch (cause) {
    return refusePolicy(options, cause, [asked.user, asked.context]);
  }
}

function refusePolicy({ warnings }: Pick<ResolvedOptions, 'warnings'>, cause: unknown, given: unknown[]): never {
  if (cause instanceof MfaError && cause.code === 'host_callback_failed') throw cause;
  warnings.callbackFailed({ option: 'policy', why: 'error', cause, values: valuesIn(...given) });
  throw new MfaError('host_callback_failed', 'The option "policy" threw. Fix the cause, or let it return { mfa: "required" }.', {
    cause,
  });
}
