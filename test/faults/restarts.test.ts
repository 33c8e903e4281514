import { setTimeout as sleep } from 'node:timers/promises';
import type { MfaStorage } from '@mfa-kit/core';
import { mysqlStorage } from '@mfa-kit/core/storage/mysql';
import { postgresStorage } from '@mfa-kit/core/storage/postgres';
import { redisStorage } from '@mfa-kit/core/storage/redis';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { afterAll, expect, it } from 'vitest';
import {
  createEnrolled,
  type Enrolled,
  expectOk,
  loginPending,
  MINUTE,
  reasonOf,
  type TestUser,
} from '../support/core-fixture.js';
import { startMariadb } from '../support/mariadb-server.js';
import { startPostgres } from '../support/postgres-server.js';
import { countFaults, countOperations, ROUNDS } from '../support/proof.js';
import { redisClients } from '../support/redis.js';
import { startRedis, startRedisCluster } from '../support/redis-server.js';
import { describeWith, reportMissing } from '../support/requires.js';

/** A separate server that can crash, and the storage on it, connected as in the docs. */
interface Subject {
  storage: MfaStorage;
  /** For a Cluster: whether this user is on the server that crashes. */
  holds?(userId: string): Promise<boolean>;
  halt(how: 'fast' | 'kill'): Promise<void>;
  resume(): Promise<void>;
  close(): Promise<void>;
}

/** The docs promise for each of them that a write that returned `true` survives a crash. */
const subjects: Record<string, () => Promise<Subject>> = {
  async PostgreSQL() {
    const server = await startPostgres();
    const pool = new pg.Pool({ connectionString: server.connectionString, max: 4, connectionTimeoutMillis: 2_000 });
    pool.on('error', () => undefined);
    const storage = postgresStorage(pool);
    await storage.createTable();
    return { ...server, storage, close: () => pool.end().then(server.stop) };
  },

  async MariaDB() {
    const server = await startMariadb();
    const pool = mysql.createPool({ uri: server.url, connectionLimit: 4, connectTimeout: 2_000 });
    const storage = mysqlStorage(pool);
    await storage.createTable();
    return { ...server, storage, close: () => pool.end().then(server.stop) };
  },

  async 'Redis with appendfsync always, through node-redis'() {
    const server = await startRedis();
    const { client, close } = await redisClients['node-redis']({ ports: [server.port] });
    return { ...server, storage: redisStorage({ client }), close: closing(close, server) };
  },

  async 'Redis with appendfsync always, through ioredis, which sends again'() {
    const server = await startRedis();
    const { client, close } = await redisClients.ioredis({ ports: [server.port] });
    return { ...server, storage: redisStorage({ client }), close: closing(close, server) };
  },

  async 'one master of a Redis Cluster'() {
    const cluster = await startRedisCluster();
    const [victim] = cluster.nodes;
    const { client, close } = await redisClients['ioredis Cluster']({ ports: cluster.nodes.map(({ port }) => port) });
    return {
      storage: redisStorage({ client }),
      holds: async (userId) => Number(await victim?.ask('CLUSTER', 'KEYSLOT', `mfa:${userId}`)) < 16384 / 3,
      halt: async (how) => victim?.halt(how),
      resume: async () => victim?.resume(),
      close: closing(close, cluster),
    };
  },
};

function closing(closeClient: () => void, server: { stop(): Promise<void> }): () => Promise<void> {
  return async () => {
    closeClient();
    await server.stop();
  };
}

const HEALED_MS = 5_000;
const DEADLINE_MS = 5_500;
let users = 0;
const freshUser = (): TestUser => ({ id: `restart-${++users}`, name: 'somebody@example.com' });

for (const [index, [name, open]] of Object.entries(subjects).entries()) {
  const subject = await open().catch((error: Error) => reportMissing(error.message));
  // The first runs all cases, the others only the crash, once. `npm run prove` repeats all of them.
  const long = process.env.MFA_KIT_ROUNDS !== undefined;
  restartsOf(name, subject, {
    hows: index === 0 || long ? ['fast', 'kill'] : ['kill'],
    rounds: index === 0 || long ? Math.min(ROUNDS, 10) : 1,
  });
}

