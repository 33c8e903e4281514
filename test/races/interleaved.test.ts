import type { Mfa, MfaSession, MfaStorage } from '@mfa-kit/core';
import { memoryStorage } from '@mfa-kit/core/storage/memory';
import { postgresStorage } from '@mfa-kit/core/storage/postgres';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { peek } from '../faults/core-faulty-storage.js';
import { answerOf } from '../faults/scenarios.js';
import {
  createAuthenticator,
  createEnrolled,
  createFixture,
  type Enrolled,
  enrollAnother,
  expectOk,
  loginPending,
  loginWithCode,
  type TestUser,
} from '../support/core-fixture.js';
import { interleavingStorage } from '../support/interleaving-storage.js';
import { type PostgresDatabase, postgresDatabase } from '../support/postgres.js';
import { countOperations } from '../support/proof.js';
import { describeWith } from '../support/requires.js';

type Act = (mfa: Mfa<TestUser>) => Promise<object>;
type Given = { session?: MfaSession; device?: { token: string } };

/** A user with two authenticators, a remembered browser and a session that may manage. */
interface Setting {
  fixture: Enrolled;
  user: TestUser;
  session: MfaSession;
  token: string;
  second: string;
}

interface Side {
  name: string;
  prepare(setting: Setting): Promise<Act> | Act;
}

/** Operations that issue a session or remember a browser. */
const givers: Side[] = [
  {
    name: 'a login that remembers the device',
    async prepare({ fixture, user }) {
      const session = await loginPending(fixture.mfa, user);
      const code = fixture.authenticator.code(fixture.clock.now());
      return (mfa) => mfa.verify({ user, session, proof: { kind: 'totp', code }, rememberDevice: true });
    },
  },
  {
    name: 'the login of a remembered browser',
    prepare:
      ({ user, token }) =>
      (mfa) =>
        mfa.beginLogin({ user, deviceToken: token }),
  },
  {
    name: 'the confirmation of a third authenticator that remembers the device',
    async prepare({ fixture, user, session }) {
      const started = expectOk(await fixture.mfa.startEnrollment({ user, session }));
      const code = createAuthenticator(started.enrollment.uri).code(fixture.clock.now());
      const input = {
        user,
        session: started.session,
        enrollmentId: started.enrollment.id,
        proof: { kind: 'totp' as const, code },
        rememberDevice: true,
      };
      return (mfa) => mfa.confirmEnrollment(input);
    },
  },
];

/** Operations that end everything issued before. */
const enders: Side[] = [
  {
    name: 'sign out everywhere',
    prepare:
      ({ user, session }) =>
      (mfa) =>
        mfa.endAllSessions({ user, session }),
  },
  {
    name: 'a password change',
    prepare:
      ({ user }) =>
      (mfa) =>
        mfa.passwordChanged({ userId: user.id }),
  },
  {
    name: 'the removal of an authenticator',
    prepare:
      ({ user, session, second }) =>
      (mfa) =>
        mfa.removeAuthenticator({ user, session, authenticatorId: second }),
  },
  {
    name: 'a reset by support',
    prepare:
      ({ user }) =>
      (mfa) =>
        mfa.resetMfa({ userId: user.id, actor: 'support', reason: 'lost phone' }),
  },
  {
    name: 'a user forgotten',
    prepare:
      ({ user }) =>
      (mfa) =>
        mfa.forgetUser({ userId: user.id }),
  },
];

const database: PostgresDatabase | null = await postgresDatabase();
let users = 0;

describe('in memory', () => interleavings(memoryStorage));

describeWith(database, 'on PostgreSQL', (db) => {
  const pool = new pg.Pool({ connectionString: db.connectionString, connectionTimeoutMillis: 2_000 });
  pool.on('error', () => undefined);
  beforeAll(() => postgresStorage(pool).createTable());
  afterAll(async () => {
    await pool.end();
    await db.drop();
  });
  interleavings(() => postgresStorage(pool));
});

