import type { Awaitable } from '../awaitable.js';
import type { Keyring } from '../crypto/keyring.js';
import { randomFraction, randomId } from '../crypto/random.js';
import { type EventDetail, withCause } from '../events.js';
import type { Profile } from '../profile/profile.js';
import { type Tidied, tidyProfile, withoutSwitchedOff } from '../profile/tidy.js';
import { type Refusal, refuse } from '../results.js';
import type { MfaStorage, StoredProfile } from '../storage/storage.js';
import { timers } from '../time.js';
import type { OperatorWarnings } from '../warnings/warnings.js';
import { createProfileCache } from './cache.js';
import { countdown, pause, type TimedResult, withinDeadline } from './deadline.js';
import { createUserQueue } from './queue.js';
import { keyIdOf, type Opened, open, seal } from './seal.js';

/** What a decision on a profile comes to: the answer, and what must be stored before anybody gets it. */
export interface Decision<Answer> {
  answer: Answer;
  /** Absent: nothing to store. */
  next?: Profile | 'remove' | undefined;
  events?: EventDetail[];
}

/**
 * Decides on a profile. Pure except for fresh ids and secrets, because it is called again on a fresh profile when another writer was
 * first. It may await computations, such as the check of a signature, but never input or output.
 *
 * `keyId` returns the id of the key that the stored profile names.
 */
export type Decide<Answer> = (
  profile: Profile | null,
  now: number,
  keyId: () => string | undefined,
) => Awaitable<Decision<Answer>>;

/**
 * Decides while other operations of the same user run or wait, on a profile that was read in parallel. Returns the decision if nothing
 * has to be written, `prioritized` if the operation should run before the others that wait, and otherwise `queued`. It computes
 * nothing that the queued operation would compute again.
 */
export type DecideEarly<Answer> = (
  profile: Profile | null,
  now: number,
) => Promise<{ decided: Decision<Answer> } | 'prioritized' | 'queued'>;

/** Options of a change. */
export interface HowToChange<Answer> {
  /** Decides while the operation would have to wait. Without it, `decide` is called, and called again if there is something to store. */
  early?: DecideEarly<Answer>;
  /** Returns the milliseconds that are left for the operation; default: counts down from the full time. */
  left?: () => number;
  /**
   * Computes something from the answer while the write is on its way, for example signs a token. Its result may leave only once `change`
   * has returned this answer. Not called if the write is quicker.
   */
  whileWriting?: ((answer: Answer) => void) | undefined;
  /** Skips the cleanup of tidy.ts. For operators' calls and walks, because the clock of their machine may be wrong. */
  asStored?: boolean;
}

/** Reads and changes profiles: the only access to the storage. */
export interface ProfileStore {
  /** One read, or why there is none. */
  read(userId: string, report: Report, left?: () => number): Promise<ReadProfile | Refusal>;
  /** One read too, for who only looks: what it gives has no secrets, and may be in use elsewhere. */
  readForGuard(userId: string, report: Report, left?: () => number): Promise<ReadProfile | Refusal>;
  /**
   * Reads, decides, writes if unchanged, and only then answers.
   *
   * `whenUnreadable` decides for records that do not open (reset and forget); without it they are `unavailable`.
   */
  change<Answer>(
    userId: string,
    report: Report,
    decide: Decide<Answer>,
    whenUnreadable?: Decide<Answer>,
    how?: HowToChange<Answer>,
  ): Promise<Answer | Refusal>;
  /** One page of user ids; no cursor in it: that was the last one. */
  list(cursor: string | undefined): Promise<TimedResult<{ userIds: string[]; cursor?: string }>>;
}

/** What was read; null: there is no record. */
interface ReadProfile {
  ok: true;
  profile: Profile | null;
}

/** Where the events of one operation go. */
export type Report = (event: EventDetail) => void;

interface StoreOptions {
  storage: MfaStorage;
  keyring: Keyring;
  realm: string;
  clock: () => number;
  warnings: OperatorWarnings;
  /** `false`: recovery codes are switched off, and no flow finds one in any profile. Default `true`. */
  recoveryCodes?: boolean;
}

interface Attempt<Answer> {
  /** The version that this attempt minted; null for a removal. */
  minted: string | null;
  decision: Decision<Answer>;
}

type ChangeAlone<Answer> = Pick<HowToChange<Answer>, 'whileWriting'> & Required<Pick<HowToChange<Answer>, 'left' | 'asStored'>>;
type Failed = Exclude<TimedResult<unknown>, { done: true }>;
type Unreadable = Exclude<Opened, { readable: true }>;

const CALL_MS = 2_000;
const FULL_CALL = (): number => CALL_MS;
/** A page may be a scan. */
const LIST_MS = 10_000;
/** How long an operation may take, the callbacks of the host included. */
export const OPERATION_MS = 4_000;
const LISTED_VERSIONS = 16;
const UNAVAILABLE = refuse('unavailable', { retryAfterSeconds: 5 });
const BUSY = refuse('busy', { retryAfterSeconds: 1 });

