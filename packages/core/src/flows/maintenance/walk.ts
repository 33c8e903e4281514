import { randomFraction } from '../../crypto/random.js';
import { MfaError } from '../../errors.js';
import type { MfaEvent } from '../../events.js';
import type { MfaUser } from '../../options.js';
import type { Profile } from '../../profile/profile.js';
import { isRefusal, type Refusal, refuse } from '../../results.js';
import { nextTick, pause, withinDeadline } from '../../store/deadline.js';
import type { Decision } from '../../store/profile-store.js';
import type { FlowContext } from '../steps/flow-context.js';
import { beginOperation } from '../steps/operation.js';
import type { UserIdList, Walked } from './results.js';

/** How to start, watch and stop a walk over all users. */
export interface WalkOptions<Answer extends Walked = Walked> {
  /** Continues an earlier walk: the `cursor` of its answer or of its last page. */
  cursor?: string | undefined;
  /** Called and awaited after each page with the counts so far. Keep their `cursor` to continue a walk that was killed. */
  onPage?: ((soFar: Answer) => unknown) | undefined;
  /** Ends the walk early, with a `cursor` in the answer, for example `AbortSignal.timeout(60_000)`. */
  signal?: AbortSignal | undefined;
}

/** What a walk does with each user. */
export interface WalkSteps<Seen, Sums extends object> {
  /** Name of the operation in the audit trail. */
  name: string;
  /** Decides on one profile. Its change is stored like every other change. */
  decide(profile: Profile, facts: { keyId: string | undefined; now: number }): Decision<Seen>;
  /** Counts one user. Users of an unfinished page are not counted. */
  count(seen: Seen): void;
  /** Counts a user whose profile does not open. */
  countUnreadable?(keyId: string | undefined): void;
  /** The counts so far. */
  sums(): Sums;
}

type Visited<Seen> =
  | { kind: 'seen'; seen: Seen }
  | { kind: 'unreadable'; keyId: string | undefined }
  | { kind: 'failed'; refusal?: Refusal }
  | { kind: 'gone' };

/** How many users to visit at a time: enough to keep the database busy, but few enough to leave connections of the pool for logins. */
const WORKERS = 4;
/** Waits between the attempts of one call. It fails only if the storage is down for longer. */
const WAITS_MS = [100, 200, 400, 800, 1_600, 3_200];
/** After this many consecutive failures, assume that the storage is down. */
const AWAY_AFTER = 2 * WORKERS;
const LISTED_IDS = 100;
/** How long to wait for a slow sink of the host. It slows the walk but does not stop it, and the number of waiting events stays bounded. */
const SINK_MS = 1_000;

/**
 * Visits all users page by page, a few at a time, in constant memory and during live traffic.
 *
 * A page counts, and the cursor moves on, only when all its users were visited. So the counts of the parts of an interrupted walk add up to
 * those of the whole, except for users of the interrupted page who were already changed.
 */
export async function walkUsers<User extends MfaUser, Seen, Sums extends object>(
  flow: FlowContext<User>,
  { cursor: from, onPage, signal }: WalkOptions<Sums & Walked>,
  steps: WalkSteps<Seen, Sums>,
): Promise<Sums & Walked> {
  const unreadable: UserIdList = { count: 0, userIds: [] };
  const failed: UserIdList = { count: 0, userIds: [] };
  let users = 0;
  let cursor = from;
  const answer = (ended: { complete: boolean; cause?: unknown }): Sums & Walked => ({
    ...steps.sums(),
    users,
    unreadable: { ...unreadable, userIds: [...unreadable.userIds] },
    failed: { ...failed, userIds: [...failed.userIds] },
    ...ended,
    ...(cursor === undefined ? {} : { cursor }),
  });

  function count(userId: string, visited: Visited<Seen>): void {
    if (visited.kind === 'gone') return;
    users += 1;
    if (visited.kind === 'seen') steps.count(visited.seen);
    if (visited.kind === 'failed') note(failed, userId);
    if (visited.kind === 'unreadable') {
      steps.countUnreadable?.(visited.keyId);
      note(unreadable, userId);
    }
  }

  const visitPage = pageVisitor(flow, steps, signal);
  for (;;) {
    if (signal?.aborted) return answer({ complete: false, cause: signal.reason });
    const page = await patiently(
      () => flow.profiles.list(cursor),
      ({ done }) => done,
      signal,
    );
    if (!page.done) return answer({ complete: false, cause: page.cause ?? refuse('unavailable') });
    const userIds = [...new Set(page.value.userIds)];
    const visits = await visitPage(userIds);
    if (!visits.finished) return answer({ complete: false, cause: visits.cause });
    for (const [index, visited] of visits.visited.entries()) count(userIds[index] as string, visited);
    checkAdvance(cursor, page.value.cursor);
    cursor = page.value.cursor;
    const soFar = answer({ complete: cursor === undefined });
    await tellPage(onPage, soFar);
    if (cursor === undefined) return soFar;
  }
}

