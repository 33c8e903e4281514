import { createMfa } from '@mfa-kit/core';
import { memoryStorage } from '@mfa-kit/core/storage/memory';
import { postgresStorage } from '@mfa-kit/core/storage/postgres';
import { redisStorage } from '@mfa-kit/core/storage/redis';
import { verifiedSession } from '@mfa-kit/core/testing';
import jwt from 'jsonwebtoken';
import pg from 'pg';
import { createClient } from 'redis';
import { KEY } from '../key.mjs';
import { mint, open, seal } from '../sides/floor.mjs';

export const SECRET = 'a secret of the host with more than 32 characters';
export const USER = { id: 'user-ada', name: 'ada@example.com' };
/** The headers of a client of the JWT guards. */
export const ACCESS_TOKEN = jwt.sign({ sub: USER.id, name: USER.name }, SECRET, {
  expiresIn: '15m',
  issuer: 'acme',
  audience: 'app',
});

/**
 * The `mfa` of a process, with an enrolled user. `within` trusts a proof for five minutes without a read; on `postgres` and `redis` the
 * guard reads. `bareRead` reads that user's record; `byHand` is the minimal guard, see the floor.
 */
export async function openStorage({ storage, postgres, redisUrl }) {
  const opened = await openers[storage]({ postgres, redisUrl });
  const { session } = await verifiedSession(opened.mfa, USER);
  return { session, ...opened };
}

const openers = {
  within: () => ({
    mfa: createMfa({
      issuer: 'Acme',
      keys: [KEY],
      storage: memoryStorage({ losesAllDataOnRestart: true }),
      revocationDelaySeconds: 300,
    }),
    byHand: isYoung,
  }),

  async postgres({ postgres }) {
    const pool = openPool(postgres);
    const table = `guard_${process.pid}`;
    const storage = postgresStorage(pool, { table });
    await storage.createTable();
    const text = `SELECT version, value FROM ${table} WHERE user_id = $1`;
    const readRow = (id) => pool.query({ name: 'bare_read', text, values: [id] });
    const floor = floorRecord();
    await storage.write(floor.id, floor, null);
    return {
      mfa: createMfa({ issuer: 'Acme', keys: [KEY], storage }),
      bareRead: () => readRow(USER.id),
      async byHand(session) {
        const { version, value } = (await readRow(floor.id)).rows[0];
        return isYoung(session) && open(value, version).epoch === floor.epoch;
      },
    };
  },

  async redis({ redisUrl }) {
    const client = createClient({ url: redisUrl });
    client.on('error', () => undefined);
    await client.connect();
    const prefix = `guard:${process.pid}:`;
    const storage = redisStorage({ client, prefix });
    const readHash = (id) => client.sendCommand(['HMGET', `${prefix}${id}`, 'version', 'value']);
    const floor = floorRecord();
    await storage.write(floor.id, floor, null);
    return {
      mfa: createMfa({ issuer: 'Acme', keys: [KEY], storage }),
      bareRead: () => readHash(USER.id),
      async byHand(session) {
        const [version, value] = await readHash(floor.id);
        return isYoung(session) && open(value, version).epoch === floor.epoch;
      },
    };
  },
};

function openPool(postgres) {
  const pool = new pg.Pool({ ...postgres, max: 16 });
  pool.on('error', () => undefined);
  return pool;
}

/** The minimal check that there is a recent proof. */
export function isYoung(session) {
  const assurance = session?.mfa?.assurance;
  return assurance?.userId === USER.id && Date.now() - assurance.verifiedAt <= 300_000;
}

/** A record as long as that of the kit's user, sealed by raw `node:crypto`. */
function floorRecord() {
  const version = mint();
  const epoch = mint();
  return { id: 'floor', version, epoch, value: seal({ epoch, padding: 'x'.repeat(1130) }, version) };
}

/** Reports the host's port to the parent, and answers how much CPU time the process has used. */
export function report(port) {
  process.on('message', () => process.send({ cpu: process.cpuUsage() }));
  process.on('disconnect', () => process.exit());
  process.send({ port, accessToken: ACCESS_TOKEN });
}

/** Keeps idle connections open, because they wait for their turn to be measured. */
export function keepConnections(server) {
  server.keepAliveTimeout = 0;
}

export function givenServers() {
  return JSON.parse(process.argv[2] ?? '{}');
}

/** A host's own loader, which reads the user by its key with a prepared statement. */
export async function userLoader(postgres) {
  const pool = openPool(postgres);
  const table = `guard_users_${process.pid}`;
  await pool.query(`CREATE TABLE ${table} (id text PRIMARY KEY, name text NOT NULL)`);
  await pool.query(`INSERT INTO ${table} VALUES ($1, $2)`, [USER.id, USER.name]);
  const text = `SELECT id, name FROM ${table} WHERE id = $1`;
  return async () => (await pool.query({ name: 'host_user', text, values: [USER.id] })).rows[0];
}
