import { isThenable } from '../../awaitable.js';
import { copyEvent, type MfaEvent, type MfaNotice, NOTICES, withCause } from '../../events.js';
import type { MfaUser, ResolvedOptions } from '../../options.js';
import { withinDeadline } from '../../store/deadline.js';
import { createRepeats } from './repeats.js';
import type { RunningCalls } from './running-calls.js';

/**
 * Passes one event to the host's sinks, and settles when they have it. A sink that throws or hangs changes no decision.
 *
 * `waitMs` is how long the caller waits at most, and again for the record of a notice that failed. Without it, the event is sent in the
 * background.
 */
export type Emit = (event: MfaEvent, waitMs?: number) => Promise<void>;

const NOTIFY_MS = 10_000;
const NOTICE_NAMES: ReadonlySet<string> = new Set(NOTICES);

/** Binds the host's sinks. Returns null if it has none. */
export function createEmitter<User extends MfaUser>(
  { onEvent, notify, warnings }: Pick<ResolvedOptions<User>, 'onEvent' | 'notify' | 'warnings'>,
  runningCalls: RunningCalls,
): Emit | null {
  function warn(event: MfaEvent, failure: { why: 'error'; cause: unknown } | { why: 'timeout' }): void {
    warnings.callbackFailed({ ...failure, option: 'onEvent', values: valuesOf(event) });
  }

  /** Sends the event to the audit trail. Returns undefined if `onEvent` has already finished. */
  function record(event: MfaEvent): Promise<void> | undefined {
    let given: unknown;
    try {
      given = onEvent?.(event);
      if (!isThenable(given)) return undefined;
    } catch (cause) {
      warn(event, { why: 'error', cause });
      return undefined;
    }
    const recorded = Promise.resolve(given).then(
      () => undefined,
      (cause) => warn(event, { why: 'error', cause }),
    );
    runningCalls.track('events', recorded);
    return recorded;
  }

  async function notifyUser(notice: MfaNotice, waitMs: number | undefined): Promise<void> {
    const send = async () => notify?.(copyEvent(notice));
    const answer = await withinDeadline(waitMs ?? NOTIFY_MS, send, { inBackground: waitMs === undefined });
    if (answer.done) return;
    warnings.callbackFailed({ ...answer, option: 'notify', values: valuesOf(notice) });
    const { userId, at, context, name } = notice;
    const failed = withCause(
      { userId, at, ...(context && { context }), name: 'notify_failed' as const, notice: name },
      answer.cause,
    );
    await waitForRecord(failed, record(failed), waitMs);
  }

  async function waitForRecord(event: MfaEvent, recorded: Promise<void> | undefined, waitMs: number | undefined): Promise<void> {
    if (waitMs === undefined || !recorded) return recorded;
    const known = await withinDeadline(waitMs, () => recorded);
    if (!known.done) warn(event, { why: 'timeout' });
  }

  if (!onEvent && !notify) return null;
  const repeats = createRepeats();
  return async (given, waitMs) => {
    const event = repeats.thin(given);
    if (!event) return;
    // Pass a copy to each, because an audit trail that changes its event must not suppress the notice to the user.
    const recorded = record(copyEvent(event));
    const notified = notify && isNotice(event) ? notifyUser(event, waitMs) : undefined;
    if (notified) runningCalls.track('notices', notified);
    await Promise.all([waitForRecord(event, recorded, waitMs), notified]);
  };
}

function isNotice(event: MfaEvent): event is MfaNotice {
  return NOTICE_NAMES.has(event.name);
}

/** Values that an error of a sink may repeat, and a warning must not. */
function valuesOf(event: MfaEvent): unknown[] {
  const account = 'actor' in event ? [event.actor, event.reason] : [];
  return [event.userId, ...account, ...Object.values(event.context ?? {})];
}
