import type { MfaSession } from '../assurance.js';
import type { EventDetail } from '../events.js';
import type { MfaUser } from '../options.js';
import { withNewEpoch } from '../profile/profile.js';
import type { Result } from '../results.js';
import type { Acting, FlowContext } from './flow.js';
import { manage } from './manage.js';

/** Forgets a device: it is asked again from its next request on. Forgetting one that is gone is no error. */
export function revokeDevice<User extends MfaUser>(
  flow: FlowContext<User>,
  input: Acting<User> & { deviceId: string },
): Promise<Result<{ session: MfaSession }>> {
  const { deviceId } = input;
  return manage(flow, input, 'revoke_device', ({ profile }) => {
    const devices = profile.devices.filter((device) => device.id !== deviceId);
    const gone: EventDetail[] = devices.length < profile.devices.length ? [{ name: 'device_revoked', deviceId }] : [];
    return { next: { ...profile, devices }, fields: {}, events: gone };
  });
}

/** Makes every other session and every remembered device worth nothing. */
export function endAllSessions<User extends MfaUser>(
  flow: FlowContext<User>,
  input: Acting<User>,
): Promise<Result<{ session: MfaSession }>> {
  return manage(flow, input, 'end_all_sessions', ({ profile }) => ({
    next: withNewEpoch(profile),
    fields: {},
    events: [{ name: 'sessions_ended', because: 'user' }],
  }));
}
