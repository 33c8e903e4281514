import { setTimeout as sleep } from 'node:timers/promises';
import type { Mfa, MfaStorage } from '@mfa-kit/core';
import { postgresStorage } from '@mfa-kit/core/storage/postgres';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { compileCore, type RaceProcess, ROUNDS, startProcess } from '../races/processes.js';
import { createBench, createEnrolled, good, loginPending, reasonOf, type TestUser } from '../support/core-fixture.js';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js';
import { type PostgresDatabase, postgresDatabase } from '../support/postgres.js';
import { type RunningPostgres, startPostgres } from '../support/postgres-server.js';
import { describeWith } from '../support/requires.js';
import { answerOf, lookAt, scenarios } from './scenarios.js';

/** DESIGN: an operation has four seconds; the rest is the machine's. */
const DEADLINE_MS = 4_500;
const HEALED_MS = 5_000;
const database: PostgresDatabase | null = await postgresDatabase();
let users = 0;
const freshUser = (): TestUser => ({ id: `fault-${process.pid}-${++users}`, name: 'somebody@example.com' });

function poolTo(connectionString: string): pg.Pool {
  const pool = new pg.Pool({ connectionString, max: 4, connectionTimeoutMillis: 2_000 });
  pool.on('error', () => {});
  return pool;
}

