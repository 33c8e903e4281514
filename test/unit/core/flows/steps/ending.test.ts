import '../../../../support/driven-timers.js';
import type { MfaEvent, MfaStorage } from '@mfa-kit/core';
import { MfaError } from '@mfa-kit/core';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { peek } from '../../../../faults/core-faulty-storage.js';
import {
  ada,
  createEnrolled,
  createFixture,
  DAY,
  type Enrolled,
  expectOk,
  type Fixture,
  loginPending,
  loginWithCode,
  OTHER_KEY,
  type TestUser,
} from '../../../../support/core-fixture.js';
import { watchWarnings } from '../../../../support/warnings.js';

const by = { userId: ada.id, actor: 'support-7', reason: 'lost phone, seen in person' };

/** The methods with which the host ends access. */
const endings: [string, (fixture: Fixture) => Promise<{ ok: true }>][] = [
  ['passwordChanged', ({ mfa }) => mfa.passwordChanged({ userId: ada.id })],
  ['forgetUser', ({ mfa }) => mfa.forgetUser({ userId: ada.id })],
  ['resetMfa', ({ mfa }) => mfa.resetMfa(by)],
  ['endSessionsOf', ({ mfa }) => mfa.endSessionsOf(by)],
  ['clearLockout', ({ mfa }) => mfa.clearLockout(by)],
];

/** A second process on the storage of a fixture, whose storage calls may be broken. */
function sibling(fixture: Fixture, broken: Partial<MfaStorage>, options: Parameters<typeof createFixture>[0] = {}): Fixture {
  return createFixture({ clock: fixture.clock.now, ...options, storage: { ...fixture.storage, ...broken } });
}

// Load the operators' flows now, because no test clock can hold back the disk at their first call.
beforeAll(async () => {
  await import('../../../../../packages/core/src/flows/account.js');
});
afterEach(() => {
  vi.useRealTimers();
});

/** Runs the fake time of deadlines until the call has ended; returns the milliseconds that it took. */
async function passTime(call: Promise<unknown>): Promise<number> {
  let ended = false;
  const end = (): void => {
    ended = true;
  };
  call.then(end, end);
  let elapsed = 0;
  for (; !ended && elapsed < 20_000; elapsed += 100) await vi.advanceTimersByTimeAsync(100);
  return elapsed;
}

function fakeDeadlines(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
}

async function errorOf(call: Promise<unknown>): Promise<MfaError> {
  const error = await call.then(
    () => null,
    (thrown) => thrown,
  );
  if (!(error instanceof MfaError)) throw new Error(`no MfaError was thrown, but ${error}`);
  return error;
}

