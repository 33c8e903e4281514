import '../support/driven-timers.js';
import type { Mfa, MfaStorage } from '@mfa-kit/core';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Profile } from '../../packages/core/src/profile/profile.js';
import {
  ada,
  createAuthenticator,
  createEnrolled,
  createFixture,
  type Enrolled,
  enrollAnother,
  expectOk,
  loginPending,
  loginWithCode,
  orRefusal,
  type TestUser,
  wrongCode,
} from '../support/core-fixture.js';
import {
  type Fault,
  type FaultyStorage,
  faultyStorage,
  LATE_MS,
  peek,
  READ_FAULTS,
  WRITE_FAULTS,
} from './core-faulty-storage.js';

/** One operation: its preparation, its call, and how often its effect is in the profile. */
interface Scenario {
  name: string;
  prepare(): Promise<{ fixture: Enrolled; act: (mfa: Mfa<TestUser>) => Promise<object> }>;
  /** How often the effect is in the profile now; `before` is the profile before. */
  effects(now: Profile | null, before: Profile | null): number;
  /** The answer of a repetition after the effect. Default: that of the first call. */
  repeated?: string;
  /** A repetition has another effect. */
  adds?: true;
}

/** Returns a word for an answer. */
function outcome(answer: object): string {
  if ('decision' in answer) return (answer.decision as { access: string }).access;
  if ('ok' in answer && answer.ok === true) return 'ok';
  return (answer as { reason: string }).reason;
}

const epochs = (now: Profile | null, before: Profile | null): number => (now?.epoch === before?.epoch ? 0 : 1);
const firstId = async ({ mfa }: Enrolled) => expectOk(await mfa.getStatus({ user: ada })).status.authenticators[0]?.id ?? '';

/** A management operation with a fresh session and two authenticators. */
function managing(
  name: string,
  act: (mfa: Mfa<TestUser>, input: { user: TestUser; session: Enrolled['session'] }, id: string) => Promise<object>,
  effects: Scenario['effects'],
  repeated?: string,
): Scenario {
  return {
    name,
    async prepare() {
      const fixture = await createEnrolled();
      await enrollAnother(fixture, fixture.session);
      const { session } = await loginWithCode(fixture);
      const id = await firstId(fixture);
      return { fixture, act: (mfa) => act(mfa, { user: ada, session }, id) };
    },
    effects,
    ...(repeated === undefined ? {} : { repeated }),
  };
}

