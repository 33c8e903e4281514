import { MfaError } from '../../errors.js';
import type { EventContext, EventDetail } from '../../events.js';
import { checkUserId } from '../../host-input.js';
import type { MfaUser } from '../../options.js';
import { isRefusal, type Refusal } from '../../results.js';
import type { Decide } from '../../store/profile-store.js';
import type { FlowContext } from './flow-context.js';
import { markEnrolled } from './mark-enrolled.js';
import { beginOperation, type Operation } from './operation.js';

/** How long an operator's call waits for `markEnrolled`, including a call that is already running. */
const MARK_MS = 4_000;

/** An operation for the host that throws if it fails. */
export interface Ending {
  operation: Operation;
  /**
   * Changes the profile, calls `markEnrolled` if needed, and waits for the host's sinks. Throws an MfaError `not_done` if the change or
   * `markEnrolled` failed.
   */
  change<Done extends { ok: true }>(
    decide: Decide<Done>,
    whenUnreadable?: Decide<Done>,
    after?: { unenrolled: true },
  ): Promise<Done>;
}

/** Begins such an operation. `method` is its name for the caller, `name` its name in the audit trail. */
export function beginEnding<User extends MfaUser>(
  flow: FlowContext<User>,
  method: string,
  name: string,
  { userId, context }: { userId: string; context?: EventContext | undefined },
): Ending {
  checkUserId(userId);
  const operation = beginOperation(flow, { name, userId, context });
  let last: EventDetail | undefined;
  const report = (detail: EventDetail): void => {
    if (detail.name === 'storage_failed' || detail.name === 'profile_unreadable') last = detail;
    operation.report(detail);
  };
  return {
    operation,
    async change<Done extends { ok: true }>(
      decide: Decide<Done>,
      whenUnreadable?: Decide<Done>,
      after?: { unenrolled: true },
    ): Promise<Done> {
      let answer: Done | Refusal;
      try {
        // Scripts may call this on machines whose clock is wrong.
        answer = await flow.profiles.change<Done>(userId, report, decide, whenUnreadable, { asStored: true });
      } catch (cause) {
        await operation.finish({});
        throw notDone(method, 'the profile could not be changed', cause);
      }
      if (isRefusal(answer)) {
        await operation.finish(answer);
        throw notDone(method, ...describeFailure(answer, last));
      }
      if (!after || !flow.hostMemory) return operation.finish(answer);
      const marked = await markEnrolled(flow, { userId, enrolled: false, waitMs: MARK_MS }, report);
      await operation.finish(answer);
      if (marked.done && marked.acknowledged) return answer;
      if (marked.done)
        throw notDone(method, 'the profile changed at the same time, or could not be read again', new Error('busy'));
      throw notDone(
        method,
        'the record was changed, but "markEnrolled" failed, so your own record of who is enrolled may be wrong',
        marked.cause ?? new Error('markEnrolled did not finish in time'),
      );
    },
  };
}

/** Why the change was not made, and its cause if known. */
function describeFailure({ reason }: Refusal, last: EventDetail | undefined): [why: string, cause: unknown] {
  const cause = last && 'cause' in last ? last.cause : undefined;
  if (last?.name === 'profile_unreadable') {
    return [`the stored record cannot be opened (${last.why})`, cause ?? new Error(`unreadable record: ${last.why}`)];
  }
  if (last?.name === 'storage_failed') {
    return [`the storage failed (${last.operation}: ${last.why})`, cause ?? new Error(`storage ${last.operation}: ${last.why}`)];
  }
  if (reason === 'busy') return ['other changes of this user kept interfering', new Error('busy')];
  return ['the storage failed', new Error(reason)];
}

function notDone(method: string, why: string, cause: unknown): MfaError<'not_done'> {
  const message = `${method}() was not done: ${why}. Answer with an error and call it again. Until it returns, assume that nothing has changed.`;
  return new MfaError('not_done', message, { cause });
}
