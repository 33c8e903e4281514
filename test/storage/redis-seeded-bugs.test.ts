import { createClient } from 'redis';
import { afterAll, it } from 'vitest';
import { redisStorage } from '../../packages/core/src/storage/redis.js';
import type { MfaStorage, StoredProfile } from '../../packages/core/src/storage/storage.js';
import { describeWith } from '../support/requires.js';
import { serverUrl } from '../support/server-url.js';
import { expectCaught, failuresOf } from './kit-failures.js';

// What a team writes at first: a client and two commands.
describeWith(await serverUrl('redis'), 'd-0b: the conformance kit fails, on a real Redis,', async (url) => {
  const client = await createClient({ url }).connect();
  afterAll(() => client.destroy());
  const right = (prefix: string): MfaStorage => redisStorage({ client, prefix });
  const parse = (text: string | null) => text && (JSON.parse(text) as StoredProfile);

  it('check-then-act: GET, compare, SET', async () => {
    const wrong: MfaStorage = {
      ...right('check-then-act:'),
      read: async (userId) => parse(await client.get(`check-then-act:${userId}`)) || null,
      async write(userId, next, expected) {
        if (((await wrong.read(userId))?.version ?? null) !== expected) return false;
        await client.set(`check-then-act:${userId}`, JSON.stringify(next));
        return true;
      },
      async remove(userId, expected) {
        if ((await wrong.read(userId))?.version !== expected) return false;
        await client.del(`check-then-act:${userId}`);
        return true;
      },
    };
    expectCaught(await failuresOf({ open: async () => wrong }, ['one of 50', 'no update is lost']), [
      { case: 'one of 50 parallel creates', saying: /of 50 said true/ },
      { case: 'one of 50 parallel updates', saying: /of 50 said true/ },
      { case: 'one of 50 parallel removals', saying: /of 50 said true/ },
      { case: 'no update is lost', saying: /updates said true, and \d+ are stored/ },
    ]);
  });

  it('counter versions: HINCRBY counts, and starts again after a removal', async () => {
    const counted = new Map<string, string>();
    const update = `if redis.call('HGET', KEYS[1], 'count') ~= ARGV[1] then return 0 end
      redis.call('HSET', KEYS[1], 'version', ARGV[2], 'value', ARGV[3])
      return redis.call('HINCRBY', KEYS[1], 'count', 1)`;
    const storage = right('counter:');
    const wrong: MfaStorage = {
      ...storage,
      async write(userId, next, expected) {
        const key = `counter:${encodeURIComponent(userId)}`;
        if (expected === null) {
          const created = await storage.write(userId, next, null);
          if (created) await client.hSet(key, 'count', '1');
          if (created) counted.set(next.version, '1');
          return created;
        }
        const reply = await client.eval(update, {
          keys: [key],
          arguments: [counted.get(expected) ?? '', next.version, next.value],
        });
        if (reply !== 0) counted.set(next.version, String(reply));
        return reply !== 0;
      },
    };
    expectCaught(await failuresOf({ open: async () => wrong }, ['a version from before a removal']), [
      { case: 'a version from before a removal', saying: /an update from a version before the removal said true/ },
    ]);
  });

  it('folding keys: ids in lower case, trimmed', async () => {
    const storage = right('folding:');
    const fold = (userId: string) => userId.trim().toLowerCase() || ' ';
    const wrong: MfaStorage = {
      ...storage,
      read: (userId) => storage.read(fold(userId)),
      write: (userId, next, expected) => storage.write(fold(userId), next, expected),
      remove: (userId, expected) => storage.remove(fold(userId), expected),
    };
    expectCaught(await failuresOf({ open: async () => wrong }, ['keeps apart']), [
      { case: 'keeps apart ids that differ only in letter case', saying: /finds the profile of another id/ },
      { case: 'keeps apart ids that differ only in trailing', saying: /finds the profile of another id/ },
    ]);
  });

  it('a list by KEYS of one page, and one that takes an id for a pattern', async () => {
    const storage = right('partial:');
    const wrong: MfaStorage = {
      ...storage,
      async listUserIds() {
        const { keys } = await client.scan('0', { MATCH: 'partial:*', COUNT: 50 });
        return { userIds: keys.map((key) => decodeURIComponent(key.slice('partial:'.length))) };
      },
      async read(userId) {
        const [key] = await client.keys(`partial:${userId}`);
        return key ? storage.read(decodeURIComponent(key.slice('partial:'.length))) : null;
      },
    };
    expectCaught(await failuresOf({ open: async () => wrong }, ['lists', 'keeps apart ids that differ only in wildcards']), [
      { case: 'lists 120 ids', saying: /the list lacks \d+ of 120 ids/ },
      { case: 'keeps apart ids that differ only in wildcards', saying: /of another id|cannot be|reads/ },
    ]);
  });
});