/** Binds the store to one storage and key ring. */
export function createProfileStore({
  storage,
  keyring,
  realm,
  clock,
  warnings,
  recoveryCodes = true,
}: StoreOptions): ProfileStore {
  const queue = createUserQueue();
  const cache = createProfileCache();

  function openStored(userId: string, stored: StoredProfile | null): Opened | null {
    return stored && open(stored.value, { realm, userId, version: stored.version }, keyring);
  }

  function openRead(userId: string, stored: StoredProfile | null, report: Report): ReadProfile | Refusal {
    const opened = openStored(userId, stored);
    if (!opened) return { ok: true, profile: null };
    if (opened.readable) return { ok: true, profile: withoutSwitchedOff(opened.profile, recoveryCodes) };
    reportUnreadable(stored, opened, report);
    return UNAVAILABLE;
  }

  function reportUnreadable(stored: StoredProfile | null, { why }: Unreadable, report: Report): void {
    report({ name: 'profile_unreadable', why });
    warnings.profileUnreadable({ why, keyId: keyIdOfStored(stored) });
  }

  function readStored(userId: string, left: number): Promise<TimedResult<StoredProfile | null>> {
    return withinDeadline(Math.min(CALL_MS, left), () => storage.read(userId));
  }

  /** The outcome of {@link readStored}, reported if it is a failure. */
  function checkRead(userId: string, read: TimedResult<StoredProfile | null>, report: Report): TimedResult<StoredProfile | null> {
    if (read.done && isStored(read.value)) return read;
    const failed: Failed = read.done
      ? { done: false, why: 'error', cause: new TypeError('read() must give { version, value } or null') }
      : read;
    report(withCause({ name: 'storage_failed', operation: 'read', why: failed.why }, failed.cause));
    warnings.storageFailed({ ...failed, operation: 'read', values: [userId] });
    return failed;
  }

  /** After a doubtful reply the record has the answer, so the question is worth repeating. */
  async function readAgain(userId: string, left: () => number, report: Report): Promise<StoredProfile | null | undefined> {
    for (let tries = 0; left() > 0; tries++) {
      const read = checkRead(userId, await readStored(userId, left()), report);
      if (read.done) return read.value;
      await pause(Math.min(left(), 25 * 2 ** Math.min(tries, 4) * (0.5 + randomFraction())));
    }
    return undefined;
  }

  function sealNext(userId: string, expected: StoredProfile | null, versions: readonly string[], next: Profile): StoredProfile {
    const version = randomId();
    const listed = expected ? [expected.version, ...versions].slice(0, LISTED_VERSIONS) : [];
    return { version, value: seal({ ...next, versions: listed }, { realm, userId, version }, keyring) };
  }

  async function changeAlone<Answer>(
    userId: string,
    report: Report,
    decide: Decide<Answer>,
    whenUnreadable: Decide<Answer> | undefined,
    { left, asStored, whileWriting }: ChangeAlone<Answer>,
  ): Promise<Answer | Refusal> {
    const leftMs = left();
    if (leftMs <= 0) return BUSY;
    const first = checkRead(userId, await readStored(userId, leftMs), report);
    if (!first.done) return UNAVAILABLE;
    let stored = first.value;
    const attempts: Attempt<Answer>[] = [];

    for (let tries = 0; ; tries++) {
      const expected = stored;
      const opened = openStored(userId, stored);
      if (opened && !opened.readable) reportUnreadable(stored, opened, report);
      if (opened && !opened.readable && !whenUnreadable) return UNAVAILABLE;
      const now = clock();
      const tidied = opened?.readable ? tidyProfile(opened.profile, { recoveryCodes, asStored, now }) : null;
      const profile = tidied?.profile ?? null;
      const deciding = opened && !opened.readable && whenUnreadable ? whenUnreadable : decide;
      const decision = withTidied(await deciding(profile, now, () => keyIdOfStored(expected)), tidied);
      const { next } = decision;
      if (!next || (next === 'remove' && !stored)) return finish(decision, report);

      const sealed = next === 'remove' ? null : sealNext(userId, expected, profile?.versions ?? [], next);
      const operation = sealed ? 'write' : 'remove';
      attempts.push({ minted: sealed?.version ?? null, decision });
      const writing = withinDeadline(Math.min(CALL_MS, left()), () =>
        sealed ? storage.write(userId, sealed, expected?.version ?? null) : storage.remove(userId, expected?.version ?? ''),
      );
      // Use an immediate, so that the driver sends the statement before the processor is busy.
      const computing = whileWriting && timers.setImmediate(whileWriting, decision.answer);
      const written = await writing;
      if (computing) timers.clearImmediate(computing);
      if (written.done && written.value === true) return finish(decision, report);
      if (!written.done) {
        report(withCause({ name: 'storage_failed', operation, why: written.why }, written.cause));
        warnings.storageFailed({
          ...written,
          operation,
          values: [userId, expected?.version, expected?.value, sealed?.version, sealed?.value],
        });
      }

      // An error is doubtful, and so is `false`: a driver that repeats a lost write gets `false` for its own success.
      const again = await readAgain(userId, left, report);
      if (again === undefined) return UNAVAILABLE;
      const lineage = again ? [again.version, ...listedVersions(openStored(userId, again))] : [];
      const committed = attempts.find((attempt) => attempt.minted !== null && lineage.includes(attempt.minted));
      if (committed) return finish(committed.decision, report);
      if (!sealed && again === null) return finish(decision, report);
      // Buried under more versions than are listed, an error stays doubtful. A `false` was not: the adapter promises that nothing
      // was applied, and a new decision, on what is stored now, grants nothing that is not paid for again.
      if (!written.done && !wasNotApplied(expected, again, lineage)) {
        report(withCause({ name: 'storage_failed', operation, why: 'doubtful' }, written.cause));
        return UNAVAILABLE;
      }
      stored = again;
      await pause(Math.min(left(), randomFraction() * 2 ** Math.min(tries + 1, 6)));
      if (left() <= 0) return BUSY;
    }
  }

  return {
    async read(userId, report, left = FULL_CALL) {
      const read = checkRead(userId, await readStored(userId, left()), report);
      return read.done ? openRead(userId, read.value, report) : UNAVAILABLE;
    },

    async readForGuard(userId, report, left = FULL_CALL) {
      const read = checkRead(userId, await readStored(userId, left()), report);
      if (!read.done) return UNAVAILABLE;
      const stored = read.value;
      const seen = stored && cache.find(userId, stored);
      if (seen) return { ok: true, profile: seen };
      const opened = openRead(userId, stored, report);
      if (!stored || !opened.ok || !opened.profile) return opened;
      return { ok: true, profile: cache.keep(userId, stored, opened.profile) };
    },

    async change(
      userId,
      report,
      decide,
      whenUnreadable,
      { early, whileWriting, asStored = false, left = countdown(OPERATION_MS) } = {},
    ) {
      let prioritized = false;
      if (queue.isBusy(userId)) {
        // An operation that needs no write, for example a throttled one, does not wait for those that do.
        const read = checkRead(userId, await readStored(userId, left()), report);
        const opened = read.done ? openStored(userId, read.value) : null;
        if (read.done && (!opened || opened.readable)) {
          const now = clock();
          const tidied = opened && tidyProfile(opened.profile, { recoveryCodes, asStored, now });
          const profile = tidied?.profile ?? null;
          if (early) {
            const outcome = await early(profile, now);
            if (typeof outcome === 'object') return finish(outcome.decided, report);
            prioritized = outcome === 'prioritized';
          } else {
            const decision = withTidied(await decide(profile, now, () => keyIdOfStored(read.value)), tidied);
            if (!decision.next) return finish(decision, report);
          }
        }
      }
      const answer = await queue.run(
        userId,
        () => changeAlone(userId, report, decide, whenUnreadable, { left, asStored, whileWriting }),
        prioritized,
      );
      return answer ?? BUSY;
    },

    async list(cursor) {
      const listed = await withinDeadline(LIST_MS, async () =>
        checkPage(await (cursor === undefined ? storage.listUserIds() : storage.listUserIds(cursor))),
      );
      if (!listed.done) warnings.storageFailed({ ...listed, operation: 'list', values: [cursor] });
      return listed;
    },
  };
}