describe('F15: a method that ends access throws if it failed:', () => {
  it.each(endings)('%s: the storage cannot be read', async (method, end) => {
    const fixture = await createEnrolled();
    const away = new Error('connect ECONNREFUSED');
    const broken = sibling(fixture, { read: () => Promise.reject(away) });
    const error = await errorOf(end(broken));
    expect(error).toMatchObject({ code: 'not_done', message: expect.stringContaining(`${method}() was not done`) });
    expect(error.message).not.toContain('ECONNREFUSED');
    expect(error.cause).toBeInstanceOf(Error);
    expect(broken.names()).toEqual(['storage_failed']);
    expect(broken.notices).toEqual([]);
  });

  it.each(endings)('%s: the storage cannot be written', async (method, end) => {
    const fixture = await createEnrolled();
    const fails = () => Promise.reject(new Error('read-only transaction'));
    const before = await fixture.storage.read(ada.id);
    const reading = { reads: 0 };
    const broken = sibling(fixture, {
      write: fails,
      remove: fails,
      // The uncertain outcome cannot be resolved either.
      read: async (id) => (reading.reads++ === 0 ? fixture.storage.read(id) : fails()),
    });
    expect(await errorOf(end(broken))).toMatchObject({ code: 'not_done', message: expect.stringContaining(method) });
    expect(await fixture.storage.read(ada.id)).toEqual(before);
    expect(broken.names()).not.toContain('mfa_reset');
  });

  it.each(endings)('%s: the storage hangs', async (_, end) => {
    const fixture = await createEnrolled();
    const broken = sibling(fixture, { read: () => new Promise(() => {}) });
    fakeDeadlines();
    const ending = errorOf(end(broken));
    expect(await passTime(ending)).toBeLessThan(4_100);
    expect(await ending).toMatchObject({ code: 'not_done', message: expect.stringContaining('timeout') });
  });

  it.each(endings.filter(([name]) => ['passwordChanged', 'endSessionsOf', 'clearLockout'].includes(name)))(
    '%s: the record does not open',
    async (_, end) => {
      const fixture = await createEnrolled();
      const other = sibling(fixture, {}, { keys: [OTHER_KEY] });
      expect(await errorOf(end(other))).toMatchObject({ code: 'not_done', message: expect.stringContaining('unknown_key') });
      expect(other.names()).toEqual(['profile_unreadable']);
    },
  );

  it.each(endings)('%s: other changes keep interfering', async (_, end) => {
    const fixture = await createEnrolled();
    const busy = sibling(fixture, { write: async () => false, remove: async () => false });
    fakeDeadlines();
    const ending = errorOf(end(busy));
    expect(await passTime(ending)).toBeLessThan(4_200);
    expect(await ending).toMatchObject({ code: 'not_done', message: expect.stringMatching(/interfering|timeout/) });
  });

  it('resetMfa: the host could not be notified, because of an error or a time-out', async () => {
    for (const markEnrolled of [() => Promise.reject(new Error('users table')), () => new Promise<void>(() => {})]) {
      const fixture = await createEnrolled();
      const deaf = sibling(fixture, {}, { markEnrolled });
      fakeDeadlines();
      const ending = errorOf(deaf.mfa.resetMfa(by));
      await passTime(ending);
      const error = await ending;
      expect(error).toMatchObject({
        code: 'not_done',
        message: expect.stringContaining('markEnrolled'),
        cause: expect.any(Error),
      });
      expect(deaf.names()).toEqual(['mfa_reset', 'mark_enrolled_failed']);
      expect(deaf.notices.map(({ name }) => name)).toEqual(['mfa_reset']);
    }
  });

  it('and otherwise returns what it did', async () => {
    const fixture = await createEnrolled();
    await loginWithCode(fixture);
    const own = await loginWithCode(fixture);
    const { mfa } = fixture;
    expect(await mfa.passwordChanged({ userId: ada.id })).toEqual({ ok: true, ended: true });
    const kept = await mfa.passwordChanged({ userId: ada.id, keep: own.session });
    expect(kept).toEqual({ ok: true, ended: true });
    expect(await mfa.endSessionsOf(by)).toEqual({ ok: true, ended: true });
    expect(await mfa.clearLockout(by)).toEqual({ ok: true, cleared: true });
    expect(await mfa.resetMfa(by)).toEqual({ ok: true, removed: { authenticators: 1, recoveryCodes: 10, devices: 2 } });
    expect(await mfa.resetMfa(by)).toEqual({ ok: true, removed: { authenticators: 0, recoveryCodes: 0, devices: 0 } });
    expect(await mfa.forgetUser({ userId: ada.id })).toEqual({ ok: true, removed: true });
    const unreadable = await createEnrolled();
    const other = sibling(unreadable, {}, { keys: [OTHER_KEY] });
    const nothing = { authenticators: 0, recoveryCodes: 0, devices: 0 };
    expect(await other.mfa.resetMfa(by)).toEqual({ ok: true, removed: nothing, unreadable: true });
    expect(other.names()).toEqual(['profile_unreadable', 'mfa_reset']);
  });

  it('endSessionsOf: ends sessions, pending logins and remembered devices, and records who did it and why', async () => {
    const fixture = await createEnrolled();
    const { session, token } = await loginWithCode(fixture, { rememberDevice: true });
    const pending = await loginPending(fixture.mfa);
    fixture.events.length = 0;
    await fixture.mfa.endSessionsOf({ ...by, context: { request: 7 } });
    expect(fixture.events).toMatchObject([
      {
        name: 'sessions_ended',
        because: 'operator',
        actor: by.actor,
        reason: by.reason,
        enrolled: true,
        context: { request: 7 },
      },
    ]);
    expect(fixture.notices.at(-1)).toMatchObject({ name: 'sessions_ended', because: 'operator' });
    expect(await fixture.mfa.checkAccess({ user: ada, session })).toMatchObject({ access: 'challenge', because: 'revoked' });
    expect((await fixture.mfa.checkAccess({ user: ada, session: pending })).access).toBe('login-again');
    expect((await fixture.mfa.beginLogin({ user: ada, deviceToken: token })).decision.access).toBe('challenge');
    expect(expectOk(await fixture.mfa.getStatus({ user: ada })).status).toMatchObject({ enrolled: true, recoveryCodesLeft: 10 });
  });

  it.each([
    { ...by, actor: '' },
    { ...by, reason: ' ' },
    { ...by, userId: '' },
  ])('endSessionsOf: requires actor and reason: %j', async (input) => {
    const fixture = await createEnrolled();
    await expect(fixture.mfa.endSessionsOf(input)).rejects.toMatchObject({ code: 'invalid_argument' });
    expect(fixture.counts.reads).toBe(0);
  });
});

