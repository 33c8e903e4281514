import type { MfaSession, VerifiedSession } from '@mfa-kit/core';
import { postgresStorage } from '@mfa-kit/core/storage/postgres';
import type { VirtualAuthenticator } from '@mfa-kit/core/testing';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { compileCore } from '../races/processes.js';
import { createAuthenticator, DAY, expectOk, HOUR, MINUTE, reasonOf, SECOND, type TestUser } from '../support/core-fixture.js';
import { fc } from '../support/fast-check.js';
import { type PostgresDatabase, postgresDatabase } from '../support/postgres.js';
import { ROUNDS } from '../support/proof.js';
import { describeWith } from '../support/requires.js';
import { type ClockProcess, findFaketime, startClockProcess } from './clock-processes.js';

const YEAR = 365 * DAY;
const STEP = 30 * SECOND;
const SIBLINGS = 3;
const OFFSETS = [0, 30 * SECOND, 90 * SECOND, HOUR, 10 * YEAR].flatMap((by) => [by, -by]);
/** A quick run tests only the large offsets. */
const SOME = ROUNDS > 3 ? OFFSETS : OFFSETS.slice(-4);
const library = await findFaketime();
const database: PostgresDatabase | null = library === null ? null : await postgresDatabase();
let users = 0;

interface Person {
  user: TestUser;
  session: VerifiedSession;
  authenticator: VirtualAuthenticator;
  /** Instants of the steps in which a code was accepted. */
  accepted: number[];
}

// The clock of the store is not changed, because no adapter compares dates in it or reads one from it. The times of a record are
// sealed in its value, and `updated_at` in SQL is only for operators. So the result would be the same on another store.
describeWith(database, `d-4: ${SIBLINGS} processes on one PostgreSQL, whose clocks are moved while they run`, (db) => {
  let pool: pg.Pool;
  let siblings: ClockProcess[];

  beforeAll(async () => {
    pool = new pg.Pool({ connectionString: db.connectionString, max: 2 });
    pool.on('error', () => undefined);
    await postgresStorage(pool).createTable();
    const core = await compileCore('clocks');
    siblings = await Promise.all(
      Array.from({ length: SIBLINGS }, () => startClockProcess(library ?? '', core, db.connectionString)),
    );
  }, 120_000);
  beforeEach(() => {
    for (const sibling of siblings) sibling.setClock(0);
  });
  afterAll(async () => {
    for (const sibling of siblings) sibling.stop();
    await pool.end();
    await db.drop();
  });

  it('FLT-5, TOTP-2, I1: no code counts twice, whatever their clocks do and however they differ', async () => {
    const action = fc.oneof(
      fc.record({ who: fc.nat(SIBLINGS - 1), clock: fc.constantFrom(...OFFSETS) }),
      fc.record({ who: fc.nat(SIBLINGS - 1), code: fc.nat(SIBLINGS - 1), ahead: fc.constantFrom(-1, 0, 0, 1), times: fc.nat(2) }),
      // This clock loses a second with each operation.
      fc.record({ who: fc.constant(2), drift: fc.constant(-SECOND) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 12, maxLength: 25 }), async (actions) => {
        const person = await enrollPerson(first());
        const offsets = siblings.map(() => 0);
        const move = (who: number, to: number) => {
          offsets[who] = to;
          siblings[who]?.setClock(to);
        };
        for (const one of actions) {
          const sibling = siblings[one.who] as ClockProcess;
          if ('clock' in one) move(one.who, one.clock);
          else if ('drift' in one) move(one.who, (offsets[one.who] ?? 0) + one.drift);
          else {
            // The code is from the time of another process, because the app's clock is right and a server's may be wrong.
            const at = (siblings[one.code] as ClockProcess).now() + one.ahead * STEP;
            for (let time = 0; time <= one.times; time++) await tryCode(person, sibling, at);
            await support(first(), person);
          }
        }
        // When a clock returns to the time of an accepted code, the code is used, regardless of the distance.
        for (const at of [...person.accepted]) {
          move(0, at - Date.now());
          await support(first(), person);
          expect(reasonOf(await tryCode(person, first(), at)), 'an accepted code, at its own time again').toBe('invalid_code');
        }
        const steps = person.accepted.map((at) => Math.floor(at / STEP));
        expect(steps.length, `${JSON.stringify(steps)} has no step twice`).toBe(new Set(steps).size);
        for (const [who] of siblings.entries()) move(who, 0);
      }),
      { numRuns: ROUNDS > 3 ? 50 : ROUNDS, endOnFailure: true },
    );
  }, 600_000);

  it('DEV-6, I6, FLT-5: a remembered browser is challenged again by every clock beyond its thirty days, and never before it was remembered', async () => {
    const [one, other] = [first(), siblings[1] as ClockProcess];
    const person = await enrollPerson(one);
    const token = await remember(person, one);
    const access = async (offset: number) => {
      other.setClock(offset);
      return (await other.run('beginLogin', { user: person.user, deviceToken: token })).decision.access;
    };
    expect(await access(0)).toBe('allow');
    expect(await access(30 * DAY - 2 * MINUTE)).toBe('allow');
    for (const offset of [30 * DAY + SECOND, 60 * DAY, 10 * YEAR, -10 * MINUTE, -31 * DAY, -10 * YEAR]) {
      expect(await access(offset), `by a clock of ${offset / HOUR} hours`).toBe('challenge');
    }
    expect(await access(0), 'by the right clock again').toBe('allow');
  });

  it('DEV-5, SES-7, I6: sessions and devices that a password change ended stay ended for every clock', async () => {
    const [one, other, third] = siblings as [ClockProcess, ClockProcess, ClockProcess];
    for (const [changing, looking] of SOME.flatMap((offset) => [
      [offset, 0],
      [0, offset],
    ])) {
      for (const sibling of siblings) sibling.setClock(0);
      const person = await enrollPerson(one);
      const token = await remember(person, one);
      other.setClock(changing ?? 0);
      expectOk(await other.run('passwordChanged', { userId: person.user.id }));
      for (const sibling of [one, other, third]) {
        sibling.setClock(looking ?? 0);
        const { access } = await sibling.run('checkAccess', { user: person.user, session: person.session });
        expect(access, 'the old session').toBe('challenge');
        const { decision } = await sibling.run('beginLogin', { user: person.user, deviceToken: token });
        expect(decision.access, 'the browser').toBe('challenge');
      }
    }
  }, 120_000);

  it('THR-5, I9, F31: guesses that a wrong clock counted wait for that clock, and clearLockout resets them to the current time', async () => {
    const [one, other] = siblings as [ClockProcess, ClockProcess];
    for (const offset of SOME) {
      for (const sibling of siblings) sibling.setClock(0);
      const person = await enrollPerson(one);
      other.setClock(offset);
      const session = await pendingOf(person, other);
      for (let tries = 0; tries < 8; tries++)
        await other.run('verify', { user: person.user, session, proof: { kind: 'totp', code: '000000' } });
      // The clocks are right again. A user waits until the times that the wrong clock counted have passed, plus an hour at most.
      other.setClock(0);
      const attempt = await one.run('verify', {
        user: person.user,
        session: await pendingOf(person, one),
        proof: { kind: 'totp', code: 'none' },
      });
      expect(reasonOf(attempt)).toBe('invalid_code');
      const said = await tryCode(person, one, one.now());
      const wait = said.ok ? 0 : ((said as { retryAfterSeconds?: number }).retryAfterSeconds ?? 0);
      expect(wait, `seconds to wait after a clock of ${offset / HOUR} hours`).toBeLessThanOrEqual(
        Math.max(offset, 0) / SECOND + 3600,
      );
      if (said.ok) continue;
      await one.run('clearLockout', { userId: person.user.id, actor: 'support', reason: 'the clock was wrong' });
      one.setClock(MINUTE);
      expect(reasonOf(await tryCode(person, one, one.now()))).toBe('ok');
    }
  }, 120_000);

  const first = () => siblings[0] as ClockProcess;
});

