import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@libsql/client';
import type { MfaStorage } from '@mfa-kit/core';
import { postgresStorage } from '@mfa-kit/core/storage/postgres';
import { sqliteStorage } from '@mfa-kit/core/storage/sqlite';
import pg from 'pg';
import { afterAll, describe, expect, it } from 'vitest';
import {
  ada,
  createEnrolled,
  createFixture,
  expectOk,
  KEY,
  loginPending,
  loginWithCode,
  OTHER_KEY,
  reasonOf,
} from '../support/core-fixture.js';
import { idOf, plant, sealedByKey } from '../support/population.js';
import { postgresDatabase } from '../support/postgres.js';
import { countOperations } from '../support/proof.js';
import { proofOf } from '../support/proof-of.js';
import { describeWith } from '../support/requires.js';
import { afterTheBackup, tryEverything } from '../support/restored.js';

const database = await postgresDatabase();
const folder = mkdtempSync(join(tmpdir(), 'mfa-kit-walks-'));
const pools: pg.Pool[] = [];

afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.end()));
  await database?.drop();
  rmSync(folder, { recursive: true, force: true });
});

describe('walks on SQLite', () => {
  walks(async (table) => {
    const client = createClient({ url: `file:${join(folder, 'profiles.db')}` });
    await client.execute('PRAGMA journal_mode = WAL');
    return sqliteStorage(client, { table });
  });
});

describeWith(database, 'walks on PostgreSQL', (real) => {
  walks(async (table) => {
    const pool = new pg.Pool({ connectionString: real.connectionString, connectionTimeoutMillis: 2000 });
    pool.on('error', () => undefined);
    pools.push(pool);
    return postgresStorage(pool, { table });
  });
});

/** Each call of `open` is a separate connection to one database. */
function walks(open: (table: string) => Promise<MfaStorage & { createTable(): Promise<void> }>): void {
  const both = [OTHER_KEY, KEY];

  async function tableOf(name: string) {
    const storage = await open(name);
    await storage.createTable();
    return storage;
  }

  it('CRY-3: report, rotate page by page in two parts, and report again', async () => {
    const storage = await tableOf('rotated');
    for (let index = 0; index < 244; index++) await plant(storage, idOf(index));
    const strange = ['__proto__', 'zoë', 'zoe\u0308', '😀', "o'hara", 'x'.repeat(255)];
    for (const userId of strange) await plant(storage, userId);
    const { mfa } = createFixture({ storage, keys: both });
    expect((await mfa.report()).keys).toEqual([
      { id: OTHER_KEY.id, inRing: true, profiles: 0 },
      { id: KEY.id, inRing: true, profiles: 250 },
    ]);
    const abort = new AbortController();
    const first = await mfa.rotateKeys({ signal: abort.signal, onPage: () => abort.abort() });
    expect(first).toMatchObject({ complete: false, users: 200, resealed: 200 });
    const restarted = createFixture({ storage: await open('rotated'), keys: both });
    const rest = await restarted.mfa.rotateKeys({ cursor: first.cursor as string });
    expect(rest).toMatchObject({ complete: true, users: 50, resealed: 50 });
    expect(await restarted.mfa.rotateKeys({ dryRun: true })).toMatchObject({ resealed: 0, removable: { keyIds: [KEY.id] } });
    expect(await sealedByKey(storage)).toEqual({ [OTHER_KEY.id]: 250 });
    countOperations(250);
  });

  it('CRY-3, I1, I2: lose no verification during key rotations forward and back, and each code counts once', async () => {
    const storage = await tableOf('live');
    const users = Array.from({ length: 10 }, (_, index) => ({ id: `live-${index}`, name: 'x' }));
    const people = [];
    for (const user of users) {
      const fixture = await createEnrolled(user, { storage });
      people.push({ ...fixture, pending: await loginPending(fixture.mfa, user) });
    }
    const clock = people[0]!.clock.now;
    const processes = await Promise.all(
      [both, [KEY, OTHER_KEY]].map(async (keys) => createFixture({ keys, storage: await open('live'), clock })),
    );
    const walkers = await Promise.all(
      [both, [KEY, OTHER_KEY]].map(async (keys) => createFixture({ keys, storage: await open('live') })),
    );
    let done = false;
    let resealed = 0;
    const walking = walkers.map(async ({ mfa }) => {
      while (!done) {
        const walked = await mfa.rotateKeys();
        expect(walked).toMatchObject({ complete: true, users: users.length, unreadable: { count: 0 } });
        resealed += walked.resealed;
      }
    });
    const answers: string[][] = users.map(() => []);
    await Promise.all(
      people.map(async ({ authenticator, recoveryCodes, pending: session }, index) => {
        const user = users[index]!;
        for (const proof of [{ code: authenticator.code(clock()) }, ...recoveryCodes.map((recoveryCode) => ({ recoveryCode }))]) {
          const tried = processes.map(async ({ mfa }) => {
            for (;;) {
              const reason = reasonOf(await mfa.verify({ user, session, proof: proofOf(proof) }));
              // An overloaded machine answers busy, which says nothing about the proof.
              if (reason !== 'busy' && reason !== 'unavailable') return reason;
            }
          });
          answers[index]!.push((await Promise.all(tried)).sort().join(' '));
        }
      }),
    );
    done = true;
    await Promise.all(walking);
    countOperations(answers.flat().length * 2 + resealed);
    expect(resealed).toBeGreaterThan(users.length);
    for (const proofs of answers) {
      expect(proofs).toHaveLength(11);
      expect(new Set(proofs)).toEqual(new Set(['invalid_code ok']));
    }
    for (const user of users) {
      expect(expectOk(await processes[0]!.mfa.getStatus({ user })).status.recoveryCodesLeft).toBe(0);
    }
  }, 120_000);

  it('I2, I6: after a restored backup old codes and devices work again, after afterRestore none of them does, and the user logs in', async () => {
    const storage = await tableOf('restored');
    for (const handled of [false, true]) {
      const fixture = await createEnrolled(ada, { storage });
      const scenario = await afterTheBackup(fixture, { storage });
      await scenario.restore();
      if (handled) expect(await fixture.mfa.afterRestore()).toMatchObject({ complete: true, handled: 1, devicesRemoved: 2 });
      const tried = Object.values(await tryEverything(scenario));
      expect(tried.filter((one) => one === 'ok' || one === 'allow')).toHaveLength(handled ? 0 : 7);
      const { session } = await loginWithCode(fixture);
      expect((await fixture.mfa.checkAccess({ user: ada, session })).access).toBe('allow');
      await fixture.mfa.forgetUser({ userId: ada.id });
    }
  });
}
