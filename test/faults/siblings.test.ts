import type { MfaEvent, MfaStorage } from '@mfa-kit/core';
import { postgresStorage } from '@mfa-kit/core/storage/postgres';
import { createClock, type VirtualAuthenticator, verifiedSession } from '@mfa-kit/core/testing';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Profile } from '../../packages/core/src/profile/profile.js';
import {
  createFixture,
  expectOk,
  type Fixture,
  KEY,
  loginPending,
  MINUTE,
  OTHER_KEY,
  reasonOf,
  type TestUser,
  wrongCode,
} from '../support/core-fixture.js';
import { type PostgresDatabase, postgresDatabase } from '../support/postgres.js';
import { countFaults, countOperations, ROUNDS } from '../support/proof.js';
import { describeWith } from '../support/requires.js';
import { peek, poke } from './core-faulty-storage.js';

const SIBLINGS = 4;
const PEOPLE = 5;
const database: PostgresDatabase | null = await postgresDatabase();

/** A new key is deployed as the second key everywhere, then moved to the front, then the old one is removed, in single steps. */
const old = [KEY];
const second = [KEY, OTHER_KEY];
const moved = [OTHER_KEY, KEY];

interface Person {
  user: TestUser;
  authenticator: VirtualAuthenticator;
  token?: string;
}

let users = 0;