describe('F21: nothing to end is a success without an event or a notice', () => {
  const nothing: [string, object][] = [
    ['passwordChanged', { ok: true, ended: false }],
    ['forgetUser', { ok: true, removed: false }],
    ['resetMfa', { ok: true, removed: { authenticators: 0, recoveryCodes: 0, devices: 0 } }],
    ['endSessionsOf', { ok: true, ended: false }],
    ['clearLockout', { ok: true, cleared: false }],
  ];

  it.each(nothing)('%s of an unknown id', async (method, answer) => {
    for (const notified of [true, false]) {
      const marks: unknown[] = [];
      const fixture = createFixture(notified ? { markEnrolled: (...given) => void marks.push(given) } : {});
      const end = endings.find(([name]) => name === method)?.[1];
      expect(await end?.(fixture)).toEqual(answer);
      expect(fixture.events).toEqual([]);
      expect(fixture.notices).toEqual([]);
      // Only a reset proves that nobody is enrolled: nothing else may change the mark that protects a deleted record.
      expect(marks).toEqual(notified && method === 'resetMfa' ? [[ada.id, false]] : []);
      if (notified) expect(await fixture.storage.read(ada.id)).toBeNull();
    }
  });

  it('resetMfa may be repeated, and repairs a host that is out of step', async () => {
    let hostSays = true;
    let away = true;
    const fixture = await createEnrolled(ada, {
      markEnrolled: (_, enrolled) => {
        if (away && !enrolled) throw new Error('users table');
        hostSays = enrolled;
      },
    });
    expect(await errorOf(fixture.mfa.resetMfa(by))).toMatchObject({ code: 'not_done' });
    expect(hostSays).toBe(true);
    away = false;
    expect(await fixture.mfa.resetMfa(by)).toMatchObject({ ok: true });
    expect(hostSays).toBe(false);
    hostSays = true;
    await fixture.mfa.forgetUser({ userId: ada.id });
    expect(await fixture.mfa.resetMfa(by)).toMatchObject({ ok: true, removed: { authenticators: 0 } });
    expect(hostSays).toBe(false);
  });
});

