import type { ResolvedOptions } from '../../options.js';
import { isEnrolled, type Profile, withoutUnenrolledNote } from '../../profile/profile.js';
import { isRefusal } from '../../results.js';
import { withinDeadline } from '../../store/deadline.js';
import type { ProfileStore } from '../../store/profile-store.js';
import { createUserQueue } from '../../store/queue.js';
import type { Emit } from './emitter.js';
import { beginOperation } from './operation.js';
import type { RunningCalls } from './running-calls.js';

/** The host's own memory of who is enrolled, written through `markEnrolled`. */
export interface HostMemory {
  /**
   * Calls `markEnrolled`. Calls for one user run one after another. Then reads the profile again, and calls again while the profile says
   * otherwise, because another process may have changed the profile and called the host in the meantime.
   */
  mark(userId: string, enrolled: boolean): Promise<MarkOutcome>;
}

/** The outcome of a call. `acknowledged` means that the record has no note of a reset that the host has not heard of. */
export type MarkOutcome = { done: true; acknowledged: boolean } | { done: false; why: 'timeout' | 'error'; cause?: unknown };

/** After this time, the next call for the user no longer waits. When the late call finishes, the profile is read again. */
const LATE_MS = 10_000;
const MAX_CORRECTIONS = 3;

/** Binds the option `markEnrolled`. Returns null if it is not set. */
export function createHostMemory(given: {
  options: Pick<ResolvedOptions, 'markEnrolled' | 'clock'>;
  profiles: ProfileStore;
  emit: Emit | null;
  runningCalls: RunningCalls;
}): HostMemory | null {
  const { options, profiles, emit, runningCalls } = given;
  const { markEnrolled, clock } = options;
  if (!markEnrolled) return null;
  const call = async (userId: string, enrolled: boolean): Promise<void> => void (await markEnrolled(userId, enrolled));
  const queue = createUserQueue();

  async function markNow(userId: string, enrolled: boolean, corrections: number): Promise<MarkOutcome> {
    const begunAt = clock();
    const calling = call(userId, enrolled);
    runningCalls.track('markEnrolled', calling);
    const answer = await withinDeadline(LATE_MS, () => calling, { inBackground: true });
    if (answer.done) return compare(userId, { enrolled, begunAt, corrections });
    if (answer.why === 'timeout') followUp(userId, { calling, enrolled, begunAt });
    return answer;
  }

  /** Compares the host's value with the profile, and calls `markEnrolled` again if they differ. */
  async function compare(
    userId: string,
    { enrolled, begunAt, corrections }: { enrolled: boolean; begunAt: number; corrections: number },
  ): Promise<MarkOutcome> {
    const operation = beginOperation({ options, emit }, { name: 'mark_enrolled', userId });
    const read = await profiles.read(userId, operation.report);
    operation.end({});
    if (!read.ok) return { done: true, acknowledged: false };
    const { profile } = read;
    if (isEnrolled(profile) === enrolled) return { done: true, acknowledged: enrolled || (await acknowledge(userId, profile)) };
    // An empty record alone must not set the host to "not enrolled", because somebody may have put an old record back.
    if (enrolled && !explainsItself(profile, begunAt)) return { done: true, acknowledged: false };
    if (corrections === 0) return { done: false, why: 'error', cause: new Error('the profile changed at each attempt') };
    return markNow(userId, !enrolled, corrections - 1);
  }

  /** Drops the note of a reset or removal, because the host now knows about it. From now on the host's value counts. */
  async function acknowledge(userId: string, noted: Profile | null): Promise<boolean> {
    const unenrolledAt = noted?.unenrolledAt;
    if (unenrolledAt === undefined) return true;
    const operation = beginOperation({ options, emit }, { name: 'mark_enrolled', userId });
    const answer = await profiles.change<{ acknowledged: boolean }>(userId, operation.report, (profile, now) => {
      if (profile?.unenrolledAt === undefined) return { answer: { acknowledged: true } };
      if (profile.unenrolledAt !== unenrolledAt) return { answer: { acknowledged: false } };
      return { answer: { acknowledged: true }, next: withoutUnenrolledNote(profile, now) };
    });
    operation.end({});
    return !isRefusal(answer) && answer.acknowledged;
  }

  /** Compares again when a late call finishes, because it may have overwritten the value of a later call. */
  function followUp(
    userId: string,
    { calling, enrolled, begunAt }: { calling: Promise<void>; enrolled: boolean; begunAt: number },
  ): void {
    const later = calling
      .then(() => queue.run(userId, () => compare(userId, { enrolled, begunAt, corrections: MAX_CORRECTIONS })))
      .catch(() => undefined);
    runningCalls.track('corrections', later);
  }

  return {
    async mark(userId, enrolled) {
      const marking = queue.run(userId, () => markNow(userId, enrolled, MAX_CORRECTIONS));
      runningCalls.track('corrections', marking);
      return (
        (await marking) ?? { done: false, why: 'error', cause: new Error('too many calls of markEnrolled wait for this user') }
      );
    },
  };
}

/** Whether the record notes that its user was unenrolled, and the host has not heard of it or heard of it after `begunAt`. */
function explainsItself(profile: Profile | null, begunAt: number): boolean {
  return profile !== null && (profile.unenrolledAt !== undefined || (profile.unenrolledToldAt ?? -1) >= begunAt);
}