describeWith(database, `d-7: ${SIBLINGS} sibling processes that differ, on one PostgreSQL`, (db) => {
  const clock = createClock();
  const pools = Array.from({ length: SIBLINGS }, () => new pg.Pool({ connectionString: db.connectionString, max: 3 }));
  const storages: MfaStorage[] = pools.map((pool) => postgresStorage(pool));
  const heard: MfaEvent[] = [];
  let siblings: Fixture[] = [];

  beforeAll(async () => {
    for (const pool of pools) pool.on('error', () => undefined);
    await postgresStorage(pools[0] as pg.Pool).createTable();
    // Opens the connections, as in a process that has served requests.
    await Promise.all(pools.flatMap((pool) => Array.from({ length: 3 }, () => pool.query('SELECT pg_sleep(0.05)'))));
    siblings = storages.map((_, index) => deploy(index, old));
  });
  afterAll(async () => {
    for (const pool of pools) await pool.end();
    await db.drop();
  });

  /** Replaces a sibling with one that has these keys. */
  function deploy(index: number, keys: readonly (typeof KEY)[]): Fixture {
    const onEvent = (event: MfaEvent) => void heard.push(event);
    return createFixture({ keys: [...keys], storage: storages[index] as MfaStorage, clock: clock.now, onEvent });
  }

  async function people(): Promise<Person[]> {
    const everybody: Person[] = [];
    for (let index = 0; index < PEOPLE; index++) {
      const user = { id: `sibling-${++users}`, name: 'somebody@example.com' };
      everybody.push({ user, ...(await verifiedSession((siblings[index % SIBLINGS] as Fixture).mfa, user)) });
    }
    return everybody;
  }

  it('CRY-3, I8: keys can be rotated forward and back under load, one sibling at a time, without a failed login', async () => {
    const everybody = await people();
    for (let round = 0; round < ROUNDS; round++) {
      for (const keys of [second, moved, second, old]) {
        for (let index = 0; index < SIBLINGS; index++) {
          // Before a key is removed, its records are sealed again, under load.
          const resealed = keys === old && index === 0 ? siblings[SIBLINGS - 1]?.mfa.rotateKeys() : undefined;
          clock.advance(MINUTE);
          await Promise.all([resealed, ...everybody.map((person, who) => comesIn(person, index + who))]);
          if (resealed) expect(await resealed).toMatchObject({ complete: true, failed: { count: 0 } });
          siblings[index] = deploy(index, keys);
          countFaults();
        }
      }
    }
    expect(heard.filter(({ name }) => name === 'profile_unreadable' || name === 'storage_failed')).toEqual([]);
  }, 300_000);

  it('CRY-3, THR-6, I8: a sibling without the key answers unavailable, uses up nothing, and does not affect logins elsewhere', async () => {
    siblings = storages.map((_, index) => deploy(index, index === 0 ? moved : second));
    const lacking = deploy(1, old);
    for (const { user, authenticator } of await people()) {
      clock.advance(MINUTE);
      const [ahead] = siblings as [Fixture];
      expectOk(
        await ahead.mfa.verify({
          user,
          session: await loginPending(ahead.mfa, user),
          proof: { kind: 'totp', code: authenticator.code(clock.now()) },
        }),
      );
      clock.advance(MINUTE);
      const session = await loginPending(ahead.mfa, user);
      const before = await storages[0]?.read(user.id);
      const codes = [authenticator.code(clock.now()), ...Array.from({ length: 9 }, () => wrongCode(authenticator, clock.now()))];
      for (const code of codes) {
        countOperations();
        expect(await lacking.mfa.verify({ user, session, proof: { kind: 'totp', code } })).toMatchObject({
          reason: 'unavailable',
          retryAfterSeconds: 5,
        });
      }
      expect((await lacking.mfa.beginLogin({ user })).decision.access).toBe('unavailable');
      expect(await storages[0]?.read(user.id), 'the record').toEqual(before);
      expect(reasonOf(await ahead.mfa.verify({ user, session, proof: { kind: 'totp', code: codes[0] } }))).toBe('ok');
    }
    expect(heard.filter((event) => event.name === 'profile_unreadable').every((event) => event.why === 'unknown_key')).toBe(true);
    expect(heard.map(({ name }) => name)).toContain('profile_unreadable');
  }, 120_000);

  it('STO-7: fields and authenticators of a newer version survive every write of this one', async () => {
    siblings = storages.map((_, index) => deploy(index, old));
    const everybody = await people();
    const [storage] = storages as [MfaStorage];
    const passkey = { id: 'pk', kind: 'webauthn', name: 'Key', createdAt: 1, enrollmentId: 'later', data: { credential: 'xyz' } };
    await Promise.all(
      everybody.map(({ user }) =>
        asNewer(storage, user.id, (one) => ({ ...one, authenticators: [...one.authenticators, passkey] })),
      ),
    );
    for (let round = 1; round <= 4 * ROUNDS; round++) {
      clock.advance(MINUTE);
      const ours = everybody.map((person, who) => comesIn(person, round + who));
      const theirs = everybody.map(({ user }) => asNewer(storage, user.id, (one) => ({ ...one, later: { round } })));
      await Promise.all([...ours, ...theirs]);
      for (const { user } of everybody) {
        const profile = (await peek(storage, user.id)) as Profile & { later?: unknown };
        expect(profile.later, 'a field of the newer library').toEqual({ round });
        expect(profile.authenticators[1], 'its authenticator').toEqual(passkey);
      }
    }
  }, 300_000);

  it('STO-7: a record in an unknown format is refused by every sibling and not changed', async () => {
    for (const { user, authenticator } of (await people()).slice(0, SIBLINGS)) {
      const [storage, { mfa }] = [storages[0] as MfaStorage, siblings[0] as Fixture];
      const session = await loginPending(mfa, user);
      const stored = await storage.read(user.id);
      const bytes = Buffer.from(stored?.value ?? '', 'base64url');
      bytes.writeUInt8(2, 0);
      const later = { version: 'of-a-later-format', value: bytes.toString('base64url') };
      expect(await storage.write(user.id, later, stored?.version ?? null)).toBe(true);
      for (const sibling of siblings) {
        countOperations();
        const code = authenticator.code(clock.now() + 30_000);
        expect(reasonOf(await sibling.mfa.verify({ user, session, proof: { kind: 'totp', code } }))).toBe('unavailable');
        expect((await sibling.mfa.beginLogin({ user })).decision.access).toBe('unavailable');
      }
      expect(await storage.read(user.id)).toEqual(later);
    }
  });

  /** A login by the remembered browser, and a login with a code that remembers another one, each at any sibling. */
  async function comesIn(person: Person, from: number): Promise<void> {
    const { user, authenticator, token } = person;
    const sibling = (step: number) => (siblings[(from + step) % SIBLINGS] as Fixture).mfa;
    countOperations(3);
    if (token !== undefined) {
      const back = await sibling(0).beginLogin({ user, deviceToken: token });
      expect(back.decision, 'the login of a remembered browser').toMatchObject({ access: 'allow', via: 'remembered-device' });
    }
    const { session } = await sibling(1).beginLogin({ user });
    const code = authenticator.code(clock.now());
    const verified = await sibling(2).verify({ user, session, proof: { kind: 'totp', code }, rememberDevice: true });
    expect(reasonOf(verified), 'a right code').toBe('ok');
    const given = expectOk(verified).device?.token;
    if (given !== undefined) person.token = given;
  }
});

/** Changes a record as a newer version would, and retries if another writer was first. */
async function asNewer(storage: MfaStorage, userId: string, change: (profile: Profile) => object): Promise<void> {
  for (;;) {
    try {
      return await poke(storage, userId, (profile) => change(profile) as Profile);
    } catch (error) {
      if (!(error instanceof Error) || error.message !== 'somebody else writes') throw error;
    }
  }
}
