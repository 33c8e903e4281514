import { createKeyring } from '../../packages/core/src/crypto/keyring.js';
import type { Profile } from '../../packages/core/src/profile/profile.js';
import type { MfaStorage, StoredProfile } from '../../packages/core/src/storage/storage.js';
import { open, seal } from '../../packages/core/src/store/seal.js';
import { createFixture, KEY, MINUTE } from '../support/core-fixture.js';

/** The fault of one storage call. */
export const READ_FAULTS = ['throws', 'hangs'] as const;
export const WRITE_FAULTS = [
  /** Nothing happened, and the caller gets an error. */
  'throws',
  /** The write was applied, and the reply was lost. */
  'commits, then throws',
  /** The write was applied, and the driver's retry found its own version. */
  'commits, then says false',
  /** A deadlock victim: certainly not applied. */
  'says false',
  'hangs',
  'commits, then hangs',
  /** There is no reply, but the write is applied later. */
  'hangs, then commits late',
  /** The write was applied, but after many later writes the list of versions no longer contains it. */
  'commits, is buried, then throws',
  'is not applied, is buried, then throws',
  /** The write was applied, followed by as many writes as the list of versions holds. */
  'commits, is overtaken, then throws',
] as const;
export type Fault = (typeof READ_FAULTS)[number] | (typeof WRITE_FAULTS)[number];

/** Later than the deadline of a call, but before that of an operation. */
export const LATE_MS = 2_500;

const keyring = createKeyring([{ id: KEY.id, secret: Buffer.from(KEY.secret, 'base64') }], 'mfa-kit');

/** Opens a stored profile directly from the storage; null if there is none. */
export async function peek(storage: MfaStorage, userId: string): Promise<Profile | null> {
  const stored = await storage.read(userId);
  if (!stored) return null;
  const opened = open(stored.value, { realm: 'mfa-kit', userId, version: stored.version }, keyring);
  if (!opened.readable) throw new Error(opened.why);
  return opened.profile;
}

/** Changes a stored profile directly in the storage. */
export async function poke(storage: MfaStorage, userId: string, change: (profile: Profile) => Profile): Promise<void> {
  const stored = await storage.read(userId);
  const profile = await peek(storage, userId);
  if (!stored || !profile) throw new Error('nothing is stored');
  const version = `poked-${stored.version.slice(0, 16)}`;
  const value = seal(change(profile), { realm: 'mfa-kit', userId, version }, keyring);
  if (!(await storage.write(userId, { version, value }, stored.version))) throw new Error('somebody else writes');
}

/** Changes the profile so many times as other processes would, with an operation that no scenario checks. */
async function overtake(storage: MfaStorage, userId: string, times: number): Promise<void> {
  // Its clock is not behind the one that made the profile, because it would otherwise drop later dates.
  const { mfa } = createFixture({ storage, clock: () => createFixture().clock.now() + 10 * MINUTE });
  for (let time = 0; time < times; time++) await mfa.clearLockout({ userId, actor: 'test', reason: 'overtakes' });
}

export interface FaultyStorage extends MfaStorage {
  /** The methods of the calls so far. */
  calls: ('read' | 'write' | 'remove')[];
  /** Timers of late commits, which nothing awaits. */
  lateTimers: number;
}

/** Injects the fault into the n-th call (counted from 0), or into every call from it on. The others reach the storage. */
export function faultyStorage(
  storage: MfaStorage,
  plan: { at: number; fault: Fault | null; andAfter?: boolean | undefined },
): FaultyStorage {
  const calls: FaultyStorage['calls'] = [];

  async function meet<T>(method: 'read' | 'write' | 'remove', userId: string, act: () => Promise<T>): Promise<T> {
    const index = calls.push(method) - 1;
    const hit = plan.fault !== null && (index === plan.at || (plan.andAfter === true && index > plan.at));
    return hit ? suffer(plan.fault as Fault, method, userId, act) : act();
  }

  async function suffer<T>(fault: Fault, method: string, userId: string, act: () => Promise<T>): Promise<T> {
    switch (fault) {
      case 'throws':
        throw new Error('connection reset');
      case 'hangs':
        return never();
      case 'says false':
        return false as T;
      case 'hangs, then commits late':
        if (method === 'read') return never();
        faulty.lateTimers++;
        setTimeout(() => {
          faulty.lateTimers--;
          void act();
        }, LATE_MS);
        return never();
      case 'commits, then says false':
        await act();
        return (method === 'read' ? await act() : false) as T;
      case 'commits, then hangs':
        await act();
        return never();
      case 'commits, then throws':
        await act();
        throw new Error('connection reset');
      case 'commits, is overtaken, then throws':
      case 'commits, is buried, then throws':
        await act();
        await overtake(storage, userId, fault.includes('buried') ? 17 : 16);
        throw new Error('connection reset');
      case 'is not applied, is buried, then throws':
        await overtake(storage, userId, 17);
        throw new Error('connection reset');
    }
  }

  const faulty: FaultyStorage = {
    calls,
    lateTimers: 0,
    read: (userId) => meet('read', userId, () => storage.read(userId)),
    write: (userId, next: StoredProfile, expected) => meet('write', userId, () => storage.write(userId, next, expected)),
    remove: (userId, expected) => meet('remove', userId, () => storage.remove(userId, expected)),
    listUserIds: (cursor) => storage.listUserIds(cursor),
  };
  return faulty;
}

function never<T>(): Promise<T> {
  return new Promise(() => {});
}