/** Visits the users of one page, a few at a time. Stops if the host aborts or the storage is down. */
function pageVisitor<User extends MfaUser, Seen, Sums extends object>(
  flow: FlowContext<User>,
  steps: WalkSteps<Seen, Sums>,
  signal: AbortSignal | undefined,
): (userIds: readonly string[]) => Promise<{ finished: true; visited: Visited<Seen>[] } | { finished: false; cause: unknown }> {
  let away = 0;

  return async (userIds) => {
    const visited: Visited<Seen>[] = [];
    let taken = 0;
    let stop: { cause: unknown } | undefined;
    async function work(): Promise<void> {
      while (!stop && !signal?.aborted && taken < userIds.length) {
        const index = taken++;
        const visit = await visitUser(flow, steps, userIds[index] as string, signal);
        await nextTick();
        visited[index] = visit;
        const refusal = visit.kind === 'failed' ? visit.refusal : undefined;
        away = refusal?.reason === 'unavailable' ? away + 1 : 0;
        if (away >= AWAY_AFTER) stop = { cause: refusal };
      }
    }
    await Promise.all(Array.from({ length: WORKERS }, work));
    // A user who failed because the walk was stopping must be visited again.
    const cut = signal?.aborted && (taken < userIds.length || visited.some(({ kind }) => kind === 'failed'));
    if (cut) stop ??= { cause: signal.reason };
    return stop ? { finished: false, cause: stop.cause } : { finished: true, visited };
  };
}

async function visitUser<User extends MfaUser, Seen, Sums extends object>(
  flow: FlowContext<User>,
  steps: WalkSteps<Seen, Sums>,
  userId: string,
  signal: AbortSignal | undefined,
): Promise<Visited<Seen>> {
  const sent: Promise<void>[] = [];
  const toSinks = flow.emit;
  const emit = toSinks && (async (event: MfaEvent): Promise<void> => void sent.push(toSinks(event)));
  const operation = beginOperation({ options: flow.options, emit }, { name: steps.name, userId });
  const attempt = () =>
    flow.profiles.change<Visited<Seen>>(
      userId,
      operation.report,
      (profile, now, keyId) => {
        if (!profile) return { answer: { kind: 'gone' } };
        const decision = steps.decide(profile, { keyId: keyId(), now });
        operation.noteEnrolled(decision.next && decision.next !== 'remove' ? decision.next : profile);
        return { ...decision, answer: { kind: 'seen', seen: decision.answer } };
      },
      (_profile, _now, keyId) => ({ answer: { kind: 'unreadable', keyId: keyId() } }),
      { asStored: true },
    );
  // A profile that cannot be changed (too large, for example) must not stop the walk.
  const answer = await patiently(attempt, (one) => !isRefusal(one), signal).catch(() => null);
  operation.end(answer ?? refuse('unavailable'));
  await withinDeadline(SINK_MS, () => Promise.all(sent));
  if (answer === null) return { kind: 'failed' };
  return isRefusal(answer) ? { kind: 'failed', refusal: answer } : answer;
}

/** Repeats a call with growing pauses for some seconds until it succeeds. Returns the last outcome. */
async function patiently<Outcome>(
  attempt: () => Promise<Outcome>,
  isGood: (outcome: Outcome) => boolean,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  let outcome = await attempt();
  for (const wait of WAITS_MS) {
    if (isGood(outcome) || signal?.aborted) return outcome;
    await pause(wait * (0.5 + randomFraction()));
    outcome = await attempt();
  }
  return outcome;
}

async function tellPage<Answer>(onPage: ((soFar: Answer) => unknown) | undefined, soFar: Answer): Promise<void> {
  try {
    await onPage?.(soFar);
  } catch (cause) {
    throw new MfaError(
      'host_callback_failed',
      '"onPage" threw, and the walk ended there; go on from the last cursor it was given.',
      {
        cause,
      },
    );
  }
}

/** Throws for unknown fields, because a misspelled `dryRun` would change profiles. */
export function checkWalkInput(method: string, input: object, own: readonly string[]): void {
  const known = ['cursor', 'onPage', 'signal', ...own];
  const invalid = (what: string) => new MfaError('invalid_argument', `${method}: ${what}`);
  if (typeof input !== 'object' || input === null) throw invalid(`takes an object with ${known.join(', ')}.`);
  for (const [name, value] of Object.entries(input)) {
    if (!known.includes(name)) throw invalid(`there is no "${name}"; known are ${known.join(', ')}.`);
    const type = { cursor: 'string', onPage: 'function', dryRun: 'boolean' }[name];
    if (type && value !== undefined && typeof value !== type) throw invalid(`"${name}" must be a ${type}.`);
    if (name === 'signal' && value !== undefined && !(value instanceof AbortSignal))
      throw invalid('"signal" must be an AbortSignal.');
  }
}

function checkAdvance(cursor: string | undefined, next: string | undefined): void {
  if (next === undefined || next !== cursor) return;
  throw new MfaError('invalid_option', 'The storage lists for ever: listUserIds gave the cursor that it was given.');
}

function note(list: UserIdList, userId: string): void {
  list.count += 1;
  if (list.userIds.length < LISTED_IDS) list.userIds.push(userId);
}
