import type { AccessDecision, MfaSession, Requirement } from '../assurance.js';
import { type Awaitable, isThenable } from '../awaitable.js';
import type { EventContext } from '../events.js';
import type { MfaUser } from '../options.js';
import type { EffectivePolicy } from '../policy/enforcement.js';
import { checkRequirement, decideAccess, isDated, PLAIN_REQUIREMENT } from '../policy/requirement.js';
import type { Profile } from '../profile/profile.js';
import { beginOperation, checkUserId, type FlowContext, policyOf, stateOf } from './flow.js';

interface AccessInput<User extends MfaUser> {
  user: User;
  session: MfaSession | undefined;
  requirement?: Requirement;
  firstFactorProven?: boolean;
  context?: EventContext;
}

/** The question, as far as it is known before the profile is. */
interface Asked<User extends MfaUser> {
  user: User;
  context: EventContext | undefined;
  policy: EffectivePolicy;
  session: MfaSession | undefined;
  requirement: Requirement;
  firstFactorProven: boolean;
}

/** Answers the guard's question: one read at most, never a write; at once where it needs no read. */
export function checkAccess<User extends MfaUser>(flow: FlowContext<User>, input: AccessInput<User>): Awaitable<AccessDecision> {
  const { user } = input;
  checkUserId(user?.id);
  const requirement = checkRequirement(input.requirement ?? PLAIN_REQUIREMENT);
  const policy = policyOf(flow.options, user);
  return isThenable(policy)
    ? policy.then((known) => decideByPolicy(flow, input, requirement, known))
    : decideByPolicy(flow, input, requirement, policy);
}

function decideByPolicy<User extends MfaUser>(
  flow: FlowContext<User>,
  input: AccessInput<User>,
  requirement: Requirement,
  policy: EffectivePolicy,
): Awaitable<AccessDecision> {
  const { user, context } = input;
  const { revocationDelaySeconds, clock } = flow.options;
  const session = stateOf(user, input.session);
  if (policy.mfa !== 'off' && isWithinDelay(session, requirement, revocationDelaySeconds, clock())) {
    return { access: 'allow', via: session.assurance.via, assurance: session.assurance };
  }
  const asked: Asked<User> = { user, context, policy, session, requirement, firstFactorProven: input.firstFactorProven === true };
  return policy.mfa === 'off' ? decide(asked, null, clock()) : decideByProfile(flow, asked);
}

async function decideByProfile<User extends MfaUser>(flow: FlowContext<User>, asked: Asked<User>): Promise<AccessDecision> {
  const { user, context } = asked;
  const operation = beginOperation(flow, { name: 'check_access', userId: user.id, context });
  const read = await flow.profiles.glance(user.id, operation.report);
  if (!read.ok) {
    operation.end({});
    return { access: 'unavailable', retryAfterSeconds: read.retryAfterSeconds ?? 1 };
  }
  const decision = decide(asked, read.profile, flow.options.clock());
  if (decision.access === 'refuse' && decision.reason === 'profile_missing') operation.report({ name: 'profile_missing' });
  operation.end({});
  return decision;
}

function decide<User extends MfaUser>(asked: Asked<User>, profile: Profile | null, now: number): AccessDecision {
  const { user, policy, session, requirement, firstFactorProven } = asked;
  return decideAccess({ enrolled: user.enrolled, policy, profile, session, requirement, firstFactorProven, now });
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
