import type { AccessDecision, MfaSession, Requirement } from '../assurance.js';
import { type Awaitable, andThen } from '../awaitable.js';
import type { EventContext } from '../events.js';
import type { MfaUser } from '../options.js';
import { type AccessFacts, checkRequirement, decideAccess, isDated } from '../policy/requirement.js';
import { beginOperation, checkUserId, type FlowContext, policyOf, stateOf } from './flow.js';

interface AccessInput<User extends MfaUser> {
  user: User;
  session: MfaSession | undefined;
  requirement?: Requirement;
  firstFactorProven?: boolean;
  context?: EventContext;
}

/** Answers the guard's question: one read at most, never a write; at once where it needs no read. */
export function checkAccess<User extends MfaUser>(flow: FlowContext<User>, input: AccessInput<User>): Awaitable<AccessDecision> {
  const { user, context } = input;
  checkUserId(user?.id);
  const requirement = checkRequirement(input.requirement ?? {});
  const { options } = flow;
  return andThen(policyOf(options, user), (policy) => {
    const session = stateOf(user, input.session);
    const isOff = policy.mfa === 'off';
    if (!isOff && isWithinDelay(session, requirement, options.revocationDelaySeconds, options.clock())) {
      return { access: 'allow', via: session.assurance.via, assurance: session.assurance };
    }
    const firstFactorProven = input.firstFactorProven === true;
    const facts = { enrolled: user.enrolled, policy, session, requirement, firstFactorProven };
    if (isOff) return decideAccess({ ...facts, profile: null, now: options.clock() });
    return decideByProfile(flow, { user, context, facts });
  });
}

async function decideByProfile<User extends MfaUser>(
  flow: FlowContext<User>,
  input: { user: User; context: EventContext | undefined; facts: Omit<AccessFacts, 'profile' | 'now'> },
): Promise<AccessDecision> {
  const { user, context, facts } = input;
  const operation = beginOperation(flow, { name: 'check_access', userId: user.id, context });
  const read = await flow.profiles.glance(user.id, operation.report);
  if (!read.ok) {
    operation.end({});
    return { access: 'unavailable', retryAfterSeconds: read.retryAfterSeconds ?? 1 };
  }
  const decision = decideAccess({ ...facts, profile: read.profile, now: flow.options.clock() });
  if (decision.access === 'refuse' && decision.reason === 'profile_missing') operation.report({ name: 'profile_missing' });
  operation.end({});
  return decision;
}

/** A proof so young that the host accepts not to hear of its revocation. Never a remembered device, never a step-up. */
function isWithinDelay(
  session: MfaSession | undefined,
  requirement: Requirement,
  delaySeconds: number,
  now: number,
): session is MfaSession & { state: 'verified' } {
  if (delaySeconds === 0 || requirement.maxAgeSeconds !== undefined || session?.state !== 'verified') return false;
  const { assurance } = session;
  if (assurance.via === 'remembered-device' || !isDated(assurance, now)) return false;
  return now - assurance.verifiedAt <= delaySeconds * 1000;
}
