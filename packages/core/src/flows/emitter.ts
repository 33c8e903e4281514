import { copyEvent, type MfaEvent, type MfaNotice, type NoticeName, withCause } from '../events.js';
import type { MfaUser, ResolvedOptions } from '../options.js';
import { withinDeadline } from '../profile/deadline.js';

const NOTIFY_MS = 10_000;
const NOTICES: ReadonlySet<string> = new Set<NoticeName>([
  'authenticator_enrolled',
  'authenticator_removed',
  'recovery_code_used',
  'recovery_codes_low',
  'recovery_codes_regenerated',
  'recovery_codes_revoked',
  'guessing_suspected',
  'device_token_reused',
  'sessions_ended',
  'mfa_reset',
]);

/** Hands events to the host's sinks; null: it has none. A sink that throws or hangs neither grants, denies nor delays anything. */
export function createEmitter<User extends MfaUser>({
  onEvent,
  notify,
  warnings,
}: ResolvedOptions<User>): ((event: MfaEvent) => Promise<void>) | null {
  async function toSink(event: MfaEvent): Promise<void> {
    try {
      await onEvent?.(event);
    } catch (cause) {
      // The audit trail is the host's; what it loses there it must count there.
      warnings.callbackFailed({ option: 'onEvent', why: 'error', cause, values: valuesOf(event) });
    }
  }
  async function toUser(notice: MfaNotice): Promise<void> {
    const told = await withinDeadline(NOTIFY_MS, async () => notify?.(copyEvent(notice)));
    if (told.done) return;
    warnings.callbackFailed({ ...told, option: 'notify', values: valuesOf(notice) });
    const { userId, at, name } = notice;
    await toSink(withCause({ userId, at, name: 'notify_failed', notice: name }, told.cause));
  }
  if (!onEvent && !notify) return null;
  return (event) => {
    // Each gets a copy: an audit trail that rewrites what it is given must not keep a notice from the user.
    const recorded = toSink(copyEvent(event));
    const told = notify && isNotice(event) ? toUser(event) : undefined;
    return Promise.all([recorded, told]).then(() => undefined);
  };
}

function isNotice(event: MfaEvent): event is MfaNotice {
  return NOTICES.has(event.name);
}

/** What an error of a sink may repeat. */
function valuesOf({ userId, context }: MfaEvent): unknown[] {
  return [userId, ...Object.values(context ?? {})];
}
