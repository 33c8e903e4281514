import { startHost } from '../http-load.mjs';
import { compare, ratioOf } from '../measure.mjs';
import { atLeast } from './goals.mjs';

/** Each host, and the guards that teams use there instead. */
const HOSTS = [
  { id: 'express', title: 'Express 5', file: 'express.mjs', given: {}, others: ['/passport-jwt', '/jsonwebtoken'] },
  { id: 'nest-express', title: 'Nest on Express', file: 'nest.mjs', given: { platform: 'express' }, others: ['/nestjs-jwt'] },
  { id: 'nest-fastify', title: 'Nest on Fastify', file: 'nest.mjs', given: { platform: 'fastify' }, others: ['/nestjs-jwt'] },
];

/**
 * Guards on a route that returns a small JSON body, after the session middleware that every route of the host has. Each host runs in
 * several processes, measured one after the other, because the place of the code in memory differs from process to process and changes a
 * guard's share by some percent.
 */
export async function* measureGuards({ postgres, redis, withLoader, processes, ...size }) {
  const servers = { postgres: postgres.address, redisUrl: redis?.url };
  const onHosts = async ({ file, given }, more, measure) => {
    const started = Array.from({ length: processes }, () => startHost(file, { ...given, ...servers, ...more }));
    const hosts = await Promise.all(started);
    const table = await measure(hosts);
    await Promise.all(hosts.map((host) => host.stop()));
    return table;
  };
  for (const described of HOSTS) {
    yield await onHosts(described, { storage: 'within' }, (hosts) => withinDelay(described, hosts, size));
    for (const storage of redis ? ['postgres', 'redis'] : ['postgres']) {
      yield await onHosts(described, { storage }, (hosts) => withRead(described, hosts, storage, size));
    }
    if (withLoader && described.id === 'express') {
      yield await onHosts(described, { storage: 'within', withLoader }, (hosts) => withLoading(hosts, size));
    }
  }
}

async function withinDelay({ id, title, others }, hosts, size) {
  const costs = await compareOn(hosts, size, (host) => [
    host.side('unguarded', '/unguarded'),
    host.side('empty', '/empty'),
    host.side('guarded', '/guarded'),
    host.side('floor', '/by-hand'),
    ...others.map((path) => host.side(path.slice(1), path)),
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
    host.side('bare read', '/bare-read'),
    host.side('guarded', '/guarded'),
    host.side('floor', '/by-hand'),
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

/** The throughput that is left with the guard, and with a minimal guard written by hand, relative to the same route without a guard. */
function ofBare(name, costs, bare, bound) {
  return { ...atLeast(name, ratioOf(costs, bare, 'guarded'), bound), atTheFloor: ratioOf(costs, bare, 'floor') };
}

/** What the host's own `user()` costs. It is called and awaited once in each request. */
async function withLoading(hosts, size) {
  const costs = await compareOn(hosts, size, (host) => [
    host.side('guarded, user() from memory', '/guarded'),
    host.side('guarded, user() by key from PostgreSQL', '/guarded-loading'),
    host.side('unguarded, the same user by key', '/bare-user'),
  ]);
  return {
    id: 'guard.express.loader',
    title: "Express 5: the host's own user() loader, proof within revocationDelaySeconds; microseconds a request",
    costs,
    goals: [],
  };
}
