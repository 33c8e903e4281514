import '../../../support/driven-timers.js';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createKeyring } from '../../../../packages/core/src/crypto/keyring.js';
import type { EventDetail } from '../../../../packages/core/src/events.js';
import { newProfile, type Profile } from '../../../../packages/core/src/profile/profile.js';
import { memoryStorage } from '../../../../packages/core/src/storage/memory.js';
import type { MfaStorage } from '../../../../packages/core/src/storage/storage.js';
import { createProfileStore } from '../../../../packages/core/src/store/profile-store.js';
import { createWarnings } from '../../../../packages/core/src/warnings/warnings.js';
import { interleavingStorage } from '../../../support/interleaving-storage.js';

const keyring = createKeyring([{ id: 'k', secret: Buffer.alloc(32, 7) }], 'mfa-kit');
const UNAVAILABLE = { ok: false, reason: 'unavailable', retryAfterSeconds: 5 };

/** A store on memory storage, with single answers of the adapter replaced. */
function fixture(change: (storage: MfaStorage) => Partial<Record<keyof MfaStorage, unknown>>) {
  const storage = memoryStorage();
  const store = createProfileStore({
    storage: { ...storage, ...change(storage) } as MfaStorage,
    keyring,
    realm: 'mfa-kit',
    clock: () => 0,
    warnings: createWarnings({ adapter: undefined, keyIds: keyring.ids, clock: () => 0 }),
  });
  const events: EventDetail[] = [];
  let decided = 0;
  const decide = (profile: Profile | null) => {
    decided++;
    return { answer: profile?.enrollBy ?? 'new', next: { ...(profile ?? newProfile()), enrollBy: (profile?.enrollBy ?? 0) + 1 } };
  };
  const put = () => store.change('u', (event) => void events.push(event), decide);
  return { storage, store, events, put, decisions: () => decided };
}

/** A fixture where the one write after `arm` is lost without being applied, and others write `writes` times instead. */
function overtaken(writes: number) {
  let armed = false;
  const own = fixture((storage) => ({
    write: async (...given: Parameters<MfaStorage['write']>) => {
      if (!armed) return storage.write(...given);
      armed = false;
      const others = fixture(() => storage as never);
      for (let times = 0; times < writes; times++) await others.put();
      throw new Error('connection lost');
    },
  }));
  const arm = () => {
    armed = true;
  };
  return { ...own, arm };
}

async function failing(): Promise<never> {
  throw new Error('down');
}

afterEach(() => {
  vi.useRealTimers();
});

describe('FLT-1: an invalid answer of the storage', () => {
  it.each([
    ['an error', failing],
    ['undefined', async () => undefined],
    ['a text', async () => 'value'],
    ['an invalid version', async () => ({ version: 1, value: 'v' })],
    ['an invalid value', async () => ({ version: 'v' })],
  ])('to read: %s', async (_name, read) => {
    const { store, events, put } = fixture(() => ({ read }));
    const failed = { name: 'storage_failed', operation: 'read', why: 'error' };
    expect(await store.read('u', (event) => void events.push(event))).toStrictEqual(UNAVAILABLE);
    expect(await put()).toStrictEqual(UNAVAILABLE);
    expect(events).toStrictEqual([failed, failed]);
  });

  it.each([
    ['undefined', undefined],
    ['no list', { userIds: 'ab' }],
    ['an id that is no text, first', { userIds: [1, 'a'] }],
    ['an id that is no text, last', { userIds: ['a', 1] }],
    ['a cursor that is no text', { userIds: ['a'], cursor: 5 }],
    ['no list, and a cursor', { cursor: 'c' }],
  ])('to listUserIds: %s', async (_name, page) => {
    const { store } = fixture(() => ({ listUserIds: async () => page }));
    expect(await store.list(undefined)).toMatchObject({ done: false, why: 'error', cause: expect.any(TypeError) });
  });

  it('a page is returned unchanged, and the first one is requested without a cursor', async () => {
    const asked: unknown[][] = [];
    const page = { userIds: ['a', 'b'], cursor: 'c' };
    const { store } = fixture(() => ({
      listUserIds: async (...given: unknown[]) => {
        asked.push(given);
        return page;
      },
    }));
    expect(await store.list(undefined)).toEqual({ done: true, value: page });
    expect(await store.list('c')).toEqual({ done: true, value: page });
    expect(asked).toEqual([[], ['c']]);
  });
});

