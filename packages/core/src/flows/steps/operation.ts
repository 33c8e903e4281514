import { type MfaSession, sessionUserId } from '../../assurance.js';
import { type Awaitable, isThenable } from '../../awaitable.js';
import { MfaError } from '../../errors.js';
import { copyEvent, type EventContext, type EventDetail, type MfaEvent, withCause } from '../../events.js';
import type { KnownUser } from '../../host-input.js';
import type { MfaUser, ResolvedOptions } from '../../options.js';
import { type EffectivePolicy, effectivePolicy } from '../../policy/enforcement.js';
import { isEnrolled, type Profile } from '../../profile/profile.js';
import type { Refusal } from '../../results.js';
import { startCountdown, withinDeadline } from '../../store/deadline.js';
import { OPERATION_MS, type ProfileStore, type Report } from '../../store/profile-store.js';
import { valuesIn } from '../../warnings/values.js';
import type { Emit } from './emitter.js';
import { awaitCallback } from './host-callback.js';

/** What every flow works with: the options, the profiles, the way out for events. */
export interface FlowContext<User extends MfaUser = MfaUser> {
  options: ResolvedOptions<User>;
  profiles: ProfileStore;
  /** Hands an event to the host's sinks; null: nobody listens. Nobody needs to wait; who makes many may wait until they have it. */
  emit: Emit | null;
  /** Null: the option `markEnrolled` is not set. */
  hostMemory: HostMemory | null;
}

/** The host's own memory of who is enrolled, written through `markEnrolled`. */
export interface HostMemory {
  /**
   * Tells the host. Calls of one user run one after another. Then the profile is read again, and the host is told again while the
   * profile says otherwise: another process may have changed it, and told the host, in the meantime.
   */
  tell(userId: string, enrolled: boolean): Promise<Told>;
}

/** What came of it. `acknowledged`: the record holds no note any more that the host has yet to hear of a reset. */
export type Told = { done: true; acknowledged: boolean } | { done: false; why: 'timeout' | 'error'; cause?: unknown };

/** Who acts, in which session. */
export interface Acting<User extends MfaUser = MfaUser> {
  user: User;
  session: MfaSession | undefined;
  context?: EventContext | undefined;
}

/** Collects the events of one operation; they leave when the operation is decided. */
export interface Operation {
  report: Report;
  /** Milliseconds that the operation still has, for callbacks of the host and the storage together. */
  left: () => number;
  /** Whether the user has an authenticator, once it is known. */
  noteEnrolled(profile: Profile | null): void;
  /** Sends what was reported; a refusal of which nothing was reported becomes a `refused` event. */
  end<Answer extends object>(answer: Answer): Answer;
  /** The same for an operator's call, which waits until the host's sinks have everything, two seconds for each of them at most. */
  finish<Answer extends object>(answer: Answer): Promise<Answer>;
}

/** How long a user's flow waits for `markEnrolled`. */
const TELL_MS = 2_000;
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
    left: startCountdown(OPERATION_MS),
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

/**
 * The policy of this user now; null: it did not answer in the time that is left. A policy that throws, or answers what is no policy,
 * is the host's fault and denies.
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

/** The session's state if it speaks of this user; state of another user is nobody's. */
export function stateOf(userId: string, session: MfaSession | undefined): MfaSession | undefined {
  return session && sessionUserId(session) === userId ? session : undefined;
}

/**
 * Tells the host who is enrolled, if it asked to be told, and waits for it, two seconds by default. Failing, it is told again at the
 * next login. Gives what came of it.
 */
export async function tellHost(
  { hostMemory, options }: Pick<FlowContext, 'hostMemory'> & { options: Pick<ResolvedOptions, 'warnings'> },
  told: { userId: string; enrolled: boolean; waitMs?: number },
  report: Report,
): Promise<Told> {
  if (!hostMemory) return { done: true, acknowledged: false };
  const { userId, enrolled, waitMs = TELL_MS } = told;
  const answer = await withinDeadline(waitMs, () => hostMemory.tell(userId, enrolled));
  const outcome: Told = answer.done ? answer.value : { ...answer, cause: answer.cause };
  if (outcome.done) return outcome;
  report(withCause({ name: 'mark_enrolled_failed' }, outcome.cause));
  options.warnings.callbackFailed({ ...outcome, option: 'markEnrolled', values: [userId] });
  return outcome;
}

/**
 * Tells the host again while its memory says otherwise. A column that is `null` was added after its user had enrolled, and is filled
 * at the next login.
 */
export async function remindHost<User extends MfaUser>(
  flow: FlowContext<User>,
  user: KnownUser,
  enrolled: boolean,
  report: Report,
): Promise<void> {
  if (user.enrolled === undefined || (user.enrolled ?? false) === enrolled) return;
  await tellHost(flow, { userId: user.id, enrolled }, report);
}

/** Whether the answer of a flow is a refusal. */
export function isRefusal(answer: object): answer is Refusal {
  return 'ok' in answer && answer.ok === false;
}
