import { type MfaSession, sessionUserId } from '../assurance.js';
import { type Awaitable, isThenable } from '../awaitable.js';
import { MfaError } from '../errors.js';
import { copyEvent, type EventContext, type EventDetail, type MfaEvent, withCause } from '../events.js';
import type { KnownUser } from '../host-input.js';
import type { MfaUser, ResolvedOptions } from '../options.js';
import { type EffectivePolicy, effectivePolicy } from '../policy/enforcement.js';
import type { ProfileStore, Report } from '../profile/change-profile.js';
import { withinDeadline } from '../profile/deadline.js';
import { isEnrolled, type Profile } from '../profile/profile.js';
import type { Refusal } from '../results.js';

/** What every flow works with: the options, the profiles, the way out for events. */
export interface FlowContext<User extends MfaUser = MfaUser> {
  options: ResolvedOptions<User>;
  profiles: ProfileStore;
  /** Hands an event to the host's sinks; null: nobody listens. Nobody needs to wait; who makes many may wait until they have it. */
  emit: ((event: MfaEvent) => Promise<void>) | null;
}

/** Who acts, in which session. */
export interface Acting<User extends MfaUser = MfaUser> {
  user: User;
  session: MfaSession | undefined;
  context?: EventContext | undefined;
}

/** Collects the events of one operation; they leave when the operation is decided. */
export interface Operation {
  report: Report;
  /** Whether the user has an authenticator, once it is known. */
  noteEnrolled(profile: Profile | null): void;
  /** Sends what was reported; a refusal of which nothing was reported becomes a `refused` event. */
  end<Answer extends object>(answer: Answer): Answer;
}

const TELL_MS = 2_000;

/** Begins an operation under its name in the audit trail. */
export function beginOperation(
  flow: Pick<FlowContext, 'emit'> & { options: { clock: () => number } },
  given: { name: string; userId: string; context?: EventContext | undefined },
): Operation {
  const details: EventDetail[] = [];
  let enrolled: boolean | undefined;
  return {
    report: (detail) => details.push(detail),
    noteEnrolled: (profile) => {
      enrolled = isEnrolled(profile);
    },
    end(answer) {
      if (!flow.emit) return answer;
      if (isRefusal(answer) && details.length === 0) {
        details.push({ name: 'refused', operation: given.name, reason: answer.reason });
      }
      const { userId, context } = given;
      const at = flow.options.clock();
      for (const detail of details) {
        const event: MfaEvent = copyEvent(detail, { userId, at });
        if (context !== undefined) event.context = context;
        if (enrolled !== undefined) event.enrolled = enrolled;
        void flow.emit(event);
      }
      return answer;
    },
  };
}

/** The policy of this user now. A policy that throws, or answers what is no policy, is the host's fault and denies. */
export function policyOf<User extends MfaUser>(
  options: ResolvedOptions<User>,
  user: User,
  context: EventContext | undefined,
): Awaitable<EffectivePolicy> {
  const { rememberDays } = options;
  try {
    const given = options.policy(user, context);
    if (!isThenable(given)) return effectivePolicy(given, rememberDays);
    return Promise.resolve(given)
      .then((policy) => effectivePolicy(policy, rememberDays))
      .catch(refusePolicy);
  } catch (cause) {
    return refusePolicy(cause);
  }
}

function refusePolicy(cause: unknown): never {
  if (cause instanceof MfaError && cause.code === 'host_callback_failed') throw cause;
  throw new MfaError('host_callback_failed', 'The option "policy" threw. Fix the cause, or let it return { mfa: "required" }.', {
    cause,
  });
}

/** The session's state if it speaks of this user; state of another user is nobody's. */
export function stateOf(userId: string, session: MfaSession | undefined): MfaSession | undefined {
  return session && sessionUserId(session) === userId ? session : undefined;
}

/** Tells the host who is enrolled, if it asked to be told. Failing, it is told again at the next login. */
export async function tellHost(
  flow: { options: Pick<ResolvedOptions, 'markEnrolled' | 'warnings'> },
  userId: string,
  enrolled: boolean,
  report: Report,
): Promise<void> {
  const { markEnrolled, warnings } = flow.options;
  if (!markEnrolled) return;
  const told = await withinDeadline(TELL_MS, async () => markEnrolled(userId, enrolled));
  if (told.done) return;
  report(withCause({ name: 'mark_enrolled_failed' }, told.cause));
  warnings.callbackFailed({ ...told, option: 'markEnrolled', values: [userId] });
}

/** Tells the host again while its memory says otherwise. */
export async function remindHost<User extends MfaUser>(
  flow: FlowContext<User>,
  user: KnownUser,
  enrolled: boolean,
  report: Report,
): Promise<void> {
  if (user.enrolled !== undefined && user.enrolled !== enrolled) await tellHost(flow, user.id, enrolled, report);
}

/** Whether the answer of a flow is a refusal. */
export function isRefusal(answer: object): answer is Refusal {
  return 'ok' in answer && answer.ok === false;
}