describe('a write whose answer is lost', () => {
  const lost = { name: 'storage_failed', operation: 'write', why: 'error' };

  it('stands if it was committed, and is not decided again', async () => {
    const { events, put, decisions } = fixture((storage) => ({
      write: async (...given: Parameters<MfaStorage['write']>) => {
        await storage.write(...given);
        throw new Error('connection lost');
      },
    }));
    expect(await put()).toBe('new');
    expect([decisions(), events]).toEqual([1, [lost]]);
    expect(await put()).toBe(1);
    expect(decisions()).toBe(2);
  });

  it('is decided again if it was not committed, once for each time', async () => {
    let failures = 2;
    const { events, put, decisions } = fixture((storage) => ({
      write: (...given: Parameters<MfaStorage['write']>) => (failures-- > 0 ? failing() : storage.write(...given)),
    }));
    expect(await put()).toBe('new');
    expect([decisions(), events]).toEqual([3, [lost, lost]]);
  });

  it('stands if the driver retried and returned false for its own success', async () => {
    const { events, put, decisions } = fixture((storage) => ({
      write: async (...given: Parameters<MfaStorage['write']>) => !(await storage.write(...given)),
    }));
    expect(await put()).toBe('new');
    expect(await put()).toBe(1);
    expect([decisions(), events]).toEqual([2, []]);
  });

  it('is uncertain if more newer versions were written than are listed', async () => {
    const { storage, events, put } = fixture((under) => ({
      write: async (userId: string, next: never, expected: string | null) => {
        await under.write(userId, next, expected);
        if (buried) return true;
        buried = true;
        for (let times = 0; times < 20; times++) await other.put();
        throw new Error('connection lost');
      },
    }));
    let buried = true;
    await put();
    const other = fixture(() => storage as never);
    buried = false;
    expect(await put()).toStrictEqual(UNAVAILABLE);
    expect(events).toStrictEqual([lost, { ...lost, why: 'doubtful' }]);
  });

  it('is resolved by the stored record if it was a removal', async () => {
    const { store, events, put } = fixture((storage) => ({
      remove: async (...given: Parameters<MfaStorage['remove']>) => {
        await storage.remove(...given);
        throw new Error('connection lost');
      },
    }));
    await put();
    const report = (event: EventDetail) => void events.push(event);
    const forget = () => ({ answer: 'gone', next: 'remove' as const });
    expect(await store.change('u', report, forget)).toBe('gone');
    expect(events).toEqual([{ ...lost, operation: 'remove' }]);
    expect(await store.read('u', report)).toEqual({ ok: true, profile: null });
    expect(await store.change('u', report, forget)).toBe('gone');
    expect(events).toHaveLength(1);
  });

  it('stands if it was committed and the first read after it fails as well', async () => {
    let lostOne = false;
    const { events, put } = fixture((storage) => ({
      read: (userId: string) => {
        if (!lostOne) return storage.read(userId);
        lostOne = false;
        return failing();
      },
      write: async (...given: Parameters<MfaStorage['write']>) => {
        await storage.write(...given);
        lostOne = true;
        throw new Error('connection lost');
      },
    }));
    expect(await put()).toBe('new');
    expect(events).toEqual([lost, { ...lost, operation: 'read' }]);
  });

  it('is unavailable within the deadline if every read after it fails', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    let reads = 0;
    const { events, put } = fixture(() => ({ read: async () => (reads++ === 0 ? null : failing()), write: failing }));
    const answer = put();
    await vi.advanceTimersByTimeAsync(4_000);
    expect(await answer).toStrictEqual(UNAVAILABLE);
    expect(events.slice(0, 2)).toEqual([lost, { ...lost, operation: 'read' }]);
    expect(events).not.toContainEqual({ ...lost, why: 'doubtful' });
  });

  it.each([1, 16])(
    'was not, while others made the record, in %i writes: it is decided again on what they wrote',
    async (writes) => {
      const { put, arm } = overtaken(writes);
      arm();
      expect(await put()).toBe(writes);
    },
  );

  it('is uncertain if others created the record with more writes than are listed', async () => {
    const { events, put, arm } = overtaken(20);
    arm();
    expect(await put()).toStrictEqual(UNAVAILABLE);
    expect(events).toEqual([lost, { ...lost, why: 'doubtful' }]);
  });

  it('is decided again if it was not committed, on a record of many versions', async () => {
    const { put, arm } = overtaken(0);
    for (let times = 0; times < 20; times++) await put();
    arm();
    expect(await put()).toBe(20);
  });

  it('is uncertain on a record that somebody has removed since', async () => {
    let armed = false;
    const { storage, events, put } = fixture((under) => ({
      write: async (userId: string, next: never, expected: string) => {
        if (!armed) return under.write(userId, next, expected);
        await under.remove(userId, expected);
        throw new Error('connection lost');
      },
    }));
    await put();
    armed = true;
    expect(await put()).toStrictEqual(UNAVAILABLE);
    expect(events).toEqual([lost, { ...lost, why: 'doubtful' }]);
    expect(await storage.read('u')).toBeNull();
  });
});

