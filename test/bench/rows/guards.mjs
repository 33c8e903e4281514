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
 * Guards on a route that answers a small JSON, behind the session middleware that every route of the host has. Each host runs in
 * several processes, measured one after the other: where a process has its code in memory is a matter of luck, and moves a guard's
 * share by some percent.
 */
export async function* measureGuards({ postgres, redis, withLoader, processes, ...size }) {
  const servers = { postgres: postgres.address, redisUrl: redis?.url };
  for (const described of HOSTS) {
    const { id, file, given } = described;
    const hosts = await Promise.all(Array.from({ length: processes }, () => startHost(file, { ...servers, ...given })));
    yield await withinDelay(described, hosts, size);
    for (const storage of ['postgres', 'redis']) {
      if (hosts[0].storages.includes(storage)) yield await withRead(described, hosts, storage, size);
    }
    if (withLoader && id === 'express') yield await withLoading(hosts, size);
    await Promise.all(hosts.map((host) => host.stop()));
  }
}

async function withinDelay({ id, title, others }, hosts, size) {
  const costs = await compareOn(hosts, size, (host) => [
    host.side('unguarded', '/unguarded', 'within'),
    host.side('empty', '/empty', 'within'),
    host.side('guarded', '/guarded-within', 'within'),
    host.side('floor', '/by-hand-within', 'within'),
    ...others.map((path) => host.side(path.slice(1), path, 'within')),
  ]);
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

async function withRead({ id, title }, hosts, storage, size) {
  const costs = await compareOn(hosts, size, (host) => [
    host.side('bare read', `/bare-read-${storage}`, storage),
    host.side('guarded', `/guarded-${storage}`, storage),
    host.side('floor', `/by-hand-${storage}`, storage),
  ]);
  return {
    id: `guard.${id}.${storage}`,
    title: `${title}: guard that reads the profile, ${storage === 'redis' ? 'Redis' : 'PostgreSQL'}; microseconds a request`,
    costs,
    goals: [ofBare(`guard.${id}.${storage}.of-bare-read`, costs, 'bare read', 0.85)],
  };
}

/** The rounds of all processes of a host. */
async function compareOn(hosts, size, sidesOf) {
  const all = new Map();
  for (const host of hosts) {
    const costs = await compare(await Promise.all(sidesOf(host)), { ...size, inFlight: 16 });
    for (const [name, rounds] of costs) all.set(name, [...(all.get(name) ?? []), ...rounds]);
  }
  return all;
}

/** What the guard leaves of a route without it, and what the least guard that does the same, written by hand, leaves of it. */
function ofBare(name, costs, bare, bound) {
  return { ...atLeast(name, ratioOf(costs, bare, 'guarded'), bound), atTheFloor: ratioOf(costs, bare, 'floor') };
}

/** What the host's own `user()` costs: it is called once a request, and waited for. */
async function withLoading(hosts, size) {
  const costs = await compareOn(hosts, size, (host) => [
    host.side('guarded, user() from memory', '/guarded-within', 'within'),
    host.side('guarded, user() by key from PostgreSQL', '/guarded-loading', 'within'),
    host.side('unguarded, the same user by key', '/bare-user', 'within'),
  ]);
  return {
    id: 'guard.express.loader',
    title: "Express 5: the host's own user() loader, proof within revocationDelaySeconds; microseconds a request",
    costs,
    goals: [],
  };
}
