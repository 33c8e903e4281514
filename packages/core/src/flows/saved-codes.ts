import { isUnsaved, withSaved } from '../factors/recovery-code/recovery-code.js';
import { readUser } from '../host-input.js';
import type { MfaUser } from '../options.js';
import { isInForce } from '../profile/profile.js';
import { type Result, refuse } from '../results.js';
import { assuranceRequired, stateGate } from './steps/gate.js';
import { CALLBACK_LATE } from './steps/host-callback.js';
import { type Acting, beginOperation, type FlowContext, policyOf, stateOf } from './steps/operation.js';

/**
 * The user says that the recovery codes are saved, so they are not offered new ones at the next login. Saying it again is no error.
 *
 * It takes a second factor that is in force, of whatever age: people save and print codes for as long as they need.
 */
export async function recoveryCodesSaved<User extends MfaUser>(
  flow: FlowContext<User>,
  input: Acting<User> & { recoveryCodesId?: string | undefined },
): Promise<Result> {
  const { user: given, context, recoveryCodesId } = input;
  const user = readUser(given, flow.options.warn);
  const operation = beginOperation(flow, { name: 'recovery_codes_saved', userId: user.id, context });
  const session = stateOf(user.id, input.session);
  if (!session) return operation.end(refuse('login_again'));
  const policy = await policyOf(flow.options, given, context, operation.left);
  if (!policy) return operation.end(CALLBACK_LATE);
  const answer = await flow.profiles.change<Result>(
    user.id,
    operation.report,
    (profile, now) => {
      operation.noteEnrolled(profile);
      const gate = stateGate({ user, policy, session, profile, now });
      if (!gate.open) return { answer: gate.refusal, events: gate.events ?? [] };
      const proven =
        session.state === 'verified' &&
        session.assurance.via !== 'remembered-device' &&
        isInForce(session.assurance, gate.profile);
      if (!proven) return { answer: assuranceRequired() };
      const { recoveryCodes: set } = gate.profile;
      // The page of an older set is still open somewhere: what it shows is worth nothing.
      if (!set || (recoveryCodesId !== undefined && recoveryCodesId !== set.id))
        return { answer: refuse('recovery_codes_outdated') };
      if (!isUnsaved(set)) return { answer: { ok: true } };
      const next = { ...gate.profile, recoveryCodes: withSaved(set) };
      return { answer: { ok: true }, next, events: [{ name: 'recovery_codes_saved' }] };
    },
    undefined,
    { left: operation.left },
  );
  return operation.end(answer);
}
