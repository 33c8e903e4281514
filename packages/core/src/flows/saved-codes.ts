import { isUnsaved, withSaved } from '../factors/recovery-code/recovery-code.js';
import type { MfaUser } from '../options.js';
import { isInForce } from '../profile/profile.js';
import { type Result, refuse } from '../results.js';
import { actingFlow } from './steps/acting-flow.js';
import type { FlowContext, FlowInput } from './steps/flow-context.js';
import { assuranceRequired, stateGate } from './steps/gate.js';

/**
 * The user says that the recovery codes are saved, so they are not offered new ones at the next login. Saying it again is no error.
 *
 * It takes a second factor that is in force, of whatever age: people save and print codes for as long as they need.
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
