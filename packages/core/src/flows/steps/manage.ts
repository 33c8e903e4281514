import type { MfaSession, VerifiedSession } from '../../assurance.js';
import type { EventDetail } from '../../events.js';
import { readUser } from '../../host-input.js';
import type { MfaUser } from '../../options.js';
import type { EffectivePolicy } from '../../policy/enforcement.js';
import type { Profile } from '../../profile/profile.js';
import { type Refusal, type Result, refuse } from '../../results.js';
import { managementGate } from './gate.js';
import { CALLBACK_LATE } from './host-callback.js';
import { type Acting, beginOperation, type FlowContext, isRefusal, type Operation, policyOf, stateOf } from './operation.js';

/** What a change of a user's own settings comes to. */
export type Change<Fields extends object> = { refusal: Refusal } | Changed<Fields>;

interface Changed<Fields extends object> {
  next: Profile;
  fields: Fields;
  events: EventDetail[];
  /** The acting session's state, where it is not the one that it had. */
  session?: MfaSession;
}

/**
 * Changes a user's own settings: a second factor of the last five minutes is needed, and the acting session gets the new epoch,
 * so that nobody is challenged by their own change.
 */
export async function manage<User extends MfaUser, Fields extends object>(
  flow: FlowContext<User>,
  input: Acting<User>,
  name: string,
  change: (facts: { profile: Profile; policy: EffectivePolicy; session: VerifiedSession; now: number }) => Change<Fields>,
  after?: (profile: Profile, operation: Operation, userId: string) => Promise<void>,
): Promise<Result<Fields & { session: MfaSession }>> {
  const { user: given, context } = input;
  const user = readUser(given, flow.options.warn);
  const operation = beginOperation(flow, { name, userId: user.id, context });
  const session = stateOf(user.id, input.session);
  if (!session) return operation.end(refuse('login_again'));
  const policy = await policyOf(flow.options, given, context, operation.left);
  if (!policy) return operation.end(CALLBACK_LATE);
  const answer = await flow.profiles.change<{ ok: true; fields: Fields; next: Profile; session: MfaSession } | Refusal>(
    user.id,
    operation.report,
    (profile, now) => {
      operation.noteEnrolled(profile);
      const gate = managementGate({ user, policy, session, profile, now });
      if (!gate.open) return { answer: gate.refusal, events: gate.events ?? [] };
      const changed = change({ profile: gate.profile, policy, session: gate.session, now });
      if ('refusal' in changed) return { answer: changed.refusal };
      const { next, fields, events } = changed;
      operation.noteEnrolled(next);
      return { answer: { ok: true, fields, next, session: changed.session ?? inEpoch(session, next) }, next, events };
    },
    undefined,
    { left: operation.left },
  );
  if (isRefusal(answer)) return operation.end(answer);
  await after?.(answer.next, operation, user.id);
  return operation.end({ ok: true, ...answer.fields, session: answer.session });
}

/** The acting session's state in the profile's present epoch. */
export function inEpoch(session: MfaSession, profile: Profile): MfaSession {
  const { epoch, deviceEpoch } = profile;
  if (session.state === 'pending') return { ...session, epoch, deviceEpoch };
  return { ...session, assurance: { ...session.assurance, epoch } };
}
