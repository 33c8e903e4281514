import { MfaError } from '../errors.js';
import {
  connectionBySend,
  connectionOf,
  HOW_TO_GIVE_A_CLIENT,
  type RedisClientLike,
  type RedisConnection,
  type RedisSend,
} from './redis-client.js';
import { scanKeys } from './redis-scan.js';
import { unsafeSettingsOf } from './redis-settings.js';
import { type MfaStorage, nameStorage } from './storage.js';

export type {
  IoRedisClusterLike,
  IoRedisLike,
  NodeRedisClusterLike,
  NodeRedisLike,
  RedisClientLike,
  RedisSend,
} from './redis-client.js';

export type RedisStorageOptions = RedisStorageSettings &
  (
    | {
        /** A client of `redis`, `ioredis` or `iovalkey`: single, by Sentinel, or a Cluster. */
        client: RedisClientLike;
      }
    | {
        /** Sends one command to the master (in a Cluster, the master of its key) with any other client. */
        sendCommand: RedisSend;
        /** For a Cluster: the same for each master, to list users. */
        masters?: (() => RedisSend[] | Promise<RedisSend[]>) | undefined;
      }
  );

export interface RedisStorageSettings {
  /** Prefix of the keys. Letters, digits and `: _ - . /`. Default `mfa:`. */
  prefix?: string | undefined;
  /** A write counts only if this many replicas have it too. `timeoutMs` at most 1500, below core's deadline; default 1000. */
  waitForReplicas?: { count: number; timeoutMs?: number | undefined } | undefined;
}

/** A storage in Redis, with a method for a start-up check. */
export interface RedisStorage extends MfaStorage {
  /**
   * Returns the settings of the servers that weaken the contract, one sentence each; empty if there are none. The first call also emits
   * them as a process warning.
   */
  unsafeSettings(): Promise<string[]>;
}

// One key per user, so a Cluster shards them without help, and one script that decides and stores, because scripts run one at a time. The
// script is sent whole each time, which has no measurable cost, because a failover loses the script cache.
const CREATE = `if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'value', ARGV[2])
return 1`;
const UPDATE = `if redis.call('HGET', KEYS[1], 'version') ~= ARGV[3] then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'value', ARGV[2])
return 1`;
const REMOVE = `if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
return 1`;
// Writes the stored value again, because WAIT waits for the last write of its connection.
const READ_AGAIN = `local stored = redis.call('HMGET', KEYS[1], 'version', 'value')
redis.call('HSET', KEYS[1], 'version', stored[1] or '')
if not stored[1] then redis.call('DEL', KEYS[1]) end
return stored`;

/**
 * Profiles in Redis or Valkey, single, with Sentinel or as a Cluster: a hash with `version` and `value` for each user.
 *
 * - `true` is as durable as the server: with `appendonly yes` and `appendfsync always` it survives a crash. A failover can lose what the
 * replica had not received; `waitForReplicas` and the server's `min-replicas-to-write` make that rare, not impossible. `unsafeSettings()`
 * reports the other problems. A policy that evicts keys deletes the MFA of users.
 * - A write that did not reach `waitForReplicas.count` replicas in time throws, and so do reads of that user in this process until the
 * replicas have it.
 * - Ids are percent-encoded in keys: no id can choose its slot by braces, or look like another key.
 */
