import { withCause } from '../../events.js';
import type { KnownUser } from '../../host-input.js';
import type { MfaUser, ResolvedOptions } from '../../options.js';
import { withinDeadline } from '../../store/deadline.js';
import type { Report } from '../../store/profile-store.js';
import type { FlowContext } from './flow-context.js';
import type { MarkOutcome } from './host-memory.js';

/** How long a user's flow waits for `markEnrolled`. */
const MARK_MS = 2_000;

/**
 * Calls the option `markEnrolled`, if it is set, and waits for it, two seconds by default. If it fails, it is called again at the next
 * login. Returns the outcome.
 */
export async function markEnrolled(
  { hostMemory, options }: Pick<FlowContext, 'hostMemory'> & { options: Pick<ResolvedOptions, 'warnings'> },
  mark: { userId: string; enrolled: boolean; waitMs?: number },
  report: Report,
): Promise<MarkOutcome> {
  if (!hostMemory) return { done: true, acknowledged: false };
  const { userId, enrolled, waitMs = MARK_MS } = mark;
  const answer = await withinDeadline(waitMs, () => hostMemory.mark(userId, enrolled));
  const outcome: MarkOutcome = answer.done ? answer.value : { ...answer, cause: answer.cause };
  if (outcome.done) return outcome;
  report(withCause({ name: 'mark_enrolled_failed' }, outcome.cause));
  options.warnings.callbackFailed({ ...outcome, option: 'markEnrolled', values: [userId] });
  return outcome;
}

/**
 * Calls `markEnrolled` again if the host's record says otherwise. A column that is `null` was added after its user had enrolled, and
 * is filled at the next login.
 */
export async function repairEnrolledMark<User extends MfaUser>(
  flow: FlowContext<User>,
  user: KnownUser,
  enrolled: boolean,
  report: Report,
): Promise<void> {
  if (user.enrolled === undefined || (user.enrolled ?? false) === enrolled) return;
  await markEnrolled(flow, { userId: user.id, enrolled }, report);
}