it('a change that always loses to others is busy at its deadline, without a fault, and nothing is applied', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const { storage, events, put, decisions } = fixture((under) => ({
    write: async (...given: Parameters<MfaStorage['write']>) => {
      await others.put();
      return under.write(...given);
    },
  }));
  const others = fixture(() => storage as never);
  const answer = put();
  await vi.advanceTimersByTimeAsync(4_100);
  expect(await answer).toStrictEqual({ ok: false, reason: 'busy', retryAfterSeconds: 1 });
  expect(events).toEqual([]);
  expect(decisions()).toBe(others.decisions());
});

it('FLT-4: an operation that writes nothing does not wait for a write that hangs, if there is no record yet', async () => {
  const storage = interleavingStorage(memoryStorage());
  const { store, put } = fixture(() => storage as never);
  storage.hold(({ method }) => method === 'write');
  const hanging = put();
  await storage.nextHeld();
  const look = (profile: Profile | null) => ({ answer: profile === null ? 'no record' : 'a record' });
  expect(await store.change('u', () => undefined, look)).toBe('no record');
  storage.releaseAll();
  expect(await hanging).toBe('new');
});

describe('the versions that a profile lists', () => {
  it('are those before it, the newest first, at most sixteen', async () => {
    const { storage, store, put } = fixture(() => ({}));
    const before: (string | undefined)[] = [];
    for (let times = 0; times < 20; times++) {
      await put();
      const read = await store.read('u', () => undefined);
      expect(read.ok && read.profile?.versions).toEqual(before.slice(0, 16));
      before.unshift((await storage.read('u'))?.version);
    }
  });

  it('start again after one that did not open', async () => {
    const { storage, store } = fixture(() => ({}));
    await storage.write('u', { version: 'broken', value: 'none of ours' }, null);
    const refuse = () => ({ answer: 'refused' });
    const reset = () => ({ answer: 'reset', next: newProfile() });
    expect(await store.change('u', () => undefined, refuse, reset)).toBe('reset');
    expect(await store.read('u', () => undefined)).toMatchObject({ ok: true, profile: { versions: ['broken'] } });
  });
});
