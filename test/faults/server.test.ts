import { setTimeout as sleep } from 'node:timers/promises';
import { postgresStorage } from '@mfa-kit/core/storage/postgres';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  createBench,
  createEnrolled,
  type Enrolled,
  good,
  loginPending,
  MINUTE,
  reasonOf,
  type TestUser,
} from '../support/core-fixture.js';
import { startFaultProxy } from '../support/fault-proxy.js';
import { type RunningPostgres, startPostgres } from '../support/postgres-server.js';
import { countFaults, countOperations, ROUNDS } from '../support/proof.js';
import { describeWith, reportMissing } from '../support/requires.js';

const HEALED_MS = 5_000;
const DEADLINE_MS = 5_500;
/** A read has two seconds (DESIGN section 3). */
const READ_DEADLINE_MS = 3_500;
const server: RunningPostgres | null = await startPostgres().catch((error: Error) => reportMissing(error.message));
let users = 0;
const freshUser = (): TestUser => ({ id: `server-${++users}`, name: 'somebody@example.com' });

describeWith(server, 'a PostgreSQL that goes away under load', (postgres) => {
  const pool = poolTo(postgres.connectionString);
  const storage = postgresStorage(pool);

  beforeAll(() => storage.createTable());
  afterAll(async () => {
    await pool.end();
    await postgres.stop();
  });

  it.each(['fast', 'kill'] as const)(
    'd-2, FLT-1, FLT-3, I1, I2, I7, I8: stopped (%s) and started again: nothing accepted is lost, nothing right is refused, it heals',
    async (how) => {
      for (let round = 0; round < Math.min(ROUNDS, 10); round++) {
        const people = await Promise.all(Array.from({ length: 8 }, () => createEnrolled(freshUser(), { storage })));
        const first = users - people.length + 1;
        const load = people.map((person, index) => startLoad(person, { id: `server-${first + index}`, name: '' }));
        await sleep(300);
        await postgres.halt(how);
        countFaults();
        await sleep(500);
        await postgres.resume();
        const back = performance.now();
        while (!load.every(({ lastOk }) => lastOk() > back) && performance.now() - back < HEALED_MS) await sleep(20);
        const healed = performance.now() - back;
        const ended = await Promise.all(load.map(({ stop }) => stop()));
        expect(healed, 'milliseconds until everybody was let in again').toBeLessThan(HEALED_MS);
        for (const { answers, slowest, used, person, user } of ended) {
          countOperations(answers.length);
          // Every code was right and new: whatever else is said about it is wrong.
          expect(answers.filter((answer) => !['ok', 'unavailable', 'busy'].includes(answer))).toEqual([]);
          expect(slowest, 'milliseconds of the slowest answer').toBeLessThan(DEADLINE_MS);
          expect(used.length).toBeGreaterThan(0);
          // What was accepted is used for ever: its cost is on the disk.
          const session = await loginPending(person.mfa, user);
          for (const { code, at } of used.slice(-3)) {
            person.clock.set(at);
            expect(reasonOf(await person.mfa.verify({ user, session, code })), 'an accepted code again').toBe('invalid_code');
          }
        }
      }
    },
    300_000,
  );

  it('I8, I9, THR-6: wrong codes while it is away are not looked at and cost nothing', async () => {
    const user = freshUser();
    const { mfa, clock, authenticator, events } = await createEnrolled(user, { storage });
    const session = await loginPending(mfa, user);
    await postgres.halt('kill');
    countFaults();
    for (let tries = 0; tries < 8; tries++) {
      countOperations();
      expect(await mfa.verify({ user, session, code: '000000' })).toMatchObject({ reason: 'unavailable', retryAfterSeconds: 5 });
    }
    await postgres.resume();
    expect(events.map(({ name }) => name)).not.toContain('verification_failed');
    const end = performance.now() + HEALED_MS;
    let said = 'unavailable';
    while (said === 'unavailable' && performance.now() < end) {
      said = reasonOf(await mfa.verify({ user, session, code: authenticator.code(clock.now()) }));
    }
    expect(said).toBe('ok');
  }, 60_000);

  it('FLT-3: idle connections that the server ended harm nobody', async () => {
    const own = poolTo(postgres.connectionString);
    const { mfa } = createBench({ storage: postgresStorage(own) });
    await Promise.all(Array.from({ length: 4 }, () => own.query('SELECT pg_sleep(0.05)')));
    const heard: Error[] = [];
    own.on('error', (error) => heard.push(error));
    const { rowCount } = await pool.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(0.05)' AND state = 'idle'",
    );
    countFaults(rowCount ?? 0);
    expect(rowCount).toBe(4);
    await expect.poll(() => heard.length).toBe(4);
    expect((await mfa.beginLogin({ user: freshUser() })).decision.access).toBe('enroll');
    await own.end();
  });

  it('STO-4, FLT-1, FLT-3: a black hole of eight seconds under load: all answers in time, and the pool heals in five seconds', async () => {
    const { answers, slowest, healedMs } = await throughBlackHole(8_000, { connectionTimeoutMillis: 2_000 });
    expect(answers).toEqual(['unavailable']);
    expect(slowest).toBeLessThan(READ_DEADLINE_MS);
    expect(healedMs).toBeLessThan(HEALED_MS);
  }, 60_000);

  it('STO-4: a pool that waits for ever for a connection, as pg does by default, makes no answer wait', async () => {
    const { answers, slowest } = await throughBlackHole(4_000, {});
    expect(answers).toEqual(['unavailable']);
    expect(slowest).toBeLessThan(READ_DEADLINE_MS);
  }, 60_000);

  /** Twenty people at a time while nothing comes through and nothing ends: every connection of the pool is stuck. */
  async function throughBlackHole(ms: number, config: pg.PoolConfig) {
    const proxy = await startFaultProxy(postgres.port);
    const url = new URL(postgres.connectionString);
    url.port = String(proxy.port);
    const own = new pg.Pool({ connectionString: url.href, max: 4, ...config });
    own.on('error', () => undefined);
    const { mfa } = createBench({ storage: postgresStorage(own) });
    await Promise.all(Array.from({ length: 4 }, () => own.query('SELECT pg_sleep(0.05)')));
    const answers = new Set<string>();
    let slowest = 0;
    let lastIn = 0;
    let running = true;
    const knock = async () => {
      const started = performance.now();
      const { access } = (await mfa.beginLogin({ user: freshUser() })).decision;
      countOperations();
      if (access === 'enroll') lastIn = performance.now();
      answers.add(access);
      return performance.now() - started;
    };
    proxy.blackHole();
    const load = Array.from({ length: 20 }, async () => {
      while (running) {
        slowest = Math.max(slowest, await Promise.race([knock(), sleep(DEADLINE_MS, DEADLINE_MS)]));
        await sleep(50);
      }
    });
    await sleep(ms);
    const said = [...answers];
    proxy.pass();
    const back = performance.now();
    const enough = config.connectionTimeoutMillis ? HEALED_MS : 0;
    while (lastIn < back && performance.now() - back < enough) await sleep(20);
    const healedMs = lastIn > back ? lastIn - back : Number.POSITIVE_INFINITY;
    running = false;
    await Promise.all(load);
    await proxy.close();
    own.end().catch(() => undefined);
    return { answers: said, slowest, healedMs };
  }
});

