import type { Mfa } from '@mfa-kit/core';
import { describe, expect, it } from 'vitest';
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
  MINUTE,
  SECOND,
  type TestUser,
} from '../support/core-fixture.js';
import { interleavingStorage } from '../support/interleaving-storage.js';
import { peek } from './core-faulty-storage.js';

type Act = (mfa: Mfa<TestUser>) => Promise<object>;

interface Pair {
  name: string;
  prepare(): Promise<{ fixture: Enrolled; held: Act; other: Act }>;
  /** The results of both operations after they ended, the held one first. */
  holds(fixture: Enrolled, words: [string, string], answers: [never, never]): Promise<void> | void;
}

function word(answer: object): string {
  if ('decision' in answer) return (answer.decision as { access: string }).access;
  if ('ok' in answer && answer.ok === true) return 'ok';
  return (answer as { reason: string }).reason;
}

async function enrolledTwice(): Promise<{ fixture: Enrolled; session: Enrolled['session']; ids: string[] }> {
  const fixture = await createEnrolled();
  await enrollAnother(fixture, fixture.session);
  const { session } = await loginWithCode(fixture);
  fixture.clock.advance(MINUTE);
  const ids = expectOk(await fixture.mfa.getStatus({ user: ada })).status.authenticators.map((one) => one.id);
  return { fixture, session, ids };
}

/** A login that remembers the device, during an operation that ends everything issued before. */
function rememberingAgainst(name: string, end: (fixture: Enrolled, session: Enrolled['session']) => Act): Pair {
  return {
    name: `DEV-5, I6: a remembering login against ${name}`,
    async prepare() {
      const { fixture, session } = await enrolledTwice();
      const pending = await loginPending(fixture.mfa);
      const code = fixture.authenticator.code(fixture.clock.now());
      return {
        fixture,
        held: (mfa) => mfa.verify({ user: ada, session: pending, proof: { kind: 'totp', code }, rememberDevice: true }),
        other: end(fixture, session),
      };
    },
    async holds({ mfa, storage }, [verified, ended], [answer]) {
      expect(ended).toBe('ok');
      // `unavailable`, because after the record is gone it is unknown whether the proof was stored before.
      expect(['ok', 'login_again', 'unavailable']).toContain(verified);
      const given = answer as { session?: Enrolled['session']; device?: { token: string } };
      expect((await mfa.checkAccess({ user: ada, session: given.session })).access).not.toBe('allow');
      const again = await mfa.beginLogin({ user: ada, deviceToken: given.device?.token ?? '' });
      expect(again.decision.access).not.toBe('allow');
      expect((await peek(storage, ada.id))?.devices.every((device) => device.rememberedUntil === undefined) ?? true).toBe(true);
    },
  };
}

const support = { userId: ada.id, actor: 'a', reason: 'r' };

