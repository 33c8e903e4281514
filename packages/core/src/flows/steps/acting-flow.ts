import type { MfaSession } from '../../assurance.js';
import type { Awaitable } from '../../awaitable.js';
import type { EventContext } from '../../events.js';
import { type KnownUser, readUser } from '../../host-input.js';
import type { MfaUser } from '../../options.js';
import type { EffectivePolicy } from '../../policy/enforcement.js';
import type { Profile } from '../../profile/profile.js';
import { isRefusal, type Refusal, refuse } from '../../results.js';
import type { DecideEarly, Decision } from '../../store/profile-store.js';
import { type FlowContext, type FlowInput, stateOf } from './flow-context.js';
import type { ClosedGate, GateInput, OpenGate } from './gate.js';
import { CALLBACK_LATE } from './host-callback.js';
import { beginOperation, type Operation } from './operation.js';
import { policyOf } from './user-policy.js';

/** Who acts, and the operation that collects the events. The flow ends it, so steps only report to it. */
export interface Begun {
  user: KnownUser;
  operation: Omit<Operation, 'end' | 'finish'>;
}

/** The steps in which a flow changes a profile. */
export interface ActingSteps<Open extends OpenGate, Done extends { ok: true }, Answer extends { ok: true }> {
  /** Whether the user may do this. Called again if another write came first. */
  gate(at: GateInput): Open | ClosedGate;
  /** Decides once the gate is open. */
  decide(open: Open, at: GateInput): Awaitable<Decision<Done | Refusal>>;
  /** Decides once the gate is open while other operations of the user run; see {@link DecideEarly}. */
  early?(open: Open, at: GateInput): ReturnType<DecideEarly<Done | Refusal>>;
  /** Is awaited once the change is stored, for example to call `markEnrolled`. */
  afterWrite?(done: Done): Promise<void>;
  /** Builds the answer, which leaves once the change is stored. May be called while it is being stored. */
  answer(done: Done): Answer;
}

/**
 * Runs a flow in which a user acts in a session and changes their profile: reads the user, checks that the session is theirs, asks the
 * policy, asks the gate, decides, writes, and ends the operation with the answer.
 *
 * `start` checks the input, before the policy is asked, and returns the steps or a refusal.
 */
export async function actingFlow<
  User extends MfaUser,
  Open extends OpenGate,
  Done extends { ok: true },
  Answer extends { ok: true },
>(
  flow: FlowContext<User>,
  input: FlowInput<User>,
  name: string,
  start: (begun: Begun & { session: MfaSession }) => Refusal | ActingSteps<Open, Done, Answer>,
): Promise<Answer | Refusal> {
  const { user: given, context } = input;
  const user = readUser(given, flow.options.warn);
  const operation = beginOperation(flow, { name, userId: user.id, context });
  const session = stateOf(user.id, input.session);
  if (!session) return operation.end(refuse('login_again'));
  const steps = start({ user, session, operation });
  if (isRefusal(steps)) return operation.end(steps);
  const policy = await policyOf(flow.options, given, context, operation.left);
  if (!policy) return operation.end(CALLBACK_LATE);

  const decide = (profile: Profile | null, now: number): Awaitable<Decision<Done | Refusal>> => {
    operation.noteEnrolled(profile);
    const at = { user, policy, session, profile, now };
    const gate = steps.gate(at);
    return gate.open ? steps.decide(gate, at) : refusedAt(gate);
  };
  const early: DecideEarly<Done | Refusal> = async (profile, now) => {
    operation.noteEnrolled(profile);
    const at = { user, policy, session, profile, now };
    const gate = steps.gate(at);
    if (!gate.open) return { decided: refusedAt(gate) };
    return steps.early ? steps.early(gate, at) : 'queued';
  };
  const { answer, afterWrite } = steps;
  let built: { from: Done; answer: Answer } | undefined;
  function buildAhead(decided: Done | Refusal): void {
    if (isRefusal(decided)) return;
    try {
      built = { from: decided, answer: answer(decided) };
    } catch {
      // Built again below, where an error reaches the caller.
    }
  }
  const done = await flow.profiles.change(user.id, operation.report, decide, undefined, {
    early: steps.early && early,
    whileWriting: buildAhead,
    left: operation.left,
  });
  if (isRefusal(done)) return operation.end(done);
  if (afterWrite) await afterWrite(done);
  return operation.end(built?.from === done ? built.answer : answer(done));
}

/** The input of a flow that changes nothing. */
export interface ReadFacts {
  policy: EffectivePolicy;
  profile: Profile | null;
  now: number;
}

/**
 * Runs a flow that reads a user's profile and changes nothing. `start` checks the input, before the policy is asked, and returns a
 * refusal or the function that builds the answer.
 */
export async function readingFlow<User extends MfaUser, Answer extends { ok: true }>(
  flow: FlowContext<User>,
  { user: given, context }: { user: User; context?: EventContext | undefined },
  name: string,
  start: (begun: Begun) => Refusal | ((facts: ReadFacts) => Answer | Refusal),
): Promise<Answer | Refusal> {
  const user = readUser(given, flow.options.warn);
  const operation = beginOperation(flow, { name, userId: user.id, context });
  const answer = start({ user, operation });
  if (typeof answer === 'object') return operation.end(answer);
  const policy = await policyOf(flow.options, given, context, operation.left);
  if (!policy) return operation.end(CALLBACK_LATE);
  const read = await flow.profiles.read(user.id, operation.report, operation.left);
  if (!read.ok) return operation.end(read);
  return operation.end(answer({ policy, profile: read.profile, now: flow.options.clock() }));
}

function refusedAt({ refusal, events }: ClosedGate): Decision<Refusal> {
  return { answer: refusal, events: events ?? [] };
}
