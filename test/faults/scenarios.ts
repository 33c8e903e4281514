import type { Mfa, MfaStorage } from '@mfa-kit/core';
import {
  createAuthenticator,
  createBench,
  createEnrolled,
  type Enrolled,
  good,
  loginPending,
  reasonOf,
  type TestUser,
} from '../support/core-fixture.js';

type Method =
  | 'verify'
  | 'confirmEnrollment'
  | 'beginLogin'
  | 'regenerateRecoveryCodes'
  | 'endAllSessions'
  | 'resetMfa'
  | 'passwordChanged';

/** One operation to be disturbed, and how to tell what came of it. */
export interface Prepared {
  method: Method;
  input: Record<string, unknown>;
  now: number;
  /** What the undisturbed operation answers. */
  expected: string;
  /** What the same request answers when the operation was done before. */
  repeated: string;
  /** What a fresh look at the storage shows: `before` or `after`, or what is wrong. */
  effect(mfa: Mfa<TestUser>): Promise<string>;
}

export interface Scenario {
  name: string;
  prepare(storage: MfaStorage, user: TestUser): Promise<Prepared>;
}

/** The operations whose loss or repetition would hurt. */
export const scenarios: readonly Scenario[] = [
  {
    name: 'a right code',
    async prepare(storage, user) {
      const { mfa, clock, authenticator } = await createEnrolled(user, { storage });
      const code = authenticator.code(clock.now());
      const before = await lastUse(mfa, user);
      const input = { user, session: await loginPending(mfa, user), code };
      const effect = async (look: Mfa<TestUser>) => ((await lastUse(look, user)) === before ? 'before' : 'after');
      return { method: 'verify', input, now: clock.now(), expected: 'ok', repeated: 'invalid_code', effect };
    },
  },
  {
    name: 'a recovery code',
    async prepare(storage, user) {
      const { mfa, clock, recoveryCodes } = await createEnrolled(user, { storage });
      const input = { user, session: await loginPending(mfa, user), recoveryCode: recoveryCodes[0] };
      const effect = async (look: Mfa<TestUser>) => codesLeft(await left(look, user), { before: 10, after: 9 });
      return { method: 'verify', input, now: clock.now(), expected: 'ok', repeated: 'invalid_code', effect };
    },
  },
  {
    name: 'the confirmation of an enrollment',
    async prepare(storage, user) {
      const { mfa, clock } = createBench({ storage });
      const started = good(await mfa.startEnrollment({ user, session: await loginPending(mfa, user) }));
      const code = createAuthenticator(started.enrollment.uri).code(clock.now());
      const input = { user, session: started.session, enrollmentId: started.enrollment.id, code };
      const effect = async (look: Mfa<TestUser>) => {
        const { status } = good(await look.getStatus({ user }));
        const parts = [status.authenticators.length, status.recoveryCodesLeft].join();
        return { '0,0': 'before', '1,10': 'after' }[parts] ?? `half done: ${parts}`;
      };
      return { method: 'confirmEnrollment', input, now: clock.now(), expected: 'ok', repeated: 'already_confirmed', effect };
    },
  },
  {
    name: 'new recovery codes',
    async prepare(storage, user) {
      const { clock, recoveryCodes, session } = await verified(storage, user);
      const effect = async (look: Mfa<TestUser>) => {
        const input = { user, session: await loginPending(look, user), recoveryCode: recoveryCodes[9] };
        return (await look.verify(input)).ok ? 'before' : 'after';
      };
      const input = { user, session };
      return { method: 'regenerateRecoveryCodes', input, now: clock.now(), expected: 'ok', repeated: 'ok', effect };
    },
  },
  {
    name: 'sign out everywhere',
    async prepare(storage, user) {
      const { clock, session } = await verified(storage, user);
      const effect = async (look: Mfa<TestUser>) =>
        (await look.checkAccess({ user, session })).access === 'allow' ? 'before' : 'after';
      const input = { user, session };
      // The acting session of a lost answer is one of those that ended.
      return { method: 'endAllSessions', input, now: clock.now(), expected: 'ok', repeated: 'assurance_required', effect };
    },
  },
  {
    name: 'a reset by support',
    async prepare(storage, user) {
      const { clock } = await createEnrolled(user, { storage });
      const effect = async (look: Mfa<TestUser>) => (good(await look.getStatus({ user })).status.enrolled ? 'before' : 'after');
      const input = { userId: user.id, actor: 'support', reason: 'lost phone' };
      return { method: 'resetMfa', input, now: clock.now(), expected: 'ok', repeated: 'ok', effect };
    },
  },
];

/** `ok`, or the reason why not. */
export function answerOf(answer: unknown): string {
  return reasonOf(answer as { ok: true } | { ok: false; reason: string });
}

/** Core on a storage, at an instant, as another process would see it. */
export function lookAt(storage: MfaStorage, now: number): Mfa<TestUser> {
  return createBench({ storage, clock: () => now }).mfa;
}

async function verified(storage: MfaStorage, user: TestUser): Promise<Enrolled> {
  const enrolled = await createEnrolled(user, { storage });
  const { mfa, clock, authenticator } = enrolled;
  const input = { user, session: await loginPending(mfa, user), code: authenticator.code(clock.now()) };
  return { ...enrolled, session: good(await mfa.verify(input)).session };
}

async function lastUse(mfa: Mfa<TestUser>, user: TestUser): Promise<number | undefined> {
  return good(await mfa.getStatus({ user })).status.authenticators[0]?.lastUsedAt;
}

async function left(mfa: Mfa<TestUser>, user: TestUser): Promise<number> {
  return good(await mfa.getStatus({ user })).status.recoveryCodesLeft;
}

function codesLeft(count: number, is: { before: number; after: number }): string {
  if (count === is.before) return 'before';
  return count === is.after ? 'after' : `${count} codes left`;
}