interface Ended {
  answers: string[];
  /** The codes that were accepted, and when. */
  used: { code: string; at: number }[];
  slowest: number;
  person: Enrolled;
  user: TestUser;
}

/** One person who logs in again and again, each time by a code of a later step. */
function startLoad(person: Enrolled, user: TestUser): { stop(): Promise<Ended>; lastOk(): number } {
  const { mfa, clock, authenticator } = person;
  const ended: Ended = { answers: [], used: [], slowest: 0, person, user };
  let running = true;
  let lastOk = 0;
  const loop = (async () => {
    const session = good({ ok: true, session: await loginPending(mfa, user) }).session;
    while (running) {
      clock.advance(2 * MINUTE);
      const at = clock.now();
      const code = authenticator.code(at);
      const started = performance.now();
      const said = reasonOf(await mfa.verify({ user, session, code }));
      ended.slowest = Math.max(ended.slowest, performance.now() - started);
      ended.answers.push(said);
      if (said === 'ok') {
        ended.used.push({ code, at });
        lastOk = performance.now();
      }
      await sleep(25);
    }
  })();
  return {
    lastOk: () => lastOk,
    async stop() {
      running = false;
      await loop;
      return ended;
    },
  };
}

function poolTo(connectionString: string): pg.Pool {
  const pool = new pg.Pool({ connectionString, max: 4, connectionTimeoutMillis: 2_000 });
  pool.on('error', () => undefined);
  return pool;
}
