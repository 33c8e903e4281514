import { createMfa } from '@mfa-kit/core';
import { memoryStorage } from '@mfa-kit/core/storage/memory';
import { postgresStorage } from '@mfa-kit/core/storage/postgres';
import { redisStorage } from '@mfa-kit/core/storage/redis';
import { verifiedSession } from '@mfa-kit/core/testing';
import jwt from 'jsonwebtoken';
import pg from 'pg';
import { createClient } from 'redis';
import { KEY } from '../sides/kit.mjs';

export const SECRET = 'a secret of the host with more than 32 characters';
export const USER = { id: 'user-ada', name: 'ada@example.com' };
/** What a client of the JWT guards sends. */
export const ACCESS_TOKEN = jwt.sign({ sub: USER.id, name: USER.name }, SECRET, {
  expiresIn: '15m',
  issuer: 'acme',
  audience: 'app',
});

/** One `mfa` a storage, each with the same enrolled user; the first trusts a proof for five minutes without a read. */
export async function openStorages({ postgres, redisUrl }) {
  const within = createMfa({
    issuer: 'Acme',
    keys: [KEY],
    storage: memoryStorage({ losesAllDataOnRestart: true }),
    revocationDelaySeconds: 300,
  });
  const storages = [{ name: 'within', mfa: within }];
  if (postgres) {
    const pool = new pg.Pool({ ...postgres, max: 16 });
    pool.on('error', () => undefined);
    const table = `guard_${process.pid}`;
    const storage = postgresStorage(pool, { table });
    await storage.createTable();
    const text = `SELECT version, value FROM ${table} WHERE user_id = $1`;
    const bareRead = () => pool.query({ name: 'bare_read', text, values: [USER.id] });
    storages.push({ name: 'postgres', mfa: createMfa({ issuer: 'Acme', keys: [KEY], storage }), bareRead });
  }
  if (redisUrl) {
    const client = createClient({ url: redisUrl });
    client.on('error', () => undefined);
    await client.connect();
    const prefix = `guard:${process.pid}:`;
    const storage = redisStorage({ client, prefix });
    const bareRead = () => client.sendCommand(['HMGET', `${prefix}${USER.id}`, 'version', 'value']);
    storages.push({ name: 'redis', mfa: createMfa({ issuer: 'Acme', keys: [KEY], storage }), bareRead });
  }
  for (const storage of storages) storage.session = (await verifiedSession(storage.mfa, USER)).session;
  return storages;
}

/** Answers what CPU time the process has used so far, and tells the parent where it listens. */
export function report(port, storages) {
  process.on('message', () => process.send({ cpu: process.cpuUsage() }));
  process.on('disconnect', () => process.exit());
  process.send({ port, accessToken: ACCESS_TOKEN, storages: storages.map(({ name }) => name) });
}

export function givenServers() {
  return JSON.parse(process.argv[2] ?? '{}');
}
