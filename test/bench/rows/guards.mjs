import { startHost } from '../http-load.mjs';
import { compare, ratioOf } from '../measure.mjs';
import { atLeast } from './goals.mjs';

/** Each host, and what teams guard with there instead. */
const HOSTS = [
  { id: 'express', title: 'Express 5', file: 'express.mjs', given: {}, others: ['/passport-jwt', '/jsonwebtoken'] },
  { id: 'nest-express', title: 'Nest on Express', file: 'nest.mjs', given: { platform: 'express' }, others: ['/nestjs-jwt'] },
  { id: 'nest-fastify', title: 'Nest on Fastify', file: 'nest.mjs', given: { platform: 'fastify' }, others: ['/nestjs-jwt'] },
];

/**
 * Guards on a route that answers a small JSON, behind the session middleware that every route of the host has. The hosts start
 * beside each other, and are measured one after the other.
 */
export async function* measureGuards({ postgres, redis, withLoader, ...size }) {
  const servers = { postgres: postgres.address, redisUrl: redis?.url };
  const hosts = await Promise.all(HOSTS.map(({ file, given }) => startHost(file, { ...servers, ...given })));
  for (const [index, described] of HOSTS.entries()) {
    const host = hosts[index];
    yield await withinDelay(described, host, size);
    for (const storage of ['postgres', 'redis']) {
      if (host.storages.includes(storage)) yield await withRead(described, host, storage, size);
    }
    if (withLoader && described.id === 'express') yield await withLoading(host, size);
    await host.stop();
  }
}

async function withinDelay({ id, title, others }, host, size) {
  const paths = ['/unguarded', '/empty', ...others];
  const sides = await Promise.all(paths.map((path) => host.side(path.slice(1), path, 'within')));
  sides.splice(
    2,
    0,
    await host.side('guarded', '/guarded-within', 'within'),
    await host.side('floor', '/by-hand-within', 'within'),
  );
  const costs = await compare(sides, { ...size, inFlight: 16 });
  return {
    id: `guard.${id}`,
    title: `${title}: guard by session, proof within revocationDelaySeconds; microseconds a request`,
    costs,
    goals: [
      ofBare(`guard.${id}.of-unguarded`, costs, 'unguarded', 0.93),
      ofBare(`guard.${id}.of-empty`, costs, 'empty', 0.96),
      ...others.map((path) =>
        atLeast(`guard.${id}.quicker-than${path.replace('/', '-')}`, ratioOf(costs, path.slice(1), 'guarded'), 1),
      ),
    ],
  };
}

async function withRead({ id, title }, host, storage, size) {
  const sides = [
    await host.side('bare read', `/bare-read-${storage}`, storage),
    await host.side('guarded', `/guarded-${storage}`, storage),
    await host.side('floor', `/by-hand-${storage}`, storage),
  ];
  const costs = await compare(sides, { ...size, inFlight: 16 });
  return {
    id: `guard.${id}.${storage}`,
    title: `${title}: guard that reads the profile, ${storage === 'redis' ? 'Redis' : 'PostgreSQL'}; microseconds a request`,
    costs,
    goals: [ofBare(`guard.${id}.${storage}.of-bare-read`, costs, 'bare read', 0.85)],
  };
}

/** What the guard leaves of a route without it, and what the least guard that does the same, written by hand, leaves of it. */
function ofBare(name, costs, bare, bound) {
  return { ...atLeast(name, ratioOf(costs, bare, 'guarded'), bound), atTheFloor: ratioOf(costs, bare, 'floor') };
}

/** What the host's own `user()` costs: it is called once a request, and waited for. */
async function withLoading(host, size) {
  const sides = [
    await host.side('guarded, user() from memory', '/guarded-within', 'within'),
    await host.side('guarded, user() by key from PostgreSQL', '/guarded-loading', 'within'),
    await host.side('unguarded, the same user by key', '/bare-user', 'within'),
  ];
  const costs = await compare(sides, { ...size, inFlight: 16 });
  return {
    id: 'guard.express.loader',
    title: "Express 5: the host's own user() loader, proof within revocationDelaySeconds; microseconds a request",
    costs,
    goals: [],
  };
}
