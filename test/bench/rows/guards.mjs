import { startHost } from '../http-load.mjs';
import { compare, ratioOf } from '../measure.mjs';
import { atLeast } from './goals.mjs';

/** Guards on a route that answers a small JSON, behind the session middleware that every route of the host has. */
export async function* measureGuards({ postgres, redis, rounds, count }) {
  const servers = { postgres: postgres.address, redisUrl: redis?.url };
  const express = await startHost('express.mjs', servers);
  yield withinDelay('express', 'Express 5', express, ['/passport-jwt', '/jsonwebtoken'], { rounds, count });
  for (const storage of ['postgres', 'redis']) {
    if (express.storages.includes(storage)) yield withRead('express', 'Express 5', express, storage, { rounds, count });
  }
  await express.stop();

  for (const [platform, title] of [
    ['express', 'Nest on Express'],
    ['fastify', 'Nest on Fastify'],
  ]) {
    const within = await startHost('nest.mjs', { platform });
    yield withinDelay(`nest-${platform}`, title, within, ['/nestjs-jwt'], { rounds, count });
    await within.stop();
    const reading = await startHost('nest.mjs', { platform, postgres: postgres.address });
    yield withRead(`nest-${platform}`, title, reading, 'postgres', { rounds, count });
    await reading.stop();
  }
}

async function withinDelay(id, title, host, others, { rounds, count }) {
  const paths = ['/unguarded', '/empty', ...others];
  const sides = await Promise.all(paths.map((path) => host.side(path.slice(1), path, 'within')));
  sides.splice(2, 0, await host.side('guarded', '/guarded-within', 'within'));
  const costs = await compare(sides, { rounds, count, inFlight: 16, warmup: 4 });
  return {
    id: `guard.${id}`,
    title: `${title}: guard by session, proof within revocationDelaySeconds; microseconds a request`,
    costs,
    goals: [
      atLeast(`guard.${id}.of-unguarded`, ratioOf(costs, 'unguarded', 'guarded'), 0.93),
      atLeast(`guard.${id}.of-empty`, ratioOf(costs, 'empty', 'guarded'), 0.96),
      ...others.map((path) =>
        atLeast(`guard.${id}.quicker-than${path.replace('/', '-')}`, ratioOf(costs, path.slice(1), 'guarded'), 1),
      ),
    ],
  };
}

async function withRead(id, title, host, storage, { rounds, count }) {
  const sides = [
    await host.side('bare read', `/bare-read-${storage}`, storage),
    await host.side('guarded', `/guarded-${storage}`, storage),
  ];
  const costs = await compare(sides, { rounds, count: Math.ceil(count / 2), inFlight: 16, warmup: 4 });
  return {
    id: `guard.${id}.${storage}`,
    title: `${title}: guard that reads the profile, ${storage === 'redis' ? 'Redis' : 'PostgreSQL'}; microseconds a request`,
    costs,
    goals: [atLeast(`guard.${id}.${storage}.of-bare-read`, ratioOf(costs, 'bare read', 'guarded'), 0.85)],
  };
}
