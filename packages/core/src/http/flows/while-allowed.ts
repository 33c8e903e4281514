import type { AccessDecision, Requirement } from '../../assurance.js';
import { MfaError } from '../../errors.js';
import { describe, isFieldObject } from '../../host-input.js';
import type { MfaUser } from '../../options.js';
import { checkRequirement } from '../../policy/requirement.js';
import { timers } from '../../time.js';
import type { MfaExchange } from '../exchange.js';
import type { HttpKit } from '../http-kit.js';
import { decisionProblem, describeProblem, type Problem } from '../problem.js';
import { refuseSocketOrigin } from '../request/socket-origin.js';
import { readIdentity } from '../session/request-identity.js';
import { readSessionState } from '../session/session-schema.js';
import { endOpen, isEnded, isSocket, openOf } from './open-connection.js';
import { askAccess, LATE_RETRY_SECONDS } from './request-access.js';

/** How {@link keepWhileAllowed} asks. */
export interface WhileAllowedOptions {
  /** What the guard of the route or socket requires. Default: the plain requirement. */
  requirement?: Requirement | undefined;
  /** Seconds between two checks, 1 to 3600; each costs one read. Default 30: ended access may go on for that long. */
  everySeconds?: number | undefined;
}

const EVERY_SECONDS = 30;
const LONGEST_SECONDS = 3600;

/**
 * Checks access now and at intervals, and ends the connection (a response, a stream, a socket of ws or socket.io) as soon as access ends.
 * Returns whether the connection is open and access is allowed now. If access cannot be checked, the connection ends.
 */
export async function keepWhileAllowed<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
  given: object,
  options: WhileAllowedOptions = {},
): Promise<boolean> {
  const open = openOf(given);
  const { requirement, everySeconds } = checkOptions(options);
  let timer: ReturnType<typeof timers.setTimeout> | undefined;
  let ended = isEnded(open);
  const stop = () => {
    ended = true;
    timers.clearTimeout(timer);
  };
  for (const event of ['close', 'disconnect']) open.once(event, stop);
  const end = (problem: Problem): false => {
    stop();
    endOpen(open, problem);
    return false;
  };
  const ask = async (): Promise<boolean> => {
    if (ended) return false;
    const problem = await findProblem(kit, exchange, requirement);
    if (ended) return false;
    if (problem) return end(problem);
    timer = timers.setTimeout(() => void ask(), everySeconds * 1000);
    timer.unref();
    return true;
  };
  const elsewhere = isSocket(open) && !ended ? refuseSocketOrigin(kit, exchange) : undefined;
  return elsewhere ? end(elsewhere) : ask();
}

/** Why access has ended; undefined while it is allowed. Never rejects. */
async function findProblem<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
  requirement: Requirement,
): Promise<Problem | undefined> {
  try {
    const decision = await askAgain(kit, exchange, requirement);
    return decision.access === 'allow' ? undefined : decisionProblem(decision);
  } catch {
    return describeProblem('unavailable');
  }
}

/** Asks the guard's question with the session as its store has it now, because the one that came with the request may have ended since. */
async function askAgain<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
  requirement: Requirement,
): Promise<AccessDecision> {
  const identity = await readIdentity(kit, exchange);
  const { user, port, late } = identity;
  if (!user || late || !port?.reread) return askAccess(kit, identity, requirement);
  const stored = await kit.mfa.settings.awaitCallback('session', port.reread());
  if (stored.late) return { access: 'unavailable', retryAfterSeconds: LATE_RETRY_SECONDS };
  if (!stored.value) return { access: 'login-again' };
  return askAccess(kit, { ...identity, session: readSessionState(stored.value.state, user.id) }, requirement);
}

function checkOptions(options: unknown): { requirement: Requirement; everySeconds: number } {
  if (!isFieldObject(options))
    return refuse(`options must be an object such as { everySeconds: 30 }; it is ${describe(options)}`);
  const unknown = Object.keys(options).find((name) => name !== 'requirement' && name !== 'everySeconds');
  if (unknown !== undefined) return refuse(`unknown option "${unknown}". Known options: requirement, everySeconds`);
  const { requirement = {}, everySeconds = EVERY_SECONDS } = options as WhileAllowedOptions;
  if (!(typeof everySeconds === 'number' && everySeconds >= 1 && everySeconds <= LONGEST_SECONDS)) {
    return refuse(`everySeconds must be a number of seconds from 1 to ${LONGEST_SECONDS}; it is ${describe(everySeconds)}`);
  }
  return { requirement: checkRequirement(requirement), everySeconds };
}

function refuse(what: string): never {
  throw new MfaError('invalid_argument', `whileAllowed(): ${what}.`);
}