describeWith(database, 'a faulty network before PostgreSQL', (db) => {
  let direct: pg.Pool;
  let through: pg.Pool;
  let proxy: FaultProxy;
  let storage: MfaStorage;

  beforeAll(async () => {
    direct = poolTo(db.connectionString);
    storage = postgresStorage(direct);
    await postgresStorage(direct).createTable();
  });
  beforeEach(async () => {
    const url = new URL(db.connectionString);
    proxy = await startFaultProxy(Number(url.port));
    url.port = String(proxy.port);
    through = poolTo(url.href);
  });
  afterEach(async () => {
    await proxy.close();
    await through.end();
  });
  afterAll(async () => {
    await direct.end();
    await db.drop();
  });

  /** The network fails at the n-th storage call of an operation, counted from 1. */
  function failingAt(n: number, fault: () => void): MfaStorage {
    const kit = postgresStorage(through);
    let calls = 0;
    const around = <T>(call: () => Promise<T>): Promise<T> => {
      if (++calls === n) fault();
      return call();
    };
    return {
      read: (userId) => around(() => kit.read(userId)),
      write: (userId, next, expected) => around(() => kit.write(userId, next, expected)),
      remove: (userId, expected) => around(() => kit.remove(userId, expected)),
      listUserIds: (cursor) => kit.listUserIds(cursor),
    };
  }

  for (const scenario of scenarios) {
    it(`d-3, I1, I2, I7: ${scenario.name}: a reply lost at any call burns nothing and grants nothing unpaid`, async () => {
      for (const n of [1, 2]) {
        const prepared = await scenario.prepare(storage, freshUser());
        // A connection is there already, so that the reply that is lost is that of the statement.
        await through.query('SELECT 1');
        const mfa = lookAt(
          failingAt(n, () => proxy.loseNextReply()),
          prepared.now,
        );
        const started = performance.now();
        const answer = answerOf(await call(mfa, prepared));
        expect(performance.now() - started).toBeLessThan(DEADLINE_MS);
        expect(proxy.lostReplies()).toBe(n);
        // A lost read has done nothing; a lost write is found in the record.
        expect(answer).toBe(n === 1 ? 'unavailable' : prepared.expected);
        expect(await prepared.effect(lookAt(storage, prepared.now))).toBe(n === 1 ? 'before' : 'after');
      }
    }, 60_000);

    it(`d-3, FLT-1, I12: ${scenario.name}: a network cut at any call refuses in time, and the retry is answered`, async () => {
      for (const n of [1, 2]) {
        const prepared = await scenario.prepare(storage, freshUser());
        const mfa = lookAt(
          failingAt(n, () => proxy.refuse()),
          prepared.now,
        );
        const started = performance.now();
        const refused = await call(mfa, prepared);
        expect(performance.now() - started).toBeLessThan(DEADLINE_MS);
        expect(refused).toMatchObject({ ok: false, reason: 'unavailable', retryAfterSeconds: expect.any(Number) });
        proxy.pass();
        expect(answerOf(await retry(mfa, prepared))).toBe(prepared.expected);
        expect(await prepared.effect(lookAt(storage, prepared.now))).toBe('after');
      }
    }, 60_000);
  }

  it('d-5: a slow network delays, and nothing else', async () => {
    for (const scenario of scenarios) {
      const prepared = await scenario.prepare(storage, freshUser());
      await through.query('SELECT 1');
      proxy.delay(150);
      expect(answerOf(await call(lookAt(postgresStorage(through), prepared.now), prepared))).toBe(prepared.expected);
      proxy.delay(0);
      expect(await prepared.effect(lookAt(storage, prepared.now))).toBe('after');
    }
  }, 60_000);

  it('STO-4, I8: one slower than the deadline refuses in time, and its late write spends one try at the most', async () => {
    const user = freshUser();
    const { mfa, clock, recoveryCodes } = await createEnrolled(user, { storage });
    const input = { user, session: await loginPending(mfa, user), recoveryCode: recoveryCodes[0] };
    const slow = lookAt(
      failingAt(2, () => proxy.delay(2_500)),
      clock.now(),
    );
    const started = performance.now();
    expect(['unavailable', 'busy']).toContain(answerOf(await call(slow, { method: 'verify', input })));
    expect(performance.now() - started).toBeLessThan(DEADLINE_MS);
    await sleep(3_000);
    expect([9, 10]).toContain(good(await mfa.getStatus({ user })).status.recoveryCodesLeft);
    const fresh = { ...input, recoveryCode: recoveryCodes[1] };
    expect(answerOf(await retry(mfa, { method: 'verify', input: fresh }))).toBe('ok');
  }, 60_000);

  it('STO-4, FLT-1, FLT-3: a black hole: refused in time, nothing spent, healthy within five seconds', async () => {
    const [right] = scenarios;
    if (!right) throw new Error('no scenario');
    const prepared = await right.prepare(storage, freshUser());
    const mfa = lookAt(postgresStorage(through), prepared.now);
    await Promise.all([1, 2, 3, 4].map(() => through.query('SELECT pg_sleep(0.05)')));
    proxy.blackHole();
    const started = performance.now();
    const answers = await Promise.all([1, 2, 3, 4, 5, 6].map(() => call(mfa, prepared)));
    expect(performance.now() - started).toBeLessThan(DEADLINE_MS);
    // Those that waited for the others in the queue met the same end of time.
    for (const answer of answers) expect(['unavailable', 'busy']).toContain(answerOf(answer));
    proxy.pass();
    const back = performance.now();
    expect(answerOf(await retry(mfa, prepared))).toBe('ok');
    expect(performance.now() - back).toBeLessThan(HEALED_MS);
  }, 60_000);
});

describeWith(database, 'a process that is killed', (db) => {
  let pool: pg.Pool;
  let core: string;

  beforeAll(async () => {
    pool = poolTo(db.connectionString);
    core = await compileCore('faults');
  }, 120_000);
  afterAll(() => pool.end());

  for (const scenario of scenarios) {
    it(`d-1, ENR-6, FLT-2, I5, I7: ${scenario.name}: all or nothing, whichever storage call it dies at`, async () => {
      const own = await postgresDatabase();
      if (!own) throw new Error('PostgreSQL is there, or this suite would be skipped');
      const ownPool = poolTo(own.connectionString);
      try {
        const storage = postgresStorage(ownPool);
        await storage.createTable();
        const points = [1, 2].flatMap((at) => (['before', 'after'] as const).map((when) => ({ at, when })));
        for (const crash of points) {
          const prepared = await scenario.prepare(storage, freshUser());
          const child = await startProcess(core, own.connectionString);
          const order = { method: prepared.method, inputs: [prepared.input], now: prepared.now };
          expect(await child.run({ ...order, crash })).toBeNull();
          const done = crash.at === 2 && crash.when === 'after';
          const survivor: RaceProcess = await startProcess(core, own.connectionString);
          if (scenario.name === 'new recovery codes') {
            // Its look uses a code up, so it comes first, and what it proves is enough.
            expect(await prepared.effect(lookAt(storage, prepared.now))).toBe(done ? 'after' : 'before');
          } else {
            const told = await survivor.run({ ...order });
            expect(answerOf(told?.answers[0])).toBe(done ? prepared.repeated : prepared.expected);
            expect(await prepared.effect(lookAt(storage, prepared.now))).toBe('after');
          }
          survivor.stop();
        }
      } finally {
        await ownPool.end();
        await own.drop();
      }
    }, 120_000);
  }
});