function restartsOf(
  name: string,
  subject: Subject | null,
  { hows, rounds }: { hows: ('fast' | 'kill')[]; rounds: number },
): void {
  describeWith(subject, `d-2: ${name} that goes away under load`, (server) => {
    const { storage } = server;
    afterAll(() => server.close());

    it.each(hows)(
      'FLT-1, FLT-3, I1, I2, I7, I8: after a stop (%s) and a restart no accepted proof is lost, no right one is refused, and it recovers',
      async (how) => {
        for (let round = 0; round < rounds; round++) {
          const people = await Promise.all(Array.from({ length: 8 }, () => createEnrolled(freshUser(), { storage })));
          const first = users - people.length + 1;
          const load = people.map((person, index) => startLoad(person, { id: `restart-${first + index}`, name: '' }));
          await sleep(300);
          await server.halt(how);
          countFaults();
          await sleep(500);
          await server.resume();
          const back = performance.now();
          while (!load.every(({ lastOk }) => lastOk() > back) && performance.now() - back < HEALED_MS) await sleep(20);
          const healed = performance.now() - back;
          const ended = await Promise.all(load.map(({ stop }) => stop()));
          expect(healed, 'milliseconds until everybody was let in again').toBeLessThan(HEALED_MS);
          for (const { answers, slowest, used, person, user } of ended) {
            countOperations(answers.length);
            // Every code was right and unused, so any other answer is wrong.
            expect(answers.filter((answer) => !['ok', 'unavailable', 'busy'].includes(answer))).toEqual([]);
            expect(slowest, 'milliseconds of the slowest answer').toBeLessThan(DEADLINE_MS);
            expect(used.length).toBeGreaterThan(0);
            // An accepted code stays used, because that is on disk.
            const session = await loginPending(person.mfa, user);
            for (const { code, at } of used.slice(-3)) {
              person.clock.set(at);
              expect(
                reasonOf(await person.mfa.verify({ user, session, proof: { kind: 'totp', code } })),
                'an accepted code again',
              ).toBe('invalid_code');
            }
          }
        }
      },
      300_000,
    );

    it('I8, I9, THR-6: wrong codes are not evaluated and cost nothing while it is down', async () => {
      let user = freshUser();
      while (server.holds && !(await server.holds(user.id))) user = freshUser();
      const { mfa, clock, authenticator, events } = await createEnrolled(user, { storage });
      const session = await loginPending(mfa, user);
      await server.halt('kill');
      countFaults();
      for (let tries = 0; tries < 8; tries++) {
        countOperations();
        expect(await mfa.verify({ user, session, proof: { kind: 'totp', code: '000000' } })).toMatchObject({
          reason: 'unavailable',
          retryAfterSeconds: 5,
        });
      }
      await server.resume();
      expect(events.map(({ name }) => name)).not.toContain('verification_failed');
      const end = performance.now() + HEALED_MS;
      let said = 'unavailable';
      while (said === 'unavailable' && performance.now() < end) {
        // Yields, because a client that fails at once would never get to its socket.
        await sleep(20);
        said = reasonOf(await mfa.verify({ user, session, proof: { kind: 'totp', code: authenticator.code(clock.now()) } }));
      }
      expect(said).toBe('ok');
    }, 60_000);
  });
}

interface Ended {
  answers: string[];
  /** The accepted codes and their times. */
  used: { code: string; at: number }[];
  slowest: number;
  person: Enrolled;
  user: TestUser;
}

/** One person who logs in repeatedly, each time with a code of a later step. */
function startLoad(person: Enrolled, user: TestUser): { stop(): Promise<Ended>; lastOk(): number } {
  const { mfa, clock, authenticator } = person;
  const ended: Ended = { answers: [], used: [], slowest: 0, person, user };
  let running = true;
  let lastOk = 0;
  const loop = (async () => {
    const session = expectOk({ ok: true, session: await loginPending(mfa, user) }).session;
    while (running) {
      clock.advance(2 * MINUTE);
      const at = clock.now();
      const code = authenticator.code(at);
      const started = performance.now();
      const said = reasonOf(await mfa.verify({ user, session, proof: { kind: 'totp', code } }));
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