async function enrollPerson(sibling: ClockProcess): Promise<Person> {
  const user: TestUser = { id: `clock-${++users}`, name: 'somebody@example.com' };
  const { session } = await sibling.run('beginLogin', { user });
  const started = expectOk(await sibling.run('startEnrollment', { user, session }));
  const authenticator = createAuthenticator(started.enrollment.uri);
  const at = sibling.now();
  const input = {
    user,
    session: started.session,
    enrollmentId: started.enrollment.id,
    proof: { kind: 'totp' as const, code: authenticator.code(at) },
  };
  const confirmed = expectOk(await sibling.run('confirmEnrollment', input));
  return { user, session: confirmed.session, authenticator, accepted: [at] };
}

async function pendingOf({ user }: Person, sibling: ClockProcess): Promise<MfaSession | undefined> {
  return (await sibling.run('beginLogin', { user })).session;
}

async function tryCode(person: Person, sibling: ClockProcess, at: number) {
  const { user, authenticator, accepted } = person;
  const said = await sibling.run('verify', {
    user,
    session: await pendingOf(person, sibling),
    proof: { kind: 'totp', code: authenticator.code(at) },
  });
  if (said.ok) accepted.push(at);
  return said;
}

/** A browser that a proof has just remembered. Uses the next code, because the enrollment used the current one. */
async function remember(person: Person, sibling: ClockProcess): Promise<string> {
  const session = await pendingOf(person, sibling);
  const code = person.authenticator.code(sibling.now() + STEP);
  const input = { user: person.user, session, proof: { kind: 'totp' as const, code }, rememberDevice: true };
  return expectOk(await sibling.run('verify', input)).device?.token ?? '';
}

function support(sibling: ClockProcess, { user }: Person) {
  return sibling.run('clearLockout', { userId: user.id, actor: 'support', reason: 'the sequence goes on' });
}
