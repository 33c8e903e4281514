import type { AccessDecision, AllowDecision, MfaSession, Requirement } from '../assurance.js';
import { isThenable } from '../awaitable.js';
import type { EventContext, EventDetail } from '../events.js';
import { checkUserId, readEnrolled, readUserName } from '../host-input.js';
import type { MfaUser } from '../options.js';
import type { EffectivePolicy } from '../policy/enforcement.js';
import { checkRequirement, decideAccess, isNotInFuture, PLAIN_REQUIREMENT } from '../policy/requirement.js';
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

/** The checked input of the guard, before the policy and the profile are known. */
interface Question {
  userId: string;
  enrolled: boolean | null | undefined;
  context: EventContext | undefined;
  session: MfaSession | undefined;
  requirement: Requirement;
  firstFactorProven: boolean;
}

/** Retry-After for a refusal that has none. */
const RETRY_SECONDS = 1;
const LATE: AccessDecision = { access: 'unavailable', retryAfterSeconds: CALLBACK_LATE.retryAfterSeconds ?? RETRY_SECONDS };

/**
 * Decides whether the guard lets a request in, with at most one read and without a write. Returns no promise if the policy is known at
 * once and allows without a read.
 */
export function checkAccess<User extends MfaUser>(
  flow: FlowContext<User>,
  input: AccessInput<User>,
): AllowDecision | Promise<AccessDecision> {
  const question = readQuestion(flow, input);
  const policy = policyOf(flow.options, input.user, input.context);
  if (isThenable(policy)) return decideLater(flow, question, policy);
  return (policy && allowWithoutRead(flow, question, policy)) ?? decide(flow, question, policy);
}

function readQuestion<User extends MfaUser>({ options }: FlowContext<User>, input: AccessInput<User>): Question {
  const { user, context, requirement } = input;
  const userId: unknown = typeof user === 'object' && user !== null ? user.id : undefined;
  if (typeof userId !== 'string') checkUserId(userId);
  const session = stateOf(userId, input.session);
  // The id in a session's state was checked when the state was made. A second check would take a third of a guard without a read.
  if (!session) checkUserId(userId);
  readUserName(user);
  return {
    userId,
    enrolled: readEnrolled(user, options.warn),
    context,
    session,
    requirement: requirement === undefined ? PLAIN_REQUIREMENT : checkRequirement(requirement),
    firstFactorProven: input.firstFactorProven === true,
  };
}

/** Allows where no profile is needed: MFA is off, or the proof is recent enough for `revocationDelaySeconds`. */
function allowWithoutRead<User extends MfaUser>(
  { options }: FlowContext<User>,
  question: Question,
  policy: EffectivePolicy,
): AllowDecision | undefined {
  const { revocationDelaySeconds, clock } = options;
  if (policy.mfa === 'off') {
    const decision = decideBy(question, policy, null, clock());
    return decision.access === 'allow' ? decision : undefined;
  }
  const { session, requirement } = question;
  if (revocationDelaySeconds === 0 || requirement.maxAgeSeconds !== undefined || session?.state !== 'verified') return undefined;
  const { assurance } = session;
  const now = clock();
  if (assurance.via === 'remembered-device' || !isNotInFuture(assurance, now)) return undefined;
  if (now - assurance.verifiedAt > revocationDelaySeconds * 1000) return undefined;
  return { access: 'allow', via: assurance.via, assurance };
}

async function decideLater<User extends MfaUser>(
  flow: FlowContext<User>,
  question: Question,
  given: Promise<EffectivePolicy | null>,
): Promise<AccessDecision> {
  const left = countdown(OPERATION_MS);
  const policy = await given;
  return (policy && allowWithoutRead(flow, question, policy)) ?? decide(flow, question, policy, left);
}

/** `policy` is null if it did not answer in time. */
async function decide<User extends MfaUser>(
  flow: FlowContext<User>,
  question: Question,
  policy: EffectivePolicy | null,
  left?: () => number,
): Promise<AccessDecision> {
  if (!policy) return LATE;
  const { clock } = flow.options;
  if (policy.mfa === 'off') return decideBy(question, policy, null, clock());
  const { userId, context } = question;
  checkUserId(userId);
  const events: EventDetail[] = [];
  const read = await flow.profiles.readForGuard(userId, (event) => events.push(event), left);
  const decision: AccessDecision = read.ok
    ? decideBy(question, policy, read.profile, clock())
    : { access: 'unavailable', retryAfterSeconds: read.retryAfterSeconds ?? RETRY_SECONDS };
  if (decision.access === 'refuse' && decision.reason === 'profile_missing') events.push({ name: 'profile_missing' });
  if (events.length > 0) sendEvents(flow, { userId, context, events });
  return decision;
}

function decideBy(question: Question, policy: EffectivePolicy, profile: Profile | null, now: number): AccessDecision {
  const { enrolled, session, requirement, firstFactorProven } = question;
  return decideAccess({ enrolled, policy, profile, session, requirement, firstFactorProven, now });
}

/** Begins an operation only when there is something to report, which is rare. */
function sendEvents<User extends MfaUser>(
  flow: FlowContext<User>,
  { userId, context, events }: { userId: string; context: EventContext | undefined; events: readonly EventDetail[] },
): void {
  const operation = beginOperation(flow, { name: 'check_access', userId, context });
  for (const event of events) operation.report(event);
  operation.end({});
}
