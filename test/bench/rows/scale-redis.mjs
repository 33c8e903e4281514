import { createMfa } from '@mfa-kit/core';
import { redisStorage } from '@mfa-kit/core/storage/redis';
import { verifiedSession } from '@mfa-kit/core/testing';
import { KEY } from '../key.mjs';
import { compare, ratioOf } from '../measure.mjs';
import { startRedis } from '../servers.mjs';
import { atMost } from './goals.mjs';

const FILL = `
  for number = tonumber(ARGV[3]), tonumber(ARGV[4]) do
    redis.call('HSET', 'mfa:other-' .. number, 'version', ARGV[1], 'value', ARGV[2])
  end`;
const BATCH = 10_000;

/** The same verification on two separate servers, one of which has records of many more users. */
export async function* measureScaleOnRedis({ most, ...size }) {
  const { count } = size;
  const servers = [await startRedis(), await startRedis()];
  if (servers.includes(null)) return;
  try {
    const sides = [
      await openSide('10,000 users', { server: servers[0], count, others: 10_000 }),
      await openSide(`${most.toLocaleString('en')} users`, { server: servers[1], count, others: most }),
    ];
    const costs = await compare(sides, size);
    const [fewer, more] = sides.map(({ name }) => name);
    yield {
      id: 'scale.redis.users',
      title: 'Verify a right code on Redis, by enrolled users',
      costs,
      goals: [atMost(`scale.redis.users-${most}`, ratioOf(costs, more, fewer), 1.2)],
    };
  } finally {
    for (const server of servers) await server.stop();
  }
}

async function openSide(name, { server, count, others }) {
  const { client } = server;
  const clock = { ahead: 0, now: () => Date.now() + clock.ahead };
  const mfa = createMfa({ issuer: 'Acme', keys: [KEY], storage: redisStorage({ client }), clock: clock.now });
  const people = [];
  for (let index = 0; index < count; index++) {
    const user = { id: `user-${index}`, name: `user-${index}@example.com` };
    people.push({ user, authenticator: (await verifiedSession(mfa, user)).authenticator });
  }
  // Records of the same length that are never opened.
  const [version, value] = await client.sendCommand(['HMGET', 'mfa:user-0', 'version', 'value']);
  for (let from = 1; from <= others; from += BATCH)
    await client.sendCommand(['EVAL', FILL, '0', version, value, String(from), String(Math.min(from + BATCH - 1, others))]);
  let prepared = [];
  return {
    name,
    async prepare() {
      clock.ahead += 300_000;
      prepared = await Promise.all(
        people.map(async ({ user, authenticator }) => {
          const { session } = await mfa.beginLogin({ user });
          return { user, session, proof: { kind: 'totp', code: authenticator.code(clock.now()) } };
        }),
      );
    },
    async run(index) {
      const verified = await mfa.verify(prepared[index % count]);
      if (!verified.ok) throw new Error(`verify: ${verified.reason}`);
    },
  };
}