const scenarios: Scenario[] = [
  {
    name: 'the first login',
    async prepare() {
      const fixture = { ...createFixture() } as Enrolled;
      return { fixture, act: (mfa) => mfa.beginLogin({ user: ada }) };
    },
    effects: (now) => (now ? 1 : 0),
  },
  {
    name: 'a remembered login',
    async prepare() {
      const fixture = await createEnrolled();
      const { token } = await loginWithCode(fixture, { rememberDevice: true });
      return { fixture, act: (mfa) => mfa.beginLogin({ user: ada, deviceToken: token }) };
    },
    effects: (now) => (now?.devices[0]?.next ? 1 : 0),
  },
  {
    name: 'a right code',
    async prepare() {
      const fixture = await createEnrolled();
      const session = await loginPending(fixture.mfa);
      const code = fixture.authenticator.code(fixture.clock.now());
      return { fixture, act: (mfa) => mfa.verify({ user: ada, session, proof: { kind: 'totp', code }, rememberDevice: true }) };
    },
    effects: (now) => now?.devices.length ?? 0,
    repeated: 'invalid_code',
  },
  {
    name: 'a wrong code',
    async prepare() {
      const fixture = await createEnrolled();
      const session = await loginPending(fixture.mfa);
      const code = wrongCode(fixture.authenticator, fixture.clock.now());
      return { fixture, act: (mfa) => mfa.verify({ user: ada, session, proof: { kind: 'totp', code } }) };
    },
    effects: (now) => now?.budget.level ?? 0,
    adds: true,
  },
  {
    name: 'a recovery code',
    async prepare() {
      const fixture = await createEnrolled();
      const session = await loginPending(fixture.mfa);
      return {
        fixture,
        act: (mfa) => mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: fixture.recoveryCodes[2] } }),
      };
    },
    effects: (now) => 10 - (now?.recoveryCodes?.digests.length ?? 10),
    repeated: 'invalid_code',
  },
  {
    name: 'a start of an enrollment',
    async prepare() {
      const fixture = createFixture() as Enrolled;
      const session = await loginPending(fixture.mfa);
      return { fixture, act: (mfa) => mfa.startEnrollment({ user: ada, session }) };
    },
    effects: (now) => now?.enrollments.length ?? 0,
    adds: true,
  },
  {
    name: 'a confirmation',
    async prepare() {
      const fixture = createFixture() as Enrolled;
      const started = expectOk(await fixture.mfa.startEnrollment({ user: ada, session: await loginPending(fixture.mfa) }));
      const code = createAuthenticator(started.enrollment.uri).code(fixture.clock.now());
      const input = {
        user: ada,
        session: started.session,
        enrollmentId: started.enrollment.id,
        proof: { kind: 'totp' as const, code },
      };
      return { fixture, act: (mfa) => mfa.confirmEnrollment(input) };
    },
    effects: (now) => now?.authenticators.length ?? 0,
    repeated: 'already_confirmed',
  },
  {
    name: 'a cancellation',
    async prepare() {
      const fixture = createFixture() as Enrolled;
      const started = expectOk(await fixture.mfa.startEnrollment({ user: ada, session: await loginPending(fixture.mfa) }));
      const input = { user: ada, session: started.session, enrollmentId: started.enrollment.id };
      return { fixture, act: (mfa) => mfa.cancelEnrollment(input) };
    },
    effects: (now) => 1 - (now?.enrollments.length ?? 1),
  },
  managing(
    'a new name',
    (mfa, input, authenticatorId) => mfa.renameAuthenticator({ ...input, authenticatorId, name: 'x' }),
    (now) => (now?.authenticators[0]?.name === 'x' ? 1 : 0),
  ),
  managing(
    'a removal',
    (mfa, input, authenticatorId) => mfa.removeAuthenticator({ ...input, authenticatorId }),
    (now) => 2 - (now?.authenticators.length ?? 2),
    'assurance_required',
  ),
  managing(
    'new recovery codes',
    (mfa, input) => mfa.regenerateRecoveryCodes(input),
    (now, before) => (now?.recoveryCodes?.key === before?.recoveryCodes?.key ? 0 : 1),
  ),
  managing(
    'a revoked device',
    (mfa, input) => mfa.revokeDevice({ ...input, deviceId: 'none' }),
    () => 1,
  ),
  managing('the end of all sessions', (mfa, input) => mfa.endAllSessions(input), epochs, 'assurance_required'),
  managing('a changed password', (mfa) => orRefusal(mfa.passwordChanged({ userId: ada.id })), epochs),
  managing(
    'a reset',
    (mfa) => orRefusal(mfa.resetMfa({ userId: ada.id, actor: 'a', reason: 'r' })),
    (now) => (now?.authenticators.length === 0 ? 1 : 0),
  ),
  managing(
    'a user forgotten',
    (mfa) => orRefusal(mfa.forgetUser({ userId: ada.id })),
    (now) => (now ? 0 : 1),
  ),
];

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * Advances the fake time until the promise settles. Returns the elapsed time and the result. Time advances only while the code under
 * test waits for a timer, not while it computes a signature.
 */
async function settle<T>(promise: Promise<T>, storage?: FaultyStorage): Promise<{ value: T; ms: number }> {
  let settled = false;
  const watched = promise.finally(() => {
    settled = true;
  });
  watched.catch(() => undefined);
  const start = performance.now();
  while (!settled) {
    for (let turns = 0; turns < 10 && !settled; turns++) await turn();
    if (!settled && vi.getTimerCount() > (storage?.lateTimers ?? 0)) await vi.advanceTimersByTimeAsync(50);
  }
  return { value: await watched, ms: performance.now() - start };
}

async function run(scenario: Scenario, at: number, fault: Fault | null, andAfter = false) {
  const { fixture, act } = await scenario.prepare();
  const before = await peek(fixture.storage, ada.id);
  const storage = faultyStorage(fixture.storage, { at, fault, andAfter });
  const faulty = createFixture({ storage, clock: fixture.clock.now });
  const { value: answer, ms } = await settle(act(faulty.mfa), storage);
  const atAnswer = scenario.effects(await peek(fixture.storage, ada.id), before);
  await vi.advanceTimersByTimeAsync(LATE_MS);
  await turn();
  const later = scenario.effects(await peek(fixture.storage, ada.id), before);
  const repeat = await settle(act(fixture.mfa));
  const inTheEnd = scenario.effects(await peek(fixture.storage, ada.id), before);
  return {
    outcome: outcome(answer),
    ms,
    calls: storage.calls,
    atAnswer,
    later,
    repeated: outcome(repeat.value),
    inTheEnd,
    events: faulty.names(),
  };
}

