import { setTimeout as sleep } from 'node:timers/promises';
import { mysqlStorage } from '@mfa-kit/core/storage/mysql';
import mysql from 'mysql2/promise';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createFixture, type TestUser } from '../support/core-fixture.js';
import { startFaultProxy } from '../support/fault-proxy.js';
import { startMariadb } from '../support/mariadb-server.js';
import { countFaults, countOperations } from '../support/proof.js';
import { describeWith, reportMissing } from '../support/requires.js';

const HEALED_MS = 5_000;
const DEADLINE_MS = 5_500;
const server = await startMariadb().catch((error: Error) => reportMissing(error.message));
let users = 0;
const freshUser = (): TestUser => ({ id: `maria-${++users}`, name: 'somebody@example.com' });

describeWith(server, 'd-2: a MariaDB that breaks under load', (mariadb) => {
  const pool = poolTo(mariadb.url, 10);
  const storage = mysqlStorage(pool);
  beforeAll(() => storage.createTable());
  afterAll(async () => {
    await pool.end();
    await mariadb.stop();
  });

  it('STO-4, FLT-3: after five kills and restarts it has lost no write that returned true, and the pool recovers', async () => {
    let running = true;
    let accepted = 0;
    const last = new Map<string, string>();
    const writers = Array.from({ length: 12 }, async (_, index) => {
      const userId = `killed-${index}`;
      for (let round = 0; running; round++) {
        const stored = await storage.read(userId).catch(() => undefined);
        // A write that returned true is stored. One that threw may be.
        if (stored !== undefined && last.has(userId))
          expect(numberOf(stored?.version)).toBeGreaterThanOrEqual(numberOf(last.get(userId)));
        const next = { version: `v${String(round).padStart(8, '0')}`, value: 'x' };
        const wrote = stored !== undefined && (await storage.write(userId, next, stored?.version ?? null).catch(() => false));
        if (!wrote) {
          await sleep(20);
          continue;
        }
        last.set(userId, next.version);
        accepted++;
      }
    });
    for (let kill = 0; kill < 5; kill++) {
      await sleep(300);
      await mariadb.halt('kill');
      countFaults();
      await mariadb.resume();
      const back = performance.now();
      const before = accepted;
      await expect.poll(() => accepted, { timeout: HEALED_MS, interval: 20 }).toBeGreaterThan(before);
      expect(performance.now() - back).toBeLessThan(HEALED_MS);
    }
    running = false;
    await Promise.all(writers);
    countOperations(accepted);
    expect(last.size).toBe(12);
    for (const [userId, version] of last) expect((await storage.read(userId))?.version).toBe(version);
  }, 120_000);

  it('STO-4, FLT-1: in a network black hole of eight seconds under load all answers are in time, and the pool recovers in five seconds', async () => {
    const proxy = await startFaultProxy(mariadb.port);
    const url = new URL(mariadb.url);
    url.port = String(proxy.port);
    const own = poolTo(url.href, 4);
    const { mfa } = createFixture({ storage: mysqlStorage(own) });
    await Promise.all(Array.from({ length: 4 }, () => own.query('SELECT SLEEP(0.05)')));
    const answers = new Set<string>();
    let running = true;
    let slowest = 0;
    let lastIn = 0;
    proxy.blackHole();
    const load = Array.from({ length: 20 }, async () => {
      while (running) {
        const started = performance.now();
        const login = mfa.beginLogin({ user: freshUser() }).then(({ decision }) => decision.access);
        const access = await Promise.race([login, sleep(DEADLINE_MS, 'late')]);
        countOperations();
        answers.add(access);
        if (access === 'enroll') lastIn = performance.now();
        slowest = Math.max(slowest, performance.now() - started);
        await sleep(50);
      }
    });
    await sleep(8_000);
    const said = [...answers];
    proxy.pass();
    const back = performance.now();
    while (lastIn < back && performance.now() - back < HEALED_MS) await sleep(20);
    const healedMs = lastIn - back;
    running = false;
    await Promise.all(load);
    // mysql2 reports here that a connection from the black hole has failed.
    await own.end().catch(() => undefined);
    await proxy.close();
    expect(said).toEqual(['unavailable']);
    expect(slowest).toBeLessThan(DEADLINE_MS);
    expect(healedMs).toBeGreaterThan(0);
    expect(healedMs).toBeLessThan(HEALED_MS);
  }, 60_000);
});

function poolTo(uri: string, connectionLimit: number): mysql.Pool {
  return mysql.createPool({ uri, connectionLimit, connectTimeout: 2000 });
}

function numberOf(version: string | undefined): number {
  return Number(version?.slice(1));
}
