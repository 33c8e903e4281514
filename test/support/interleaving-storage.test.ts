import { describe, expect, it } from 'vitest';
import { memoryStorage } from '../../packages/core/src/storage/memory.js';
import { countingStorage } from './counting-storage.js';
import { interleavingStorage } from './interleaving-storage.js';

const profile = (version: string) => ({ version, value: 'x' });

describe('interleavingStorage', () => {
  it('holds a chosen call before its effect, so that another operation goes first', async () => {
    const storage = interleavingStorage(memoryStorage());
    storage.hold(({ method, at }) => method === 'write' && at === 'before');
    const first = storage.write('alice', profile('first'), null);
    const held = await storage.nextHeld();
    storage.hold(() => false);
    expect(await storage.write('alice', profile('second'), null)).toBe(true);
    held.release();
    expect(await first).toBe(false);
  });

  it('holds the answer after the effect and can lose it', async () => {
    const storage = interleavingStorage(memoryStorage());
    storage.hold(({ at }) => at === 'after');
    const write = storage.write('alice', profile('first'), null);
    const held = await storage.nextHeld();
    expect(held).toMatchObject({ method: 'write', at: 'after', userId: 'alice' });
    held.fail(new Error('reply lost'));
    await expect(write).rejects.toThrow('reply lost');
    storage.releaseAll();
    expect((await storage.read('alice'))?.version).toBe('first');
  });

  it('returns held calls in order of arrival, and releases all', async () => {
    const storage = interleavingStorage(memoryStorage());
    storage.hold(({ at }) => at === 'before');
    const reads = [storage.read('alice'), storage.read('bob'), storage.listUserIds()];
    expect((await storage.nextHeld()).userId).toBe('alice');
    expect((await storage.nextHeld()).userId).toBe('bob');
    storage.releaseAll();
    expect(await Promise.all(reads)).toEqual([null, null, { userIds: [] }]);
  });

  it('throws if no call was held', async () => {
    const storage = interleavingStorage(memoryStorage());
    await storage.read('alice');
    await expect(storage.nextHeld(20)).rejects.toThrow('no storage call was held');
  });
});

describe('countingStorage', () => {
  it('counts each kind of call, and resets its counts', async () => {
    const storage = countingStorage(memoryStorage());
    await storage.read('alice');
    await storage.read('alice');
    await storage.write('alice', profile('v'), null);
    await storage.remove('alice', 'v');
    await storage.listUserIds();
    expect(storage.counts).toEqual({ reads: 2, writes: 1, removes: 1, lists: 1 });
    storage.reset();
    expect(storage.counts).toEqual({ reads: 0, writes: 0, removes: 0, lists: 0 });
  });
});