/** Adds to the decision the cleaned-up profile, if that must be stored, and the events of the cleanup. */
function withTidied<Answer>(decision: Decision<Answer>, tidied: Tidied | null): Decision<Answer> {
  if (!tidied || decision.next === 'remove') return decision;
  const next = decision.next ?? (tidied.mustStore ? tidied.profile : undefined);
  return next && tidied.events.length + Number(tidied.mustStore) > 0
    ? { ...decision, next, events: [...tidied.events, ...(decision.events ?? [])] }
    : decision;
}

function keyIdOfStored(stored: StoredProfile | null): string | undefined {
  return stored ? keyIdOf(stored.value) : undefined;
}

/** An answer of an adapter that is neither a profile nor null is a fault, and never means "no record". */
function isStored(given: StoredProfile | null): boolean {
  return given === null || (typeof given?.version === 'string' && typeof given.value === 'string');
}

function checkPage(page: { userIds: string[]; cursor?: string }): { userIds: string[]; cursor?: string } {
  const ids: unknown = page?.userIds;
  const fits = Array.isArray(ids) && ids.every((id) => typeof id === 'string');
  if (fits && (page.cursor === undefined || typeof page.cursor === 'string')) return page;
  throw new TypeError('listUserIds() must give { userIds } and, unless it was the last page, cursor');
}

/** The version that the attempt expected is still current or listed: nothing of the attempt was applied. */
function wasNotApplied(expected: StoredProfile | null, again: StoredProfile | null, lineage: readonly string[]): boolean {
  if (expected) return lineage.includes(expected.version);
  // No record was expected. If the list goes back to the first version, our write would be in it.
  return again === null || lineage.length <= LISTED_VERSIONS;
}

function listedVersions(opened: Opened | null): readonly string[] {
  return opened?.readable ? opened.profile.versions : [];
}

function finish<Answer>(decision: Decision<Answer>, report: Report): Answer {
  for (const event of decision.events ?? []) report(event);
  return decision.answer;
}
