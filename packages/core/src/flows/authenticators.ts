import type { MfaSession } from '../assurance.js';
import { randomBytes } from '../crypto/random.js';
import { createRecoveryCodes } from '../factors/recovery-code/recovery-code.js';
import type { MfaUser } from '../options.js';
import { mayRemove } from '../policy/enforcement.js';
import { isEnrolled, type Profile, tidyName, withNewEpoch } from '../profile/profile.js';
import { type Result, refuse } from '../results.js';
import type { FlowContext, FlowInput } from './steps/flow-context.js';
import { assuranceRequired } from './steps/gate.js';
import { manage } from './steps/manage.js';
import { markEnrolled } from './steps/mark-enrolled.js';

/** Renames an authenticator. */
export function renameAuthenticator<User extends MfaUser>(
  flow: FlowContext<User>,
  input: FlowInput<User> & { authenticatorId: string; name: string },
): Promise<Result<{ session: MfaSession }>> {
  const { authenticatorId, name } = input;
  return manage(flow, input, 'rename_authenticator', {
    change({ profile }) {
      if (!has(profile, authenticatorId)) return { refusal: refuse('not_enrolled') };
      const authenticators = profile.authenticators.map((authenticator) =>
        authenticator.id === authenticatorId ? { ...authenticator, name: tidyName(name, authenticator.name) } : authenticator,
      );
      return { next: { ...profile, authenticators }, fields: {}, events: [{ name: 'authenticator_renamed', authenticatorId }] };
    },
  });
}

/** Removes an authenticator, but not the last one while MFA is required. Ends all other sessions and every remembered device. */
export function removeAuthenticator<User extends MfaUser>(
  flow: FlowContext<User>,
  input: FlowInput<User> & { authenticatorId: string },
): Promise<Result<{ session: MfaSession }>> {
  const { authenticatorId } = input;
  return manage(flow, input, 'remove_authenticator', {
    change({ profile, policy, now }) {
      if (!has(profile, authenticatorId)) return { refusal: refuse('not_enrolled') };
      if (!mayRemove(policy, profile, authenticatorId)) return { refusal: refuse('not_allowed') };
      const authenticators = profile.authenticators.filter((candidate) => candidate.id !== authenticatorId);
      const remaining = { ...withNewEpoch(profile), authenticators };
      const next = authenticators.length > 0 ? remaining : { ...remaining, recoveryCodes: null, devices: [], unenrolledAt: now };
      return { next, fields: {}, events: [{ name: 'authenticator_removed', authenticatorId }] };
    },
    async afterWrite(next, { user, operation }) {
      if (!isEnrolled(next)) await markEnrolled(flow, { userId: user.id, enrolled: false }, operation.report);
    },
  });
}

/**
 * Makes a new set of recovery codes. The same write ends the old set.
 *
 * Each proof makes one set, because a repeated request would replace the codes that the first answer has shown.
 */
export function regenerateRecoveryCodes<User extends MfaUser>(
  flow: FlowContext<User>,
  input: FlowInput<User>,
): Promise<Result<{ recoveryCodes: string[]; recoveryCodesId: string; session: MfaSession }>> {
  return manage<User, { recoveryCodes: string[]; recoveryCodesId: string }>(flow, input, 'regenerate_recovery_codes', {
    change({ profile, session, now }) {
      if (flow.options.recoveryCodeCount === 0) return { refusal: refuse('not_allowed') };
      const { createdAt = 0 } = profile.recoveryCodes ?? {};
      if (createdAt <= now && session.assurance.verifiedAt < createdAt) return { refusal: assuranceRequired() };
      const { set, codes } = createRecoveryCodes(flow.options.recoveryCodeCount, randomBytes, now);
      return {
        next: { ...profile, recoveryCodes: set },
        fields: { recoveryCodes: codes, recoveryCodesId: set.id },
        events: [{ name: 'recovery_codes_regenerated' }],
      };
    },
  });
}

function has(profile: Profile, authenticatorId: string): boolean {
  return profile.authenticators.some((authenticator) => authenticator.id === authenticatorId);
}