describeWith(database, 'a PostgreSQL that goes away under load', () => {
  let server: RunningPostgres;
  let pool: pg.Pool;

  beforeAll(async () => {
    server = await startPostgres();
    pool = poolTo(server.connectionString);
    await postgresStorage(pool).createTable();
  }, 60_000);
  afterAll(async () => {
    await pool.end();
    await server.stop();
  });

  it.each(['fast', 'kill'] as const)(
    'd-2, FLT-3, I7, I8: stopped (%s) and started again: nothing accepted is lost, and it heals',
    async (how) => {
      const storage = postgresStorage(pool);
      for (let round = 0; round < Math.min(ROUNDS, 5); round++) {
        const accepted: TestUser[] = [];
        const reasons = new Set<string>();
        let running = true;
        const load = Array.from({ length: 4 }, async () => {
          while (running) {
            const user = freshUser();
            try {
              await createEnrolled(user, { storage });
              accepted.push(user);
            } catch (error) {
              reasons.add(String(error));
            }
          }
        });
        await sleep(400);
        await server.halt(how);
        await sleep(300);
        await server.resume();
        const back = performance.now();
        const look = createBench({ storage }).mfa;
        while ((await look.beginLogin({ user: freshUser() })).decision.access === 'unavailable') await sleep(50);
        expect(performance.now() - back).toBeLessThan(HEALED_MS);
        running = false;
        await Promise.all(load);
        expect(accepted.length).toBeGreaterThan(0);
        for (const user of accepted) expect(good(await look.getStatus({ user })).status.enrolled).toBe(true);
        // Refusals say that the service is away, never anything about the user.
        for (const reason of reasons) expect(reason).toMatch(/unavailable|busy|login_again|the login left no state/);
      }
    },
    120_000,
  );

  it('I9: whoever was refused by the fault is locked out by nothing', async () => {
    const storage = postgresStorage(pool);
    const user = freshUser();
    const { mfa, clock, authenticator } = await createEnrolled(user, { storage });
    const session = await loginPending(mfa, user);
    await server.halt('kill');
    for (let tries = 0; tries < 8; tries++) {
      expect(reasonOf(await mfa.verify({ user, session, code: '000000' }))).toBe('unavailable');
    }
    await server.resume();
    expect(
      answerOf(await retry(mfa, { method: 'verify', input: { user, session, code: authenticator.code(clock.now()) } })),
    ).toBe('ok');
  }, 60_000);
});

type Call = { method: string; input: Record<string, unknown> };

function call(mfa: Mfa<TestUser>, { method, input }: Call): Promise<unknown> {
  const flows = mfa as unknown as Record<string, (input: unknown) => Promise<unknown>>;
  const flow = flows[method];
  if (!flow) throw new Error(`there is no flow ${method}`);
  return flow(input);
}

/** As a client would: again while the service says that it is away, for five seconds. */
async function retry(mfa: Mfa<TestUser>, what: Call): Promise<unknown> {
  const end = performance.now() + HEALED_MS;
  for (;;) {
    const answer = await call(mfa, what);
    if (!['unavailable', 'busy'].includes(answerOf(answer)) || performance.now() > end) return answer;
    await sleep(50);
  }
}
