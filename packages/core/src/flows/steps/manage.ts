import type { MfaSession, VerifiedSession } from '../../assurance.js';
import type { EventDetail } from '../../events.js';
import type { MfaUser } from '../../options.js';
import type { EffectivePolicy } from '../../policy/enforcement.js';
import type { Profile } from '../../profile/profile.js';
import type { Refusal, Result } from '../../results.js';
import { actingFlow, type Begun } from './acting-flow.js';
import type { FlowContext, FlowInput } from './flow-context.js';
import { managementGate, type OpenManagementGate } from './gate.js';

/** The input for a change of a user's own settings. */
export interface ManagedFacts {
  profile: Profile;
  policy: EffectivePolicy;
  session: VerifiedSession;
  now: number;
}

/** The outcome of such a change. */
export type Change<Fields extends object> = { refusal: Refusal } | Changed<Fields>;

interface Changed<Fields extends object> {
  next: Profile;
  fields: Fields;
  events: EventDetail[];
  /** The acting session's new state. By default, the old state in the new epoch. */
  session?: MfaSession;
}

/**
 * Changes a user's own settings. This needs a second factor proven within the last five minutes. The acting session gets the new
 * epoch, so that its user is not asked for a code again.
 */
export function manage<User extends MfaUser, Fields extends object>(
  flow: FlowContext<User>,
  input: FlowInput<User>,
  name: string,
  {
    change,
    afterWrite,
  }: { change(facts: ManagedFacts): Change<Fields>; afterWrite?(next: Profile, begun: Begun): Promise<void> },
): Promise<Result<Fields & { session: MfaSession }>> {
  return actingFlow(flow, input, name, (begun) => ({
    gate: managementGate,
    decide({ profile, session }: OpenManagementGate, { policy, now }) {
      const changed = change({ profile, policy, session, now });
      if ('refusal' in changed) return { answer: changed.refusal };
      const { next, fields, events } = changed;
      begun.operation.noteEnrolled(next);
      const done = { ok: true, fields, next, session: changed.session ?? inEpoch(session, next) } as const;
      return { answer: done, next, events };
    },
    afterWrite: afterWrite && (({ next }) => afterWrite(next, begun)),
    answer: ({ fields, session }) => ({ ok: true, ...fields, session }),
  }));
}

/** The acting session's state in the profile's current epoch. */
export function inEpoch(session: MfaSession, profile: Profile): MfaSession {
  const { epoch, deviceEpoch } = profile;
  if (session.state === 'pending') return { ...session, epoch, deviceEpoch };
  return { ...session, assurance: { ...session.assurance, epoch } };
}
