import type { Mfa, MfaEvent, MfaStorage } from '@mfa-kit/core';
import { memoryStorage } from '@mfa-kit/core/storage/memory';
import type { VirtualAuthenticator } from '@mfa-kit/core/testing';
import type { Profile } from '../../packages/core/src/profile/profile.js';
import {
  createAuthenticator,
  createEnrolled,
  createFixture,
  type Enrolled,
  enrollAnother,
  expectOk,
  loginPending,
  loginWithCode,
  MINUTE,
  orRefusal,
  type TestUser,
  wrongCode,
} from '../support/core-fixture.js';

export type Method = Exclude<keyof Mfa<TestUser>, 'settings'>;

/** One operation for fault injection, as plain data, so that another process can run it. */
export interface Prepared {
  method: Method;
  input: Record<string, unknown>;
  user: TestUser;
  /** The time of the clock, in epoch milliseconds. */
  now: number;
  /** An authenticator that the user still has after the operation, unless it removes all of them. */
  authenticator?: VirtualAuthenticator;
}

export interface Scenario {
  name: string;
  /** The answer of the operation without a fault. */
  expected: string;
  /** The answer of the same request after the operation was done. */
  repeated: string;
  /** The event of a successful operation. */
  event?: MfaEvent['name'];
  /**
   * It throws if it failed, and waits for the sinks of its events, and in the second case also for `markEnrolled`. Then it is done
   * only after `markEnrolled`, which is later than its event.
   */
  throws?: 'waits for sinks' | 'waits for sinks and markEnrolled';
  prepare(fixture: Enrolled, user: TestUser): Promise<Omit<Prepared, 'user' | 'now'>>;
  /** The parts of its effect that are missing in the profile; empty if all of it is there. */
  missing(now: Profile | null, before: Profile | null): string[];
}

