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

/** How a walk over all users is begun, watched and stopped. */
export interface WalkOptions<Answer extends Walked = Walked> {
  /** Where an earlier walk ended: the `cursor` of its answer or of its last page. */
  cursor?: string | undefined;
  /** Called, and awaited, after each page with the sums so far. Keep their `cursor`: from there a killed walk goes on. */
  onPage?: ((soFar: Answer) => unknown) | undefined;
  /** Ends the walk early, with a `cursor` in the answer, for example `AbortSignal.timeout(60_000)`. */
  signal?: AbortSignal | undefined;
}

/** What one walk does with each user. */
export interface WalkSteps<Seen, Sums extends object> {
  /** Name of the operation in the audit trail. */
  name: string;
  /** Decides on one profile; what it stores goes the way of every other change. */
  decide(profile: Profile, facts: { keyId: string | undefined; now: number }): Decision<Seen>;
  /** Adds what was seen of one user; users of a page that was not finished are not counted. */
  count(seen: Seen): void;
  /** Adds a user whose profile does not open. */
  countUnreadable?(keyId: string | undefined): void;
  /** The sums so far. */
  sums(): Sums;
}

type Visited<Seen> =
  | { kind: 'seen'; seen: Seen }
  | { kind: 'unreadable'; keyId: string | undefined }
  | { kind: 'failed'; refusal?: Refusal }
  | { kind: 'gone' };

/** Users at once: so many that the database is busy, so few that the pool has connections left for logins. */
const WORKERS = 4;
/** A storage that comes back within these waits is no reason to fail. */
const WAITS_MS = [100, 200, 400, 800, 1_600, 3_200];
/** So many users in a row that cannot be reached: it is the storage, and not the users. */
const AWAY_AFTER = 2 * WORKERS;
const LISTED_IDS = 100;
/** A sink of the host that is slower than this does not hold the walk, only slows it: what waits there stays bounded. */
const SINK_MS = 1_000;

/**
 * Walks over all users, page by page, a few at once, in constant memory and beside live traffic.
 *
 * A page counts when all its users were visited, and only then the cursor goes on: the sums of the parts of an interrupted walk
 * are the sums of the whole, but for users of the interrupted page that were changed already and are found so.
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

/** Visits the users of one page, a few at once, and stops when the host says so or the storage is away. */
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
    // A user that failed because there was no more patience is not done with.
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

/** Tries until it is good, with growing pauses, for some seconds; gives the last outcome. */
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

/** Throws for an input that is not one: a misspelled `dryRun` would do what it was to try. */
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
