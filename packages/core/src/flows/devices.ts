import type { MfaSession, VerifiedSession } from '../assurance.js';
import type { EventDetail } from '../events.js';
import type { MfaUser } from '../options.js';
import { endDevice, type Profile, withNewEpoch } from '../profile/profile.js';
import type { Result } from '../results.js';
import type { FlowContext, FlowInput } from './steps/flow-context.js';
import { manage } from './steps/manage.js';

/**
 * Forgets a device, so that its next login needs a code, and ends the sessions that came from it. Does nothing if the device is unknown.
 * If the acting session came from the device, it ends too: its new state is that of a login before the code.
 */
export function revokeDevice<User extends MfaUser>(
  flow: FlowContext<User>,
  input: FlowInput<User> & { deviceId: string },
): Promise<Result<{ session: MfaSession; endedOwnSession?: true }>> {
  const { deviceId } = input;
  return manage<User, { endedOwnSession?: true }>(flow, input, 'revoke_device', {
    change({ profile, session }) {
      const next = endDevice(profile, deviceId);
      const events: EventDetail[] = next === profile ? [] : [{ name: 'device_revoked', deviceId }];
      if (next === profile || session.assurance.deviceId !== deviceId) return { next, fields: {}, events };
      return { next, fields: { endedOwnSession: true }, events, session: beforeCode(session, next) };
    },
  });
}

/** Ends every other session and every remembered device. */
export function endAllSessions<User extends MfaUser>(
  flow: FlowContext<User>,
  input: FlowInput<User>,
): Promise<Result<{ session: MfaSession }>> {
  return manage(flow, input, 'end_all_sessions', {
    change: ({ profile }) => ({
      next: withNewEpoch(profile),
      fields: {},
      events: [{ name: 'sessions_ended', because: 'user' }],
    }),
  });
}

/** The state of a login whose first factor was proven at an unknown time. */
function beforeCode({ assurance, returnTo }: VerifiedSession, { epoch, deviceEpoch }: Profile): MfaSession {
  const { userId } = assurance;
  const way = returnTo === undefined ? {} : { returnTo };
  return { state: 'pending', userId, epoch, deviceEpoch, since: 0, enrollmentIds: [], ...way };
}