const pairs: Pair[] = [
  rememberingAgainst('the end of all sessions', (_, session) => (mfa) => mfa.endAllSessions({ user: ada, session })),
  rememberingAgainst('a password change', () => (mfa) => mfa.passwordChanged({ userId: ada.id })),
  rememberingAgainst('a reset', () => (mfa) => mfa.resetMfa(support)),
  rememberingAgainst('the user forgotten', () => (mfa) => mfa.forgetUser({ userId: ada.id })),
  {
    name: 'T3, TOTP-2: one code against itself',
    async prepare() {
      const fixture = await createEnrolled();
      const code = fixture.authenticator.code(fixture.clock.now());
      const [one, two] = [await loginPending(fixture.mfa), await loginPending(fixture.mfa)];
      return {
        fixture,
        held: (mfa) => mfa.verify({ user: ada, session: one, proof: { kind: 'totp', code } }),
        other: (mfa) => mfa.verify({ user: ada, session: two, proof: { kind: 'totp', code } }),
      };
    },
    holds: (_, words) => expect([...words].sort()).toEqual(['invalid_code', 'ok']),
  },
  {
    name: 'REC-3: a recovery code against a regenerated set',
    async prepare() {
      const { fixture, session } = await enrolledTwice();
      const pending = await loginPending(fixture.mfa);
      return {
        fixture,
        held: (mfa) =>
          mfa.verify({ user: ada, session: pending, proof: { kind: 'recovery-code', code: fixture.recoveryCodes[0] } }),
        other: (mfa) => mfa.regenerateRecoveryCodes({ user: ada, session }),
      };
    },
    async holds({ storage }, [used, made]) {
      expect(made).toBe('ok');
      expect(['ok', 'invalid_code']).toContain(used);
      expect((await peek(storage, ada.id))?.recoveryCodes?.digests).toHaveLength(10);
    },
  },
  {
    name: 'T12: one recovery code against itself',
    async prepare() {
      const fixture = await createEnrolled();
      const act: Act = async (mfa) =>
        mfa.verify({
          user: ada,
          session: await loginPending(fixture.mfa),
          proof: { kind: 'recovery-code', code: fixture.recoveryCodes[0] },
        });
      return { fixture, held: act, other: act };
    },
    async holds({ storage }, words) {
      expect([...words].sort()).toEqual(['invalid_code', 'ok']);
      expect((await peek(storage, ada.id))?.recoveryCodes?.digests).toHaveLength(9);
    },
  },
  {
    name: 'ENR-6: a confirmation against itself',
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
      const act: Act = (mfa) => mfa.confirmEnrollment(input);
      return { fixture, held: act, other: act };
    },
    async holds({ storage }, words) {
      expect([...words].sort()).toEqual(['already_confirmed', 'ok']);
      expect((await peek(storage, ada.id))?.authenticators).toHaveLength(1);
    },
  },
  {
    name: 'T16: two first enrollments of two sessions, confirmed at once',
    async prepare() {
      const fixture = createFixture() as Enrolled;
      const acts: Act[] = [];
      for (let count = 0; count < 2; count++) {
        const started = expectOk(await fixture.mfa.startEnrollment({ user: ada, session: await loginPending(fixture.mfa) }));
        const code = createAuthenticator(started.enrollment.uri).code(fixture.clock.now());
        const input = {
          user: ada,
          session: started.session,
          enrollmentId: started.enrollment.id,
          proof: { kind: 'totp' as const, code },
        };
        acts.push((mfa) => mfa.confirmEnrollment(input));
      }
      return { fixture, held: acts[0] as Act, other: acts[1] as Act };
    },
    async holds({ storage }, words) {
      expect([...words].sort()).toEqual(['enrollment_expired', 'ok']);
      expect((await peek(storage, ada.id))?.authenticators).toHaveLength(1);
    },
  },
  {
    name: 'T43: the last two authenticators removed at once',
    async prepare() {
      const { fixture, session, ids } = await enrolledTwice();
      const [held, other] = ids.map(
        (authenticatorId): Act =>
          (mfa) =>
            mfa.removeAuthenticator({ user: ada, session, authenticatorId }),
      );
      return { fixture, held: held as Act, other: other as Act };
    },
    async holds({ storage }, words) {
      expect([...words].sort()).toEqual(['assurance_required', 'ok']);
      expect((await peek(storage, ada.id))?.authenticators).toHaveLength(1);
    },
  },
  {
    name: 'T47: one pending token, two right codes',
    async prepare() {
      const fixture = await createEnrolled();
      const { pendingToken = '' } = await fixture.mfa.beginLogin({ user: ada });
      const { session } = expectOk(await fixture.mfa.openPendingToken(pendingToken));
      const [held, other] = [0, 30 * SECOND].map((ahead): Act => {
        const code = fixture.authenticator.code(fixture.clock.now() + ahead);
        return (mfa) => mfa.verify({ user: ada, session, proof: { kind: 'totp', code } });
      });
      return { fixture, held: held as Act, other: other as Act };
    },
    holds: (_, words) => expect([...words].sort()).toEqual(['ok', 'pending_token_invalid']),
  },
  {
    name: 'T28: one device token at two logins',
    async prepare() {
      const fixture = await createEnrolled();
      const { token } = await loginWithCode(fixture, { rememberDevice: true });
      const act: Act = (mfa) => mfa.beginLogin({ user: ada, deviceToken: token });
      return { fixture, held: act, other: act };
    },
    holds: (_, words, answers) => {
      expect(words).toEqual(['allow', 'allow']);
      expect(answers.filter((answer) => (answer as { device?: object }).device)).toHaveLength(1);
    },
  },
  {
    name: 'T8: two wrong codes, which are both counted',
    async prepare() {
      const fixture = await createEnrolled();
      const session = await loginPending(fixture.mfa);
      const act: Act = (mfa) => mfa.verify({ user: ada, session, proof: { kind: 'totp', code: '000000' } });
      return { fixture, held: act, other: act };
    },
    async holds({ storage }, words) {
      expect(words).toEqual(['invalid_code', 'invalid_code']);
      expect((await peek(storage, ada.id))?.budget.level).toBe(2);
    },
  },
  {
    name: 'a wrong code against a first login elsewhere, and neither is lost',
    async prepare() {
      const fixture = await createEnrolled();
      const session = await loginPending(fixture.mfa);
      return {
        fixture,
        held: (mfa) => mfa.verify({ user: ada, session, proof: { kind: 'totp', code: '000000' } }),
        other: (mfa) =>
          mfa.verify({
            user: ada,
            session,
            proof: { kind: 'totp', code: fixture.authenticator.code(fixture.clock.now()) },
            rememberDevice: true,
          }),
      };
    },
    async holds({ storage }, words) {
      expect(words).toEqual(['invalid_code', 'ok']);
      const profile = await peek(storage, ada.id);
      expect([profile?.budget.level, profile?.devices.length]).toEqual([1, 1]);
    },
  },
  {
    name: 'the first login against itself, which makes one profile for both states',
    async prepare() {
      const fixture = createFixture() as Enrolled;
      const act: Act = (mfa) => mfa.beginLogin({ user: ada });
      return { fixture, held: act, other: act };
    },
    async holds({ mfa }, words, answers) {
      expect(words).toEqual(['enroll', 'enroll']);
      for (const answer of answers as { session: Enrolled['session'] }[]) {
        expect((await mfa.checkAccess({ user: ada, session: answer.session })).access).toBe('enroll');
      }
    },
  },
];

const points = [
  ['read', 'before'],
  ['read', 'after'],
  ['write', 'before'],
  ['write', 'after'],
] as const;

describe.each(pairs)('STO-3: $name', (pair) => {
  it.each(points)('while one is held at its %s, %s the effect', async (method, at) => {
    const { fixture, held, other } = await pair.prepare();
    const storage = interleavingStorage(fixture.storage);
    const shared = { clock: fixture.clock.now };
    // Two processes, because the queue of one process would serialize them.
    const first = createFixture({ ...shared, storage });
    const second = createFixture({ ...shared, storage: fixture.storage });
    let seen = 0;
    storage.hold((call) => call.method === method && call.at === at && seen++ === 0);
    const one = held(first.mfa);
    const call = await storage.nextHeld();
    const two = await other(second.mfa);
    call.release();
    const answers = [await one, two] as [object, object];
    await pair.holds(fixture, answers.map(word) as [string, string], answers as [never, never]);
  });
});
