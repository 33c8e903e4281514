import { setTimeout as sleep } from 'node:timers/promises';
import { postgresStorage } from '@mfa-kit/core/storage/postgres';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createFixture, type TestUser } from '../support/core-fixture.js';
import { startFaultProxy } from '../support/fault-proxy.js';
import { type RunningPostgres, startPostgres } from '../support/postgres-server.js';
import { countFaults, countOperations } from '../support/proof.js';
import { describeWith, reportMissing } from '../support/requires.js';

const HEALED_MS = 5_000;
const DEADLINE_MS = 5_500;
/** A read has two seconds. */
const READ_DEADLINE_MS = 3_500;
const server: RunningPostgres | null = await startPostgres().catch((error: Error) => reportMissing(error.message));
let users = 0;
const freshUser = (): TestUser => ({ id: `server-${++users}`, name: 'somebody@example.com' });

describeWith(server, 'd-3: a PostgreSQL whose connections break under load', (postgres) => {
  const pool = poolTo(postgres.connectionString);

  beforeAll(() => postgresStorage(pool).createTable());
  afterAll(async () => {
    await pool.end();
    await postgres.stop();
  });

  it('FLT-3: idle connections that the server ended cause no failure', async () => {
    const own = poolTo(postgres.connectionString);
    const { mfa } = createFixture({ storage: postgresStorage(own) });
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

  it('STO-4, FLT-1, FLT-3: in a network black hole of eight seconds under load all answers are in time, and the pool recovers in five seconds', async () => {
    const { answers, slowest, healedMs } = await throughBlackHole(8_000, { connectionTimeoutMillis: 2_000 });
    expect(answers).toEqual(['unavailable']);
    expect(slowest).toBeLessThan(READ_DEADLINE_MS);
    expect(healedMs).toBeLessThan(HEALED_MS);
  }, 60_000);

  it('STO-4: a pool that waits indefinitely for a connection, as pg does by default, does not delay answers', async () => {
    const { answers, slowest } = await throughBlackHole(4_000, {});
    expect(answers).toEqual(['unavailable']);
    expect(slowest).toBeLessThan(READ_DEADLINE_MS);
  }, 60_000);

  /** Twenty people at a time while no data passes and no connection ends, so every connection of the pool is stuck. */
  async function throughBlackHole(ms: number, config: pg.PoolConfig) {
    const proxy = await startFaultProxy(postgres.port);
    const url = new URL(postgres.connectionString);
    url.port = String(proxy.port);
    const own = new pg.Pool({ connectionString: url.href, max: 4, ...config });
    own.on('error', () => undefined);
    const { mfa } = createFixture({ storage: postgresStorage(own) });
    await Promise.all(Array.from({ length: 4 }, () => own.query('SELECT pg_sleep(0.05)')));
    const answers = new Set<string>();
    let slowest = 0;
    let lastIn = 0;
    let running = true;
    const attempt = async () => {
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
        slowest = Math.max(slowest, await Promise.race([attempt(), sleep(DEADLINE_MS, DEADLINE_MS)]));
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

function poolTo(connectionString: string): pg.Pool {
  const pool = new pg.Pool({ connectionString, max: 4, connectionTimeoutMillis: 2_000 });
  pool.on('error', () => undefined);
  return pool;
}
