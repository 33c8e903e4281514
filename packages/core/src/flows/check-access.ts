import type { AccessDecision, MfaSession, Requirement } from '../assurance.js';
import { type Awaitable, isThenable } from '../awaitable.js';
import type { EventContext, EventDetail } from '../events.js';
import { checkUserId, readEnrolled, readUserName } from '../host-input.js';
import type { MfaUser } from '../options.js';
import type { EffectivePolicy } from '../policy/enforcement.js';
import { checkRequirement, decideAccess, isDated, PLAIN_REQUIREMENT } from '../policy/requirement.js';
import type { Profile } from '../profile/profile.js';
import { countdown } from '../store/deadline.js';
import { OPERATION_MS } from '../store/profile-store.js';
import { type FlowContext, stateOf } from './steps/flow-context.js';
import { CALLBACK_LATE } from './steps/host-callback.js';
import { beginOperation } from './steps/operation.js';
import { policyOf } from './steps/user-policy.js';

interface AccessInput<User extends MfaUser> {
  user: User;
  session: MfaSession | undefined;
  requirement?: Requirement | undefined;
  firstFactorProven?: boolean | undefined;
  context?: EventContext | undefined;
}

/** The question, as far as it is known before the profile is. */
interface Asked {
  userId: string;
  enrolled: boolean | null | undefined;
  context: EventContext | undefined;
  policy: EffectivePolicy;
  session: MfaSession | undefined;
  requirement: Requirement;
  firstFactorProven: boolean;
}

const LATE: AccessDecision = { access: 'unavailable', retryAfterSeconds: CALLBACK_LATE.retryAfterSeconds ?? 1 };

/** Answers the guard's question: one read at most, never a write; at once where it needs no read. */
export function checkAccess<User extends MfaUser>(flow: FlowContext<User>, input: AccessInput<User>): Awaitable<AccessDecision> {
  const { options } = flow;
  const { user, context, requirement: given } = input;
  const userId: unknown = typeof user === 'object' && user !== null ? user.id : undefined;
  if (typeof userId !== 'string') checkUserId(userId);
  const session = stateOf(userId, input.session);
  // An id that the session's state has was checked when that state was made. To check it takes a third of a guard without a read.
  if (!session) checkUserId(userId);
  readUserName(user);
  const enrolled = readEnrolled(user, options.warn);
  const requirement = given === undefined ? PLAIN_REQUIREMENT : checkRequirement(given);
  const policy = policyOf(options, user, context);
  if (isThenable(policy)) return decideLater(flow, input, session, userId, enrolled, requirement, policy);
  return policy ? decideByPolicy(flow, input, session, userId, enrolled, requirement, policy) : LATE;
}

async function decideLater<User extends MfaUser>(
  flow: FlowContext<User>,
  input: AccessInput<User>,
  session: MfaSession | undefined,
  userId: string,
  enrolled: boolean | null | undefined,
  requirement: Requirement,
  given: Promise<EffectivePolicy | null>,
): Promise<AccessDecision> {
  const left = countdown(OPERATION_MS);
  const policy = await given;
  return policy ? decideByPolicy(flow, input, session, userId, enrolled, requirement, policy, left) : LATE;
}

/** Takes its facts one by one: an object for them would be made at every guarded request. */
function decideByPolicy<User extends MfaUser>(
  flow: FlowContext<User>,
  { context, firstFactorProven }: AccessInput<User>,
  session: MfaSession | undefined,
  userId: string,
  enrolled: boolean | null | undefined,
  requirement: Requirement,
  policy: EffectivePolicy,
  left?: () => number,
): Awaitable<AccessDecision> {
  const { revocationDelaySeconds, clock } = flow.options;
  if (policy.mfa !== 'off' && isWithinDelay(session, requirement, revocationDelaySeconds, clock())) {
    return { access: 'allow', via: session.assurance.via, assurance: session.assurance };
  }
  const asked: Asked = {
    userId,
    enrolled,
    context,
    policy,
    session,
    requirement,
    firstFactorProven: firstFactorProven === true,
  };
  return policy.mfa === 'off' ? decide(asked, null, clock()) : decideByProfile(flow, asked, left);
}

async function decideByProfile<User extends MfaUser>(
  flow: FlowContext<User>,
  asked: Asked,
  left?: () => number,
): Promise<AccessDecision> {
  const { userId, context } = asked;
  checkUserId(userId);
  const events: EventDetail[] = [];
  const read = await flow.profiles.readForGuard(userId, (event) => events.push(event), left);
  const decision: AccessDecision = read.ok
    ? decide(asked, read.profile, flow.options.clock())
    : { access: 'unavailable', retryAfterSeconds: read.retryAfterSeconds ?? 1 };
  if (decision.access === 'refuse' && decision.reason === 'profile_missing') events.push({ name: 'profile_missing' });
  if (events.length > 0) sendEvents(flow, { userId, context, events });
  return decision;
}

/** A guard asks at each request and seldom has anything to report, so it begins an operation only then. */
function sendEvents<User extends MfaUser>(
  flow: FlowContext<User>,
  { userId, context, events }: { userId: string; context: EventContext | undefined; events: readonly EventDetail[] },
): void {
  const operation = beginOperation(flow, { name: 'check_access', userId, context });
  for (const event of events) operation.report(event);
  operation.end({});
}

function decide(asked: Asked, profile: Profile | null, now: number): AccessDecision {
  const { enrolled, policy, session, requirement, firstFactorProven } = asked;
  return decideAccess({ enrolled, policy, profile, session, requirement, firstFactorProven, now });
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