describe('F20: events and notices', () => {
  const warnings = watchWarnings();

  it.each(endings)('%s waits for both', async (_, end) => {
    const done: string[] = [];
    const slowly = (what: string) => async (given: { name: string }) => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      done.push(`${what} ${given.name}`);
    };
    const fixture = await createEnrolled(ada, { onEvent: slowly('event'), notify: slowly('notice') });
    await fixture.mfa.settled();
    done.length = 0;
    await end(fixture);
    const [name] = done.filter((one) => one.startsWith('event')).map((one) => one.slice('event '.length));
    expect(name).toMatch(/sessions_ended|user_forgotten|mfa_reset|lockout_cleared/);
    if (name === 'sessions_ended' || name === 'mfa_reset') expect(done).toContain(`notice ${name}`);
  });

  it('a script that awaits a reset may close its database, because the audit row is stored', async () => {
    const rows: string[] = [];
    let open = true;
    const fixture = await createEnrolled(ada, {
      onEvent: async ({ name }) => {
        await new Promise((resolve) => setTimeout(resolve, 50));
        if (!open) throw new Error('Cannot use a pool after calling end on the pool');
        rows.push(name);
      },
    });
    await fixture.mfa.settled();
    await fixture.mfa.resetMfa(by);
    open = false;
    expect(rows).toContain('mfa_reset');
    expect(warnings).toEqual([]);
  });

  it('a notice that hangs is awaited for two seconds, and then is an event', async () => {
    const fixture = await createEnrolled(ada, { notify: () => new Promise<void>(() => {}) });
    fixture.events.length = 0;
    fakeDeadlines();
    const ending = fixture.mfa.resetMfa(by);
    expect(await passTime(ending)).toBe(2_000);
    expect(await ending).toMatchObject({ ok: true });
    expect(fixture.events).toMatchObject([{ name: 'mfa_reset' }, { name: 'notify_failed', notice: 'mfa_reset' }]);
  });

  it('an audit trail that hangs is awaited for two seconds, and then is a warning', async () => {
    const fixture = await createEnrolled(ada, {
      onEvent: ({ name }) => (name === 'mfa_reset' ? new Promise<void>(() => {}) : undefined),
    });
    fakeDeadlines();
    expect(await passTime(fixture.mfa.resetMfa(by))).toBe(2_000);
    vi.useRealTimers();
    await vi.waitFor(() =>
      expect(warnings).toEqual([expect.stringMatching(/^MFA_KIT_CALLBACK_FAILED: The option "onEvent" did not answer in time/)]),
    );
  });

  it.each([
    ['hangs', () => new Promise<void>(() => {})],
    ['throws', () => Promise.reject(new Error('no mail server'))],
  ])('F20: a notice that %s, and an audit trail that never stores it, do not block a call', async (_, notify) => {
    const fixture = await createEnrolled(ada, {
      notify,
      onEvent: ({ name }) => (name === 'notify_failed' ? new Promise<void>(() => {}) : undefined),
    });
    fakeDeadlines();
    const ending = fixture.mfa.resetMfa(by);
    expect(await passTime(ending)).toBeLessThanOrEqual(4_000);
    expect(await ending).toMatchObject({ ok: true });
  });

  it('F20: an onEvent that returns an object that throws when it is read is a warning', async () => {
    const thorn = Object.defineProperty({}, 'then', {
      get() {
        throw new RangeError('looked at');
      },
    });
    const fixture = createFixture({ onEvent: () => thorn as Promise<void> });
    await loginPending(fixture.mfa);
    await fixture.mfa.endSessionsOf(by);
    await vi.waitFor(() => expect(warnings).toEqual([expect.stringContaining('The option "onEvent" threw RangeError')]));
  });

  it('an onEvent that rejects or throws is a warning, once for each error name, without its message', async () => {
    class PoolClosed extends Error {
      override name = 'PoolClosed';
    }
    const failures = [
      () => Promise.reject(new PoolClosed("the row 'hunter2' was lost")),
      () => Promise.reject(new PoolClosed("the row 'hunter3' was lost")),
      () => {
        throw new TypeError('away');
      },
      () => Promise.reject('text'),
    ];
    const fixture = createFixture({ onEvent: () => failures.shift()?.() as Promise<void> });
    while (failures.length > 0) await loginPending(fixture.mfa);
    expect(await fixture.mfa.settled()).toEqual({ events: 0, notices: 0, markEnrolled: 0 });
    await vi.waitFor(() => expect(warnings).toHaveLength(3));
    expect(warnings[0]).toMatch(/^MFA_KIT_CALLBACK_FAILED: The option "onEvent" threw PoolClosed/);
    expect(warnings[1]).toContain('TypeError');
    expect(warnings.join()).not.toContain('hunter');
  });

  it('settled() waits for earlier calls, and not for later ones', async () => {
    const open: (() => void)[] = [];
    const ended: string[] = [];
    const slowly = (what: string) => () =>
      new Promise<void>((resolve) =>
        open.push(() => {
          ended.push(what);
          resolve();
        }),
      );
    const fixture = createFixture({ onEvent: slowly('event'), notify: slowly('notice') });
    await loginPending(fixture.mfa);
    const settled = fixture.mfa.settled();
    await loginPending(fixture.mfa);
    expect(open).toHaveLength(2);
    let isSettled = false;
    void settled.then(() => {
      isSettled = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(isSettled).toBe(false);
    open[0]?.();
    expect(await settled).toEqual({ events: 0, notices: 0, markEnrolled: 0 });
    expect(ended).toEqual(['event']);
    open[1]?.();
  });

  it('settled() never rejects, ends after ten seconds, and counts what is left', async () => {
    const hangs = () => new Promise<never>(() => {});
    const fixture = createFixture({ onEvent: hangs, markEnrolled: hangs });
    const session = await loginPending(fixture.mfa);
    expectOk(await fixture.mfa.startEnrollment({ user: ada, session }));
    fakeDeadlines();
    const ending = errorOf(fixture.mfa.resetMfa(by));
    await passTime(ending);
    expect(await ending).toMatchObject({ code: 'not_done' });
    const settling = fixture.mfa.settled();
    expect(await passTime(settling)).toBe(10_000);
    // From the login, the start, the reset and the failed call of markEnrolled.
    expect(await settling).toEqual({ events: 4, notices: 0, markEnrolled: 1 });
  });
});

describe('F78: a record that was restored from before a new enrollment', () => {
  /** A host that keeps its own record, as the README says. */
  async function host(user: TestUser): Promise<{ fixture: Enrolled; says: Map<string, boolean>; now: () => TestUser }> {
    const says = new Map<string, boolean>();
    const fixture = await createEnrolled(user, { markEnrolled: (id, enrolled) => void says.set(id, enrolled) });
    return { fixture, says, now: () => ({ ...user, enrolled: says.get(user.id) ?? false }) };
  }

  const unenrollings: [string, TestUser, (fixture: Enrolled, user: TestUser) => Promise<unknown>][] = [
    ['a reset', ada, ({ mfa }) => mfa.resetMfa(by)],
    [
      'the removal of the last authenticator',
      { ...ada, mfa: 'optional' },
      async ({ mfa, session }, user) => {
        const [authenticator] = expectOk(await mfa.getStatus({ user })).status.authenticators;
        expectOk(await mfa.removeAuthenticator({ user, session, authenticatorId: authenticator?.id ?? '' }));
      },
    ],
  ];

  it.each(unenrollings)('is missing, even if %s was the reason a while ago', async (_, user, unenroll) => {
    const { fixture, says, now } = await host(user);
    await unenroll(fixture, now());
    expect(says.get(ada.id)).toBe(false);
    const snapshot = await fixture.storage.read(ada.id);
    const session = await loginPending(fixture.mfa, now());
    const started = expectOk(await fixture.mfa.startEnrollment({ user: now(), session }));
    const { createAuthenticator } = await import('../../../../support/core-fixture.js');
    const code = createAuthenticator(started.enrollment.uri).code(fixture.clock.now());
    expectOk(
      await fixture.mfa.confirmEnrollment({
        user: now(),
        session: started.session,
        enrollmentId: started.enrollment.id,
        proof: { kind: 'totp', code },
      }),
    );
    expect(says.get(ada.id)).toBe(true);

    fixture.clock.advance(3 * DAY);
    const current = await fixture.storage.read(ada.id);
    expect(await fixture.storage.write(ada.id, snapshot as never, current?.version ?? null)).toBe(true);
    fixture.events.length = 0;
    const required: TestUser = { ...now(), mfa: 'required' };
    const begun = await fixture.mfa.beginLogin({ user: required });
    expect(begun.decision).toEqual({ access: 'refuse', reason: 'profile_missing' });
    expect(begun.session).toBeUndefined();
    for (const attempt of [session, started.session]) {
      expect(await fixture.mfa.startEnrollment({ user: required, session: attempt })).toMatchObject({
        reason: 'profile_missing',
      });
    }
    expect(says.get(ada.id)).toBe(true);
    expect(fixture.names()).toContain('profile_missing');
  });

  it('the note of a reset is removed when the host knows of it, and stays if it does not or keeps no record', async () => {
    const { fixture } = await host(ada);
    await fixture.mfa.resetMfa(by);
    expect((await peek(fixture.storage, ada.id))?.unenrolledAt).toBeUndefined();
    const none = await createEnrolled();
    await none.mfa.resetMfa(by);
    expect((await peek(none.storage, ada.id))?.unenrolledAt).toBe(none.clock.now());
    const deaf = await createEnrolled(ada, {
      markEnrolled: (_, enrolled) => (enrolled ? undefined : Promise.reject(new Error('x'))),
    });
    await expect(deaf.mfa.resetMfa(by)).rejects.toMatchObject({ code: 'not_done' });
    expect((await peek(deaf.storage, ada.id))?.unenrolledAt).toBe(deaf.clock.now());
  });

  it('a host that could not be notified is notified at the next login, which removes the note', async () => {
    let deaf = false;
    const says = new Map<string, boolean>();
    const fixture = await createEnrolled(ada, {
      markEnrolled: (id, enrolled) => {
        if (deaf) throw new Error('users table');
        says.set(id, enrolled);
      },
    });
    deaf = true;
    await expect(fixture.mfa.resetMfa(by)).rejects.toMatchObject({ code: 'not_done' });
    deaf = false;
    expect((await fixture.mfa.beginLogin({ user: { ...ada, enrolled: true } })).decision.access).toBe('enroll');
    expect(says.get(ada.id)).toBe(false);
    expect((await peek(fixture.storage, ada.id))?.unenrolledAt).toBeUndefined();
    expect((await fixture.mfa.beginLogin({ user: { ...ada, enrolled: true } })).decision.access).toBe('refuse');
    expect(says.get(ada.id)).toBe(false);
  });

  it('if the process ended between the two, the next login of a notified host removes the note with its one write', async () => {
    const { fixture } = await host(ada);
    const silent = sibling(fixture, {});
    await silent.mfa.resetMfa(by);
    expect((await peek(fixture.storage, ada.id))?.unenrolledAt).toBeDefined();
    fixture.resetCounts();
    expect((await fixture.mfa.beginLogin({ user: { ...ada, enrolled: false } })).decision.access).toBe('enroll');
    expect(fixture.counts).toEqual({ reads: 1, writes: 1, removes: 0, lists: 0 });
    expect((await fixture.mfa.beginLogin({ user: { ...ada, enrolled: true } })).decision.access).toBe('refuse');
    fixture.resetCounts();
    await fixture.mfa.beginLogin({ user: { ...ada, enrolled: false } });
    expect(fixture.counts).toEqual({ reads: 1, writes: 0, removes: 0, lists: 0 });
  });
});

describe('F23: markEnrolled for one user', () => {
  /** A host whose calls take a given time, and that remembers the last one that finished. */
  function slowHost(delays: number[]): {
    markEnrolled(id: string, enrolled: boolean): Promise<void>;
    landed: boolean[];
    says(): boolean | undefined;
  } {
    const landed: boolean[] = [];
    return {
      landed,
      says: () => landed.at(-1),
      async markEnrolled(_, enrolled) {
        await new Promise((resolve) => setTimeout(resolve, delays.shift() ?? 0));
        landed.push(enrolled);
      },
    };
  }

  it.each([50, 2_400])('is called in order, even if the first call takes %i ms', async (delay) => {
    const host = slowHost([delay]);
    const enrolling = createEnrolled(ada, { markEnrolled: host.markEnrolled });
    const fixture = await enrolling;
    await fixture.mfa.resetMfa(by);
    await fixture.mfa.settled();
    expect(host.says()).toBe(false);
    expect(host.landed[0]).toBe(true);
  });

  it('is called again when a slow call of another process finishes late', async () => {
    const landed: boolean[] = [];
    let hold: (() => void) | undefined;
    const slow = await createEnrolled(ada, {
      markEnrolled: async (_, enrolled) => {
        if (enrolled) await new Promise<void>((resolve) => (hold = resolve));
        landed.push(enrolled);
      },
    });
    const quick = sibling(slow, {}, { markEnrolled: (_, enrolled) => void landed.push(enrolled) });
    expect(await quick.mfa.resetMfa(by)).toMatchObject({ ok: true });
    expect(landed).toEqual([false]);
    hold?.();
    expect((await slow.mfa.settled()).markEnrolled).toBe(0);
    expect(landed).toEqual([false, true, false]);
    expect((await slow.mfa.beginLogin({ user: { ...ada, enrolled: false } })).decision.access).toBe('enroll');
  });

  it('is not called again only because of an empty record', async () => {
    const landed: boolean[] = [];
    let hold: (() => void) | undefined;
    const fixture = await createEnrolled(ada, {
      markEnrolled: async (_, enrolled) => {
        if (enrolled) await new Promise<void>((resolve) => (hold = resolve));
        landed.push(enrolled);
      },
    });
    const stored = await fixture.storage.read(ada.id);
    await fixture.storage.remove(ada.id, stored?.version ?? '');
    hold?.();
    await fixture.mfa.settled();
    expect(landed).toEqual([true]);
  });

  it('is called again at most three times if the profile changes each time', async () => {
    const landed: boolean[] = [];
    const fixture = await createEnrolled();
    const empty = sibling(fixture, {});
    const full = await fixture.storage.read(ada.id);
    const swap = async (): Promise<void> => {
      const now = await fixture.storage.read(ada.id);
      if (now?.value === full?.value) await empty.mfa.resetMfa(by);
      else await fixture.storage.write(ada.id, full as never, now?.version ?? null);
    };
    const telling = sibling(
      fixture,
      {},
      {
        markEnrolled: async (_, enrolled) => {
          landed.push(enrolled);
          await swap();
        },
      },
    );
    await telling.mfa.beginLogin({ user: { ...ada, enrolled: false } });
    expect(landed).toEqual([true, false, true, false]);
    expect(telling.names()).toContain('mark_enrolled_failed');
  });
});

function names(events: readonly MfaEvent[]): string[] {
  return events.map(({ name }) => name);
}

it('F22: showing a pending key again is an event', async () => {
  const fixture = createFixture();
  const session = await loginPending(fixture.mfa);
  const started = expectOk(await fixture.mfa.startEnrollment({ user: ada, session }));
  fixture.events.length = 0;
  expectOk(await fixture.mfa.currentEnrollment({ user: ada, session: started.session, context: { ip: '::1' } }));
  expect(fixture.events).toMatchObject([
    { name: 'enrollment_shown', enrollmentId: started.enrollment.id, context: { ip: '::1' }, enrolled: false },
  ]);
  expect(names(fixture.events)).toHaveLength(1);
});

it.each(['passwordChanged', 'forgetUser', 'resetMfa', 'endSessionsOf', 'clearLockout', 'setEnrollBy'] as const)(
  'F15: %s without an object says how it is called',
  async (method) => {
    const { mfa } = createFixture();
    const call = mfa[method] as (input: unknown) => Promise<unknown>;
    for (const input of [undefined, null, ada.id]) {
      await expect(call(input)).rejects.toMatchObject({
        code: 'invalid_argument',
        message: expect.stringContaining(`${method}({ userId`),
      });
    }
  },
);
