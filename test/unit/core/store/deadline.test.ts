import '../../../support/driven-timers.js';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { countdown, withinDeadline } from '../../../../packages/core/src/store/deadline.js';
import { createUserQueue } from '../../../../packages/core/src/store/queue.js';

afterEach(() => {
  vi.useRealTimers();
});

describe('I12: a call within a deadline', () => {
  it('is not made if no time is left', async () => {
    let calls = 0;
    const call = async () => ++calls;
    for (const ms of [0, -1]) expect(await withinDeadline(ms, call)).toEqual({ done: false, why: 'timeout' });
    expect(calls).toBe(0);
    expect(await withinDeadline(1, call)).toEqual({ done: true, value: 1 });
  });

  it('returns its value, its error or, if it is late, neither', async () => {
    vi.useFakeTimers();
    const cause = new Error('down');
    expect(await withinDeadline(50, () => Promise.reject(cause))).toEqual({ done: false, why: 'error', cause });
    const throwing = () => {
      throw cause;
    };
    expect(await withinDeadline(50, throwing)).toEqual({ done: false, why: 'error', cause });
    const late = withinDeadline(50, () => new Promise<never>(() => undefined));
    await vi.advanceTimersByTimeAsync(50);
    expect(await late).toEqual({ done: false, why: 'timeout' });
    expect(vi.getTimerCount()).toBe(0);
    await withinDeadline(50, async () => 'in time');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('counts down to zero and no further', () => {
    vi.useFakeTimers();
    const left = countdown(100);
    expect(left()).toBe(100);
    vi.advanceTimersByTime(40);
    expect(left()).toBe(60);
    vi.advanceTimersByTime(100);
    expect(left()).toBe(0);
  });
});

describe('the queue of a user', () => {
  it('runs calls one after another, also after one that failed, and is busy until then', async () => {
    const queue = createUserQueue();
    const order: string[] = [];
    const task = (name: string) => async () => {
      order.push(`${name} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      order.push(`${name} ends`);
      if (name === 'a') throw new Error('a failed');
      return name;
    };
    expect(queue.isBusy('u')).toBe(false);
    const [a, b] = [queue.run('u', task('a')), queue.run('u', task('b'))];
    expect([queue.isBusy('u'), queue.isBusy('v')]).toEqual([true, false]);
    await expect(a).rejects.toThrowError('a failed');
    expect(queue.isBusy('u')).toBe(true);
    expect(await b).toBe('b');
    expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
    expect(queue.isBusy('u')).toBe(false);
  });

  it('F24: runs urgent calls before all others, beyond their limit, and one after another', async () => {
    const queue = createUserQueue();
    const order: string[] = [];
    const task = (name: string) => async () => {
      order.push(name);
      await new Promise((resolve) => setImmediate(resolve));
      return name;
    };
    const waiting = [queue.run('u', task('running'))];
    for (let index = 0; index < 600; index++) waiting.push(queue.run('u', task('other')));
    const urgent = Array.from({ length: 40 }, (_, index) => queue.run('u', task(`urgent ${index}`), true));
    expect((await Promise.all(urgent)).filter((name) => name !== null)).toHaveLength(32);
    expect(order.slice(0, 33)).toEqual(['running', ...Array.from({ length: 32 }, (_, index) => `urgent ${index}`)]);
    expect((await Promise.all(waiting)).filter((name) => name === null)).toHaveLength(101);
    expect(queue.isBusy('u')).toBe(false);
  });

  it('accepts at most five hundred calls', async () => {
    const queue = createUserQueue();
    let open = () => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    const running = Array.from({ length: 500 }, () => queue.run('u', async () => opened));
    expect(await queue.run('u', async () => 'ran')).toBeNull();
    expect(await queue.run('v', async () => 'ran')).toBe('ran');
    open();
    await Promise.all(running);
    expect(await queue.run('u', async () => 'ran')).toBe('ran');
  });
});
