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
   * Tells the host. Calls of one user run one after another. Then the profile is read again, and the host is told again while the
   * profile says otherwise: another process may have changed it, and told the host, in the meantime.
   */
  tell(userId: string, enrolled: boolean): Promise<Told>;
}

/** What came of it. `acknowledged`: the record no longer notes that the host must still be notified of a reset. */
export type Told = { done: true; acknowledged: boolean } | { done: false; why: 'timeout' | 'error'; cause?: unknown };

/** A call that takes longer no longer keeps those after it waiting. When it lands, the profile is looked at again. */
const LATE_MS = 10_000;
const MAX_CORRECTIONS = 3;

/** Binds the option; null: the host keeps no such memory. */
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

  async function tellNow(userId: string, enrolled: boolean, corrections: number): Promise<Told> {
    const begunAt = clock();
    const calling = call(userId, enrolled);
    runningCalls.track('markEnrolled', calling);
    const told = await withinDeadline(LATE_MS, () => calling, { inBackground: true });
    if (told.done) return compare(userId, { enrolled, begunAt, corrections });
    if (told.why === 'timeout') followUp(userId, { calling, enrolled, begunAt });
    return told;
  }

  /** Whether what the host was told is what the profile says; if not, it is told again. */
  async function compare(
    userId: string,
    { enrolled, begunAt, corrections }: { enrolled: boolean; begunAt: number; corrections: number },
  ): Promise<Told> {
    const operation = beginOperation({ options, emit }, { name: 'mark_enrolled', userId });
    const read = await profiles.read(userId, operation.report);
    operation.end({});
    if (!read.ok) return { done: true, acknowledged: false };
    const { profile } = read;
    if (isEnrolled(profile) === enrolled) return { done: true, acknowledged: enrolled || (await acknowledge(userId, profile)) };
    // An empty record alone is no reason to tell the host "not enrolled": somebody may have put an old one back.
    if (enrolled && !explainsItself(profile, begunAt)) return { done: true, acknowledged: false };
    if (corrections === 0) return { done: false, why: 'error', cause: new Error('the profile changed at each attempt') };
    return tellNow(userId, !enrolled, corrections - 1);
  }

  /** The host has heard of the reset or removal, so that the note of it goes: from now on the host's memory counts. */
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

  /** A call that was given up goes on. Once it has landed, it may have overwritten what a later one said. */
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
    async tell(userId, enrolled) {
      const telling = queue.run(userId, () => tellNow(userId, enrolled, MAX_CORRECTIONS));
      runningCalls.track('corrections', telling);
      return (
        (await telling) ?? { done: false, why: 'error', cause: new Error('too many calls of markEnrolled wait for this user') }
      );
    },
  };
}

/** The record says by itself that its user was unenrolled: the host has not heard of it so far, or heard of it after `begunAt`. */
function explainsItself(profile: Profile | null, begunAt: number): boolean {
  return profile !== null && (profile.unenrolledAt !== undefined || (profile.unenrolledToldAt ?? -1) >= begunAt);
}
