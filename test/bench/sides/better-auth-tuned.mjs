import { createBetterAuth } from './better-auth.mjs';

const INCREMENT = `local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return count`;

/**
 * The same peer with the options that its own page on performance recommends: sessions in cookies for five minutes, Redis as secondary
 * storage, joins. Sessions, challenges and remembered devices are then in Redis only (`storeSessionInDatabase` and
 * `verification.storeInDatabase` are false by default); users and their secrets stay in PostgreSQL.
 */
export async function createTunedBetterAuth({ postgres, redis, count }) {
  const creating = postgres.pool();
  await creating.query('CREATE DATABASE tuned');
  const { client } = redis;
  return createBetterAuth({
    pool: postgres.pool('tuned'),
    count,
    clear: () => client.flushDb(),
    tuned: {
      session: { cookieCache: { enabled: true, maxAge: 5 * 60 }, storeSessionInDatabase: false },
      verification: { storeInDatabase: false },
      advanced: { database: { joins: true } },
      secondaryStorage: {
        get: (key) => client.get(key),
        getAndDelete: (key) => client.getDel(key),
        set: (key, value, ttl) => client.set(key, value, ttl ? { EX: ttl } : undefined),
        delete: async (key) => void (await client.del(key)),
        increment: (key, ttl) => client.eval(INCREMENT, { keys: [key], arguments: [String(ttl)] }),
      },
    },
  });
}