// Operators' flows are loaded from disk at their first call, which the fake clock does not control.
beforeAll(async () => {
  await Promise.all([import('../../packages/core/src/flows/account.js'), import('../../packages/core/src/flows/devices.js')]);
  await import('../../packages/core/src/flows/authenticators.js');
});
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe.each(scenarios)('FLT-1, STO-4: $name', (scenario) => {
  it('makes one read and one write', async () => {
    const { calls, atAnswer } = await run(scenario, 0, null);
    expect(calls).toEqual(['read', scenario.name === 'a user forgotten' ? 'remove' : 'write']);
    expect(atAnswer).toBe(1);
  });

  it.each(READ_FAULTS)('if a read %s, it is unavailable within two seconds and changes nothing', async (fault) => {
    const result = await run(scenario, 0, fault);
    expect(result).toMatchObject({ outcome: 'unavailable', calls: ['read'], inTheEnd: 1 });
    expect(result.later).toBe(scenario.name === 'a revoked device' ? 1 : 0);
    expect(result.ms).toBeLessThanOrEqual(2_100);
    expect(result.events.filter((name) => name === 'storage_failed')).toHaveLength(1);
  });

  it.each(WRITE_FAULTS)('if a write %s, it has exactly one effect and a true answer', async (fault) => {
    const plain = await run(scenario, 0, null);
    const result = await run(scenario, 1, fault);
    expect(result.ms).toBeLessThanOrEqual(4_100);
    // A profile that does not exist yet, or was removed, has no list of versions.
    const nothing = scenario.name === (fault.startsWith('commits') ? 'a user forgotten' : 'the first login');
    if (!fault.includes('buried') || nothing) {
      // It has the normal answer, and the effect is there when the answer arrives.
      expect(result).toMatchObject({ outcome: plain.outcome, atAnswer: 1, later: 1 });
    } else if (scenario.name !== 'a revoked device') {
      expect(result.outcome).toBe('unavailable');
      expect(result.later).toBe(fault.startsWith('commits') ? 1 : 0);
      expect(result.events).toContain('storage_failed');
    }
    const done = result.later === 1 && scenario.repeated !== undefined;
    expect(result.repeated).toBe(done ? scenario.repeated : plain.outcome);
    expect(result.inTheEnd).toBe(scenario.adds ? result.later + 1 : 1);
  });

  it.each(['throws', 'hangs', 'commits, then hangs', 'hangs, then commits late', 'says false'] as const)(
    'if everything %s from the write on, nothing is granted without an effect, no effect happens twice, and it answers in four seconds',
    async (fault) => {
      const plain = await run(scenario, 0, null);
      const result = await run(scenario, 1, fault, true);
      expect(result.ms).toBeLessThanOrEqual(4_100);
      expect(['unavailable', 'busy']).toContain(result.outcome);
      expect(result.later).toBeLessThanOrEqual(1);
      const done = result.later === 1 && scenario.repeated !== undefined;
      expect(result.repeated).toBe(done ? scenario.repeated : plain.outcome);
      expect(result.inTheEnd).toBe(scenario.adds ? result.later + 1 : 1);
    },
  );
});

describe('a write that throws immediately and is applied when the next one arrives', () => {
  it('REC-3, STO-4: is recognized, so the recovery code is used once and its owner is logged in', async () => {
    const fixture = await createEnrolled();
    const session = await loginPending(fixture.mfa);
    let late: (() => Promise<boolean>) | undefined;
    let writes = 0;
    const storage: MfaStorage = {
      ...fixture.storage,
      async write(userId, next, expected) {
        if (writes++ === 0) {
          late = () => fixture.storage.write(userId, next, expected);
          throw new Error('connection reset');
        }
        await late?.();
        return fixture.storage.write(userId, next, expected);
      },
    };
    const { mfa } = createFixture({ storage, clock: fixture.clock.now });
    const answer = await settle(
      mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: fixture.recoveryCodes[0] } }),
    );
    expect([outcome(answer.value), writes]).toEqual(['ok', 2]);
    expect((await peek(fixture.storage, ada.id))?.recoveryCodes?.digests).toHaveLength(9);
  });
});
