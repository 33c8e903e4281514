import '../../../../support/driven-timers.js';
import type { Mfa, MfaStorage, Walked } from '@mfa-kit/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createFixture, KEY, OTHER_KEY, type TestUser } from '../../../../support/core-fixture.js';
import { idOf, plant, populated, sealedByKey } from '../../../../support/population.js';

afterEach(() => {
  vi.useRealTimers();
});

const rotating = { keys: [OTHER_KEY, KEY] };

/** A storage that refuses reads and writes for users whom `unreachable` selects. */
function withoutReach(storage: MfaStorage, unreachable: (userId: string) => boolean): MfaStorage {
  const reach = <T>(userId: string, call: () => Promise<T>) =>
    unreachable(userId) ? Promise.reject<T>(new Error('connection reset')) : call();
  return {
    ...storage,
    read: (userId) => reach(userId, () => storage.read(userId)),
    write: (userId, next, expected) => reach(userId, () => storage.write(userId, next, expected)),
  };
}

/** Runs the timers until the walk ends, without waiting. */
async function passTime<T>(walking: Promise<T>): Promise<T> {
  let ended = false;
  const end = () => {
    ended = true;
  };
  walking.then(end, end);
  while (!ended) {
    await vi.advanceTimersByTimeAsync(100);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return walking;
}

describe('a walk over all users', () => {
  it('visits every user once, page by page, at most four at a time', async () => {
    const storage = await populated(250);
    const seen: string[] = [];
    let [atOnce, most] = [0, 0];
    const { mfa, counts } = createFixture({
      storage: {
        ...storage,
        async read(userId) {
          seen.push(userId);
          most = Math.max(most, ++atOnce);
          await new Promise((resolve) => setImmediate(resolve));
          atOnce--;
          return storage.read(userId);
        },
      },
    });
    const pages: [number, boolean, string | undefined][] = [];
    const walked = await mfa.report({
      onPage: async ({ users, complete, cursor }) => void pages.push([users, complete, cursor]),
    });
    expect(pages).toEqual([
      [100, false, expect.any(String)],
      [200, false, expect.any(String)],
      [250, true, undefined],
    ]);
    expect(walked).toMatchObject({ complete: true, users: 250, unreadable: { count: 0 }, failed: { count: 0 } });
    expect(seen.sort()).toEqual(Array.from({ length: 250 }, (_, index) => idOf(index)));
    expect(most).toBe(4);
    expect(counts).toEqual({ reads: 250, writes: 0, removes: 0, lists: 3 });
  });

  it('lets other work run, even with a storage that never waits', async () => {
    const { mfa } = createFixture({ storage: await populated(100) });
    let turns = 0;
    let walking = true;
    const others = (async () => {
      while (walking) {
        await new Promise((resolve) => setImmediate(resolve));
        turns++;
      }
    })();
    await mfa.report();
    walking = false;
    await others;
    expect(turns).toBeGreaterThan(20);
  });

  it('is complete without users', async () => {
    expect(await createFixture().mfa.report()).toMatchObject({ complete: true, users: 0 });
  });

  it('continues from any cursor, and the sums of the parts are those of the whole', async () => {
    const storage = await populated(350);
    const cursors: string[] = [];
    const { mfa } = createFixture({ storage });
    await mfa.report({ onPage: ({ cursor }) => void (cursor === undefined || cursors.push(cursor)) });
    expect(cursors).toHaveLength(3);
    for (const [index, cursor] of cursors.entries()) {
      expect(await mfa.report({ cursor })).toMatchObject({ complete: true, users: 350 - 100 * (index + 1) });
    }
  });

  it('says where to continue if a signal ends it between two users, and counts finished pages only', async () => {
    const storage = await populated(250);
    const abort = new AbortController();
    let reads = 0;
    const { mfa } = createFixture({
      ...rotating,
      storage: {
        ...storage,
        read(userId) {
          if (++reads === 120) abort.abort(new Error('deploy'));
          return storage.read(userId);
        },
      },
    });
    const first = await mfa.rotateKeys({ signal: abort.signal });
    expect(first).toMatchObject({ complete: false, users: 100, resealed: 100, cause: abort.signal.reason });
    expect(first).not.toHaveProperty('removable');
    const rest = await mfa.rotateKeys({ cursor: first.cursor as string });
    // The work that the interrupted page had already done is found done.
    expect(rest).toMatchObject({ complete: true, users: 150 });
    expect(rest.current).toBeGreaterThan(10);
    expect(rest.current + rest.resealed).toBe(150);
    expect(await sealedByKey(storage)).toEqual({ [OTHER_KEY.id]: 250 });
  });

  it('does nothing if its signal was aborted before it began', async () => {
    const { mfa, counts } = createFixture({ storage: await populated(3) });
    const walked = await mfa.rotateKeys({ signal: AbortSignal.abort('late') });
    expect(walked).toMatchObject({ complete: false, users: 0, cause: 'late' });
    expect(walked).not.toHaveProperty('cursor');
    expect(counts.lists).toBe(0);
  });

  it('survives a storage that is down for some seconds', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const storage = await populated(250);
    let away = false;
    const breaking = withoutReach(storage, () => away);
    const { mfa, events } = createFixture({
      ...rotating,
      storage: { ...breaking, listUserIds: (cursor) => (away ? Promise.reject(new Error('gone')) : storage.listUserIds(cursor)) },
    });
    const walking = mfa.rotateKeys({
      onPage() {
        away = true;
        setTimeout(() => {
          away = false;
        }, 3_000);
      },
    });
    expect(await passTime(walking)).toMatchObject({ complete: true, users: 250, resealed: 250, failed: { count: 0 } });
    expect(events.filter(({ name }) => name !== 'storage_failed')).toEqual([]);
  });

  it.each([
    ['reads', (away: () => boolean, storage: MfaStorage) => withoutReach(storage, away)],
    [
      'lists',
      (away: () => boolean, storage: MfaStorage): MfaStorage => ({
        ...storage,
        listUserIds: (cursor) => (away() ? Promise.reject(new Error('gone')) : storage.listUserIds(cursor)),
      }),
    ],
  ])('ends where it was if the storage stays down (%s), and continues from there', async (_, broken) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const storage = await populated(250);
    let away = false;
    const { mfa } = createFixture({ ...rotating, storage: broken(() => away, storage) });
    const walking = mfa.rotateKeys({
      onPage() {
        away = true;
      },
    });
    const first = await passTime(walking);
    expect(first).toMatchObject({ complete: false, users: 100, resealed: 100, failed: { count: 0 } });
    expect(first.cause).toBeDefined();
    away = false;
    expect(await mfa.rotateKeys({ cursor: first.cursor as string })).toMatchObject({ complete: true, resealed: 150 });
    expect(await sealedByKey(storage)).toEqual({ [OTHER_KEY.id]: 250 });
  });

  it('names the users that it could not reach, at most a hundred, and continues with the others', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const storage = await populated(250);
    const odd = (userId: string) => Number(userId.slice(-4)) % 2 === 1;
    const { mfa, events } = createFixture({ ...rotating, storage: withoutReach(storage, odd) });
    const walking = mfa.rotateKeys();
    const walked = await passTime(walking);
    expect(walked).toMatchObject({ complete: true, users: 250, resealed: 125, failed: { count: 125 } });
    expect(walked.failed.userIds).toEqual(Array.from({ length: 100 }, (_, index) => idOf(2 * index + 1)));
    expect(walked).not.toHaveProperty('removable');
    expect(new Set(events.map((event) => event.name))).toEqual(new Set(['storage_failed']));
  });

  it('skips a user that cannot be changed, because the profile is too large', async () => {
    const storage = await populated(20);
    // Just at the limit: any write lists one more version.
    for (const index of [3, 4, 5, 6, 7, 8, 9, 10, 11]) {
      const fits = { id: 'x', kind: 'x', name: '', createdAt: 0, enrollmentId: '', data: 'x'.repeat(48_730) };
      await plant(storage, idOf(index), { authenticators: [fits] });
    }
    const { mfa, events } = createFixture({ ...rotating, storage });
    const walked = await mfa.rotateKeys();
    expect(walked).toMatchObject({ complete: true, users: 20, resealed: 11, failed: { count: 9 } });
    expect(events).toHaveLength(9);
    expect(events[0]).toMatchObject({ name: 'refused', operation: 'rotate_keys', userId: idOf(3) });
  });

  it('names the users whose profile does not open, with an event each, and leaves their rows alone', async () => {
    const storage = await populated(130, OTHER_KEY);
    await plant(storage, idOf(0));
    await storage.write(idOf(1), { version: 'x', value: 'AAAA' }, (await storage.read(idOf(1)))?.version ?? null);
    const before = await storage.read(idOf(5));
    const { mfa, events } = createFixture({ storage });
    for (const walk of [mfa.report, mfa.rotateKeys, mfa.afterRestore] as (() => Promise<Walked>)[]) {
      events.length = 0;
      const walked = await walk();
      expect(walked).toMatchObject({ complete: true, users: 130, unreadable: { count: 129 }, failed: { count: 0 } });
      expect(walked.unreadable.userIds).toHaveLength(100);
      expect(walked.unreadable.userIds).toContain(idOf(1));
      const unreadable = events.filter(({ name }) => name === 'profile_unreadable');
      expect(unreadable).toHaveLength(129);
      expect(unreadable.filter((event) => event.name === 'profile_unreadable' && event.why === 'unknown_format')).toHaveLength(1);
    }
    expect(await storage.read(idOf(5))).toEqual(before);
  });

  it.each([
    '__proto__',
    'constructor',
    ' ',
    'a\u0301',
    '😀',
    '"\'\\%_$1',
    JSON.stringify(['tenant', 'u']),
    'x'.repeat(255),
    '語'.repeat(85),
  ])('STO-5: reaches the user %j', async (userId) => {
    const { mfa, storage } = createFixture(rotating);
    await plant(storage, userId);
    expect(await mfa.rotateKeys()).toMatchObject({ users: 1, resealed: 1 });
    expect((await mfa.report()).keys).toContainEqual({ id: OTHER_KEY.id, inRing: true, profiles: 1 });
    expect(await mfa.afterRestore()).toMatchObject({ users: 1, handled: 1 });
  });

  it('does not count a user who was removed between the list and the visit, or count twice one who is listed twice on a page', async () => {
    const storage = await populated(3);
    const { mfa } = createFixture({
      storage: { ...storage, listUserIds: async () => ({ userIds: [idOf(0), 'gone', idOf(1), idOf(0)] }) },
    });
    expect(await mfa.report()).toMatchObject({ complete: true, users: 2, notEnrolled: 2 });
  });

  it('ends if the storage lists for ever, or returns no page', async () => {
    const forever = createFixture({
      storage: { ...(await populated(1)), listUserIds: async () => ({ userIds: [], cursor: 'x' }) },
    });
    await expect(forever.mfa.report()).rejects.toMatchObject({ code: 'invalid_option', message: /lists for ever/ });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const none = createFixture({ storage: { ...(await populated(1)), listUserIds: (async () => [idOf(0)]) as never } });
    const walking = none.mfa.report();
    expect(await passTime(walking)).toMatchObject({ complete: false, users: 0, cause: expect.any(TypeError) });
  });

  it('ends with the error that the host threw in onPage', async () => {
    const { mfa } = createFixture({ storage: await populated(250) });
    const cause = new Error('disk full');
    await expect(mfa.report({ onPage: () => Promise.reject(cause) })).rejects.toMatchObject({
      code: 'host_callback_failed',
      cause,
    });
  });

  it('waits at most a second for callbacks that hang, so that the number of pending calls is bounded', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const storage = await populated(40);
    let hanging = 0;
    const { mfa } = createFixture({ storage, onEvent: () => new Promise<void>(() => void hanging++) });
    const walking = mfa.afterRestore();
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    await vi.advanceTimersByTimeAsync(900);
    expect(hanging).toBe(4);
    expect(await passTime(walking)).toMatchObject({ complete: true, handled: 40 });
    expect(hanging).toBe(40);
  });

  const misuse: [string, (mfa: Mfa<TestUser>) => Promise<Walked>][] = [
    ['a misspelled dryRun', (mfa) => mfa.rotateKeys({ dryrun: true } as never)],
    ['a dryRun that is no boolean', (mfa) => mfa.afterRestore({ dryRun: 'true' } as never)],
    ['a dryRun of a report', (mfa) => mfa.report({ dryRun: true } as never)],
    ['a cursor that is no text', (mfa) => mfa.report({ cursor: 7 } as never)],
    ['a signal that is none', (mfa) => mfa.report({ signal: { aborted: false } } as never)],
    ['an instant in seconds', (mfa) => mfa.afterRestore({ restoredAt: 1_800_000_000 })],
    ['an instant to come', (mfa) => mfa.afterRestore({ restoredAt: 1_800_000_000_000 + 120_000 })],
    ['no instant', (mfa) => mfa.afterRestore({ restoredAt: Number.NaN })],
    ['null', (mfa) => mfa.rotateKeys(null as never)],
  ];
  it.each(misuse)('refuses %s before it touches anything', async (_, walk) => {
    const { mfa, counts } = createFixture({ storage: await populated(1) });
    await expect(walk(mfa)).rejects.toMatchObject({ name: 'MfaError', code: 'invalid_argument' });
    expect(counts).toEqual({ reads: 0, writes: 0, removes: 0, lists: 0 });
  });
});
