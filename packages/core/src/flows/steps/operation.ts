import { copyEvent, type EventContext, type EventDetail, type MfaEvent } from '../../events.js';
import { isEnrolled, type Profile } from '../../profile/profile.js';
import { isRefusal } from '../../results.js';
import { countdown } from '../../store/deadline.js';
import { OPERATION_MS, type Report } from '../../store/profile-store.js';
import type { FlowContext } from './flow-context.js';

/** Collects the events of one operation and sends them when it is decided. */
export interface Operation {
  report: Report;
  /** How many milliseconds are left for the storage and callbacks of the host. */
  left: () => number;
  /** Whether the user has an authenticator, once it is known. */
  noteEnrolled(profile: Profile | null): void;
  /** Sends the reported events. A refusal without one becomes a `refused` event. */
  end<Answer extends object>(answer: Answer): Answer;
  /** The same for an operator's call, which waits up to two seconds for each of the host's sinks. */
  finish<Answer extends object>(answer: Answer): Promise<Answer>;
}

/** How long an operator's call waits for the host's sinks. */
const SINKS_MS = 2_000;

/** Begins an operation under its name in the audit trail. */
export function beginOperation(
  flow: Pick<FlowContext, 'emit'> & { options: { clock: () => number } },
  given: { name: string; userId: string; context?: EventContext | undefined },
): Operation {
  const details: EventDetail[] = [];
  let enrolled: boolean | undefined;

  return {
    report: (detail) => details.push(detail),
    left: countdown(OPERATION_MS),
    noteEnrolled: (profile) => {
      enrolled = isEnrolled(profile);
    },
    end(answer) {
      if (!flow.emit) return answer;
      noteRefusal(answer, given.name, details);
      const about = { ...given, enrolled, at: flow.options.clock() };
      for (const detail of details) void flow.emit(toEvent(detail, about));
      return answer;
    },
    async finish(answer) {
      const { emit } = flow;
      if (!emit) return answer;
      noteRefusal(answer, given.name, details);
      const about = { ...given, enrolled, at: flow.options.clock() };
      await Promise.all(details.map((detail) => emit(toEvent(detail, about), SINKS_MS)));
      return answer;
    },
  };
}

function toEvent(
  detail: EventDetail,
  {
    userId,
    context,
    enrolled,
    at,
  }: { userId: string; context?: EventContext | undefined; enrolled: boolean | undefined; at: number },
): MfaEvent {
  const event: MfaEvent = copyEvent(detail, { userId, at });
  if (context !== undefined) event.context = context;
  if (enrolled !== undefined) event.enrolled = enrolled;
  return event;
}

function noteRefusal(answer: object, operation: string, details: EventDetail[]): void {
  if (!isRefusal(answer) || details.length > 0) return;
  details.push({ name: 'refused', operation, reason: answer.reason });
}