export function redisStorage(options: RedisStorageOptions): RedisStorage {
  const { connection, prefix, wait } = resolve(options);
  const keyOf = (userId: string) => prefix + encodeURIComponent(userId);
  /** Users whose last write may not have reached the replicas. */
  const unconfirmed = new Set<string>();
  let warned = false;

  async function unsafeSettings(): Promise<string[]> {
    const found = await Promise.all((await connection.masters()).map(unsafeSettingsOf));
    return [...new Set(found.flat()), ...(connection.staysSilent ? [connection.staysSilent] : [])];
  }

  /** Runs in parallel; the first call does not wait for it. */
  function warnOnce(): void {
    if (warned) return;
    warned = true;
    unsafeSettings().then(
      (sentences) => {
        for (const sentence of sentences)
          process.emitWarning(`Redis: ${sentence}`, { type: 'MfaKitWarning', code: 'MFA_KIT_UNSAFE_STORAGE' });
      },
      () => {
        warned = false;
      },
    );
  }

  /** Returns the reply after the replicas have the write. Both commands are sent together, so that they use the same connection. */
  async function sendAndWait(key: string, args: string[]): Promise<unknown> {
    if (!wait) return connection.send(key, args);
    const [reply, reached] = await Promise.all([
      connection.send(key, args),
      connection.send(key, ['WAIT', String(wait.count), String(wait.timeoutMs)]),
    ]);
    if (Number(reached) >= wait.count) return reply;
    throw new Error(`redisStorage: ${Number(reached)} of ${wait.count} replicas have the write.`);
  }

  async function changes(userId: string, script: string, ...args: string[]): Promise<boolean> {
    warnOnce();
    const key = keyOf(userId);
    if (wait) unconfirmed.add(userId);
    try {
      const reply = String(await sendAndWait(key, ['EVAL', script, '1', key, ...args]));
      // `0` may be the answer to our own write if the client sent it twice. Then it stays unconfirmed until it is read.
      if (reply === '1') unconfirmed.delete(userId);
      if (reply === '1' || reply === '0') return reply === '1';
    } catch (error) {
      if (wait) unconfirmed.add(userId);
      throw error;
    }
    throw new TypeError('redisStorage: the script returned neither 0 nor 1; sendCommand must return the reply of the server.');
  }

  return nameStorage('redis', {
    async read(userId) {
      warnOnce();
      const key = keyOf(userId);
      const doubtful = unconfirmed.has(userId);
      const reply = doubtful
        ? await sendAndWait(key, ['EVAL', READ_AGAIN, '1', key])
        : await connection.send(key, ['HMGET', key, 'version', 'value']);
      if (doubtful) unconfirmed.delete(userId);
      if (!Array.isArray(reply) || reply.length !== 2) throw new TypeError('redisStorage: HMGET must return a list of two.');
      const [version, value] = reply as unknown[];
      return version === null && value === null ? null : { version: text(version), value: text(value) };
    },

    write: (userId, { version, value }, expected) =>
      expected === null ? changes(userId, CREATE, version, value) : changes(userId, UPDATE, version, value, expected),

    remove: (userId, expected) => changes(userId, REMOVE, expected),

    async listUserIds(cursor) {
      const page = await scanKeys(connection, prefix, cursor);
      const userIds = page.keys.flatMap((key) => idOf(key.slice(prefix.length)) ?? []);
      return page.cursor === undefined ? { userIds } : { userIds, cursor: page.cursor };
    },

    unsafeSettings,
  });
}

interface Resolved {
  connection: RedisConnection;
  prefix: string;
  wait: { count: number; timeoutMs: number } | null;
}

function resolve(options: RedisStorageOptions): Resolved {
  const given = (options ?? {}) as { client?: unknown; sendCommand?: unknown; masters?: () => RedisSend[] };
  const { prefix = 'mfa:', waitForReplicas } = (options ?? {}) as RedisStorageSettings;
  // A node-redis client itself has a sendCommand, which takes a list.
  if (given.client === undefined && (typeof given.sendCommand !== 'function' || 'isOpen' in given)) {
    throw new MfaError('invalid_option', `redisStorage needs client or sendCommand. ${HOW_TO_GIVE_A_CLIENT}`);
  }
  if (typeof prefix !== 'string' || !/^[A-Za-z0-9:_./-]{1,64}$/.test(prefix)) {
    throw new MfaError(
      'invalid_option',
      'redisStorage: prefix must be 1 to 64 letters, digits or : _ - . / (no braces, which would put all users in one slot).',
    );
  }
  const connection =
    given.client === undefined ? connectionBySend(given.sendCommand as RedisSend, given.masters) : connectionOf(given.client);
  if (!waitForReplicas) return { connection, prefix, wait: null };

  const { count, timeoutMs = 1000 } = waitForReplicas;
  if (!Number.isInteger(count) || count < 1 || !Number.isInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > 1500) {
    throw new MfaError('invalid_option', 'redisStorage: waitForReplicas needs a count from 1 and a timeoutMs from 1 to 1500.');
  }
  if (connection.notOneConnection) {
    throw new MfaError(
      'invalid_option',
      `redisStorage: waitForReplicas needs WAIT on the connection of the write: ${connection.notOneConnection}.`,
    );
  }
  return { connection, prefix, wait: { count, timeoutMs } };
}

/** Returns the id of a key; null for a foreign key with the same prefix. */
function idOf(encoded: string): string | null {
  try {
    const userId = decodeURIComponent(encoded);
    return userId !== '' && encodeURIComponent(userId) === encoded ? userId : null;
  } catch {
    return null;
  }
}

function text(field: unknown): string {
  if (typeof field === 'string') return field;
  // Some clients are set to return bytes. What is stored is ASCII.
  if (field instanceof Uint8Array) return new TextDecoder().decode(field);
  throw new TypeError('redisStorage: version and value must come back as text.');
}