/** The flows that change something, each with everything that one of its writes must store. */
export const scenarios: readonly Scenario[] = [
  {
    name: 'the first login',
    expected: 'enroll',
    repeated: 'enroll',
    prepare: async (_, user) => ({ method: 'beginLogin', input: { user } }),
    missing: (now) => lacks({ profile: now !== null }),
  },
  {
    name: 'the login of a remembered browser',
    expected: 'allow',
    repeated: 'allow',
    event: 'device_used',
    async prepare(fixture, user) {
      const { token } = await loginWithCode(fixture, { user, rememberDevice: true });
      fixture.clock.advance(2 * MINUTE);
      return { method: 'beginLogin', input: { user, deviceToken: token }, authenticator: fixture.authenticator };
    },
    missing: (now, before) =>
      lacks({
        successor: now?.devices[0]?.next !== undefined,
        use: now?.devices[0]?.lastUsedAt !== before?.devices[0]?.lastUsedAt,
      }),
  },
  {
    name: 'the start of an enrollment',
    expected: 'ok',
    repeated: 'ok',
    event: 'enrollment_started',
    async prepare(fixture, user) {
      await fixture.mfa.resetMfa({ userId: user.id, actor: 'support', reason: 'a user who starts' });
      return { method: 'startEnrollment', input: { user, session: await loginPending(fixture.mfa, user) } };
    },
    missing: (now) => lacks({ enrollment: now?.enrollments.length === 1, start: now?.enrollmentStarts.length === 1 }),
  },
  {
    name: 'the confirmation of an enrollment',
    expected: 'ok',
    repeated: 'already_confirmed',
    event: 'authenticator_enrolled',
    async prepare(fixture, user) {
      await fixture.mfa.resetMfa({ userId: user.id, actor: 'support', reason: 'a user who starts' });
      const { enrollment, session } = expectOk(
        await fixture.mfa.startEnrollment({ user, session: await loginPending(fixture.mfa, user) }),
      );
      const authenticator = createAuthenticator(enrollment.uri);
      const code = authenticator.code(fixture.clock.now());
      const input = { user, session, enrollmentId: enrollment.id, proof: { kind: 'totp', code }, rememberDevice: true };
      return { method: 'confirmEnrollment', input, authenticator };
    },
    missing: (now, before) =>
      lacks({
        authenticator: now?.authenticators.length === 1,
        step: closedSteps(now) > 0,
        codes: now?.recoveryCodes?.digests.length === 10,
        drop: now?.enrollments.length === 0,
        device: now?.devices.length === 1,
        revocation: now?.deviceEpoch !== before?.deviceEpoch,
      }),
  },
  {
    name: 'a right code that remembers the device',
    expected: 'ok',
    repeated: 'invalid_code',
    event: 'verified',
    async prepare(fixture, user) {
      const input = {
        user,
        session: await loginPending(fixture.mfa, user),
        proof: { kind: 'totp', code: rightCode(fixture) },
        rememberDevice: true,
      };
      return { method: 'verify', input, authenticator: fixture.authenticator };
    },
    missing: (now, before) =>
      lacks({
        step: closedSteps(now) > closedSteps(before),
        use: now?.authenticators[0]?.lastUsedAt !== before?.authenticators[0]?.lastUsedAt,
        device: now?.devices[0]?.rememberedUntil !== undefined,
      }),
  },
  {
    name: 'a wrong code',
    expected: 'invalid_code',
    repeated: 'invalid_code',
    event: 'verification_failed',
    async prepare(fixture, user) {
      const code = wrongCode(fixture.authenticator, fixture.clock.now());
      const input = { user, session: await loginPending(fixture.mfa, user), proof: { kind: 'totp', code } };
      return { method: 'verify', input, authenticator: fixture.authenticator };
    },
    missing: (now) => lacks({ quick: now?.budget.quick === 1, level: now?.budget.level === 1 }),
  },
  {
    name: 'a recovery code',
    expected: 'ok',
    repeated: 'invalid_code',
    event: 'recovery_code_used',
    async prepare(fixture, user) {
      await loginWithCode(fixture, { user, rememberDevice: true });
      const input = {
        user,
        session: await loginPending(fixture.mfa, user),
        proof: { kind: 'recovery-code', code: fixture.recoveryCodes[0] },
      };
      return { method: 'verify', input, authenticator: fixture.authenticator };
    },
    missing: (now) =>
      lacks({ spent: now?.recoveryCodes?.digests.length === 9, forgotten: now?.devices[0]?.rememberedUntil === undefined }),
  },
  {
    name: 'new recovery codes',
    expected: 'ok',
    // One proof makes one set, so a user who has not seen it proves again.
    repeated: 'assurance_required',
    event: 'recovery_codes_regenerated',
    async prepare(fixture, user) {
      const { session, authenticator } = fixture;
      return { method: 'regenerateRecoveryCodes', input: { user, session }, authenticator };
    },
    missing: (now, before) =>
      lacks({
        codes: now?.recoveryCodes?.digests.length === 10,
        others: !now?.recoveryCodes?.digests.some((digest) => before?.recoveryCodes?.digests.includes(digest)),
      }),
  },
  {
    name: 'the removal of an authenticator',
    expected: 'ok',
    // The session of a lost answer has ended too.
    repeated: 'assurance_required',
    event: 'authenticator_removed',
    async prepare(fixture, user) {
      const { session, authenticatorId } = await enrollAnother(fixture, fixture.session, user);
      return { method: 'removeAuthenticator', input: { user, session, authenticatorId }, authenticator: fixture.authenticator };
    },
    missing: (now, before) => lacks({ removal: now?.authenticators.length === 1, epoch: now?.epoch !== before?.epoch }),
  },
  {
    name: 'sign out everywhere',
    expected: 'ok',
    repeated: 'assurance_required',
    event: 'sessions_ended',
    async prepare(fixture, user) {
      const { session } = await loginWithCode(fixture, { user, rememberDevice: true });
      return { method: 'endAllSessions', input: { user, session }, authenticator: fixture.authenticator };
    },
    missing: ended,
  },
  {
    name: 'a password change',
    expected: 'ok',
    repeated: 'ok',
    event: 'sessions_ended',
    throws: 'waits for sinks',
    async prepare(fixture, user) {
      const { session } = await loginWithCode(fixture, { user, rememberDevice: true });
      return { method: 'passwordChanged', input: { userId: user.id, keep: session }, authenticator: fixture.authenticator };
    },
    missing: ended,
  },
  {
    name: 'a reset by support',
    expected: 'ok',
    repeated: 'ok',
    event: 'mfa_reset',
    throws: 'waits for sinks and markEnrolled',
    async prepare(fixture, user) {
      await loginWithCode(fixture, { user, rememberDevice: true });
      return { method: 'resetMfa', input: { userId: user.id, actor: 'support', reason: 'lost phone' } };
    },
    missing: (now, before) =>
      lacks({
        authenticators: now?.authenticators.length === 0,
        codes: now?.recoveryCodes === null,
        devices: now?.devices.length === 0,
        epoch: now?.epoch !== before?.epoch,
      }),
  },
  {
    name: 'a user forgotten',
    expected: 'ok',
    repeated: 'ok',
    event: 'user_forgotten',
    throws: 'waits for sinks',
    prepare: async (_, user) => ({ method: 'forgetUser', input: { userId: user.id } }),
    missing: (now) => lacks({ removal: now === null }),
  },
];

