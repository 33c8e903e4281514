import { isUnsaved, withSaved } from '../factors/recovery-code/recovery-code.js';
import type { MfaUser } from '../options.js';
import { isInForce } from '../profile/profile.js';
import { type Result, refuse } from '../results.js';
import { actingFlow } from './steps/acting-flow.js';
import type { FlowContext, FlowInput } from './steps/flow-context.js';
import { assuranceRequired, stateGate } from './steps/gate.js';

/**
 * Notes that the user has saved the recovery codes, so that the next login does not offer new ones. May be called again.
 *
 * Needs a session with a second factor, of any age, because saving or printing codes may take a while.
 */
export function recoveryCodesSaved<User extends MfaUser>(
  flow: FlowContext<User>,
  input: FlowInput<User> & { recoveryCodesId?: string | undefined },
): Promise<Result> {
  return actingFlow(flow, input, 'recovery_codes_saved', () => ({
    gate: stateGate,
    decide({ profile }, { session }) {
      const proven =
        session.state === 'verified' && session.assurance.via !== 'remembered-device' && isInForce(session.assurance, profile);
      if (!proven) return { answer: assuranceRequired() };
      const { recoveryCodesId } = input;
      const { recoveryCodes: set } = profile;
      // The page of an older set may still be open somewhere. Its codes no longer work, so saving them must not count.
      if (!set || (recoveryCodesId !== undefined && recoveryCodesId !== set.id)) {
        return { answer: refuse('recovery_codes_outdated') };
      }
      if (!isUnsaved(set)) return { answer: { ok: true } };
      const next = { ...profile, recoveryCodes: withSaved(set) };
      return { answer: { ok: true }, next, events: [{ name: 'recovery_codes_saved' }] };
    },
    answer: (done: { ok: true }) => done,
  }));
}