function interleavings(open: () => MfaStorage): void {
  const pairs = givers.flatMap((giver) => enders.map((ender) => [giver.name, ender.name, giver, ender] as const));

  it.each(pairs)(
    'DEV-5, STO-3, I6: %s against %s: nothing that started before counts afterwards',
    async (_, __, giver, ender) => {
      for (const held of ['the giver', 'the ender'] as const) {
        await atEachCall(open(), async (setting) => {
          const acts = { 'the giver': await giver.prepare(setting), 'the ender': await ender.prepare(setting) };
          const other = held === 'the giver' ? 'the ender' : 'the giver';
          const examine = async (one: object, two: object, at: string) => {
            const [given, ended] = held === 'the giver' ? [one, two] : [two, one];
            await expectWorthless(setting, given, ended, `${held} held ${at}`);
          };
          return { held: acts[held], other: acts[other], examine };
        });
      }
    },
  );

  it('T43, STO-3: if the last two authenticators are removed at once, one stays', async () => {
    await atEachCall(open(), async ({ fixture, user, session }) => {
      const { status } = expectOk(await fixture.mfa.getStatus({ user }));
      const [held, other] = status.authenticators.map(
        ({ id }): Act =>
          (mfa) =>
            mfa.removeAuthenticator({ user, session, authenticatorId: id }),
      ) as [Act, Act];
      const examine = async (one: object, two: object, at: string) => {
        expect([answerOf(one), answerOf(two)].sort(), at).toEqual(['assurance_required', 'ok']);
        expect(expectOk(await fixture.mfa.getStatus({ user })).status.authenticators, at).toHaveLength(1);
      };
      return { held, other, examine };
    });
  });

  it('T28, STO-3: a remembered browser that opens ten tabs at once writes once', async () => {
    const storage = open();
    const { fixture, user, token } = await prepareSetting(storage);
    fixture.clock.advance(120_000);
    const tabs = createFixture({ storage, clock: fixture.clock.now });
    const act = () => tabs.mfa.beginLogin({ user, deviceToken: token });
    const answers = await Promise.all(Array.from({ length: 10 }, act));
    expect(answers.map(answerOf)).toEqual(Array.from({ length: 10 }, () => 'allow'));
    expect(answers.filter(({ device }) => device)).toHaveLength(1);
    expect(tabs.counts.writes).toBe(1);
  });
}

interface Case {
  held: Act;
  other: Act;
  examine(held: object, other: object, at: string): Promise<void>;
}

/**
 * Runs the case once for each point at which the operation can be held, before and after each of its storage calls, until no new call
 * is left. Meanwhile the other operation completes in another process, because the queue of one process would serialize them.
 */
async function atEachCall(storage: MfaStorage, prepare: (setting: Setting) => Promise<Case>): Promise<void> {
  for (let point = 0; ; point++) {
    const setting = await prepareSetting(storage);
    const { held, other, examine } = await prepare(setting);
    const holding = interleavingStorage(storage);
    const { clock } = setting.fixture;
    let seen = 0;
    holding.hold(() => seen++ === point);
    const one = held(createFixture({ storage: holding, clock: clock.now }).mfa);
    const call = await Promise.race([holding.nextHeld(10_000), one.then(() => null)]);
    countOperations(2);
    if (!call) {
      // At least a read and a write, each held before and after.
      expect(point).toBeGreaterThanOrEqual(4);
      return;
    }
    const two = await other(createFixture({ storage, clock: clock.now }).mfa);
    call.release();
    await examine(await one, two, `${call.at} its ${call.method} (${point})`);
  }
}

async function prepareSetting(storage: MfaStorage): Promise<Setting> {
  const user: TestUser = { id: `interleaved-${++users}`, name: 'somebody@example.com' };
  const memory = memoryStorage();
  const fixture = await createEnrolled(user, { storage: memory });
  const { authenticatorId } = await enrollAnother(fixture, fixture.session, user);
  const { session, token } = await loginWithCode(fixture, { user, rememberDevice: true });
  fixture.clock.advance(90_000);
  const stored = await memory.read(user.id);
  if (!stored || !(await storage.write(user.id, stored, null))) throw new Error('somebody else is there');
  const { mfa } = createFixture({ storage, clock: fixture.clock.now });
  return { fixture: { ...fixture, mfa, storage }, user, session, token, second: authenticatorId };
}

async function expectWorthless({ fixture, user }: Setting, given: object, ended: object, at: string): Promise<void> {
  const { mfa, storage } = fixture;
  expect(answerOf(ended), `${at}: the end`).toBe('ok');
  const { session, device } = given as Given;
  expect((await mfa.checkAccess({ user, session })).access, `${at}: the session`).not.toBe('allow');
  if (device) {
    const login = await mfa.beginLogin({ user, deviceToken: device.token });
    expect(login.decision.access, `${at}: the browser`).not.toBe('allow');
  }
  const remembered = (await peek(storage, user.id))?.devices.filter(({ rememberedUntil }) => rememberedUntil !== undefined);
  expect(remembered ?? [], `${at}: remembered browsers`).toEqual([]);
}