/** Prepares a scenario in memory and writes its record to the storage under test. */
export async function prepareOn(storage: MfaStorage, scenario: Scenario, user: TestUser): Promise<Prepared> {
  const memory = memoryStorage();
  const first = scenario.name === 'the first login';
  const fixture = first ? (createFixture({ storage: memory }) as Enrolled) : await createEnrolled(user, { storage: memory });
  const prepared = await scenario.prepare(fixture, user);
  const stored = await memory.read(user.id);
  if (stored && !(await storage.write(user.id, stored, null))) throw new Error('somebody else is there');
  return { ...prepared, user, now: fixture.clock.now() };
}

/** `before`, `after`, or the parts of the effect that are missing. */
export function stateOf(scenario: Scenario, now: Profile | null, before: Profile | null): string {
  if (JSON.stringify(withoutVersions(now)) === JSON.stringify(withoutVersions(before))) return 'before';
  const missing = scenario.missing(now, before);
  return missing.length === 0 ? 'after' : `half done, without: ${missing.join(', ')}`;
}

/** Returns `ok`, the next step of a login, or the reason of a refusal. */
export function answerOf(answer: unknown): string {
  const { ok, reason, decision } = answer as { ok?: boolean; reason?: string; decision?: { access: string } };
  return decision?.access ?? (ok === true ? 'ok' : String(reason));
}

export function call(mfa: Mfa<TestUser>, { method, input }: Pick<Prepared, 'method' | 'input'>): Promise<object> {
  return orRefusal((mfa[method] as (given: unknown) => Promise<object>)(input));
}

/** Logs the user in completely an hour later, with an enrollment if nothing is enrolled. */
export async function comesIn(mfa: Mfa<TestUser>, { user, now, authenticator }: Prepared): Promise<string> {
  const { session, decision } = await mfa.beginLogin({ user });
  if (decision.access === 'challenge') {
    return answerOf(await mfa.verify({ user, session, proof: { kind: 'totp', code: authenticator?.code(now) } }));
  }
  const started = await mfa.startEnrollment({ user, session });
  if (!started.ok) return started.reason;
  const code = createAuthenticator(started.enrollment.uri).code(now);
  return answerOf(
    await mfa.confirmEnrollment({
      user,
      session: started.session,
      enrollmentId: started.enrollment.id,
      proof: { kind: 'totp', code },
    }),
  );
}

function rightCode({ authenticator, clock }: Enrolled): string {
  return authenticator.code(clock.now());
}

function ended(now: Profile | null, before: Profile | null): string[] {
  return lacks({
    epoch: now?.epoch !== before?.epoch,
    deviceEpoch: now?.deviceEpoch !== before?.deviceEpoch,
    forgotten: now?.devices.length === 1 && now.devices[0]?.rememberedUntil === undefined,
  });
}

function lacks(parts: Record<string, boolean>): string[] {
  return Object.keys(parts).filter((part) => !parts[part]);
}

function closedSteps(profile: Profile | null): number {
  const { closed = [] } = (profile?.authenticators[0]?.data ?? {}) as { closed?: { to: number }[] };
  return Math.max(0, ...closed.map(({ to }) => to));
}

function withoutVersions(profile: Profile | null): unknown {
  return profile && { ...profile, versions: [] };
}
