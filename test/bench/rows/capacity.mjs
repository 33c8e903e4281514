import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { createMfa } from '@mfa-kit/core';
import { memoryStorage } from '@mfa-kit/core/storage/memory';
import { verifiedSession } from '@mfa-kit/core/testing';
import { KEY } from '../key.mjs';
import { atOnce } from '../measure.mjs';
import { processorOf } from '../processor.mjs';
import { startRedis } from '../servers.mjs';
import { createKit } from '../sides/kit.mjs';

const run = promisify(execFile);
const IN_FLIGHT = 16;
const FILL = `for number = 0, 9999 do
  redis.call('HSET', string.format('mfa:%012d', number), 'version', ARGV[1], 'value', ARGV[2])
end`;
/** Stores as the adapter does, with one script that compares and writes. */
const UPDATE = `if redis.call('HGET', KEYS[1], 'version') ~= ARGV[3] then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'value', ARGV[2])
return 1`;

/** What one verification costs each part. From this the page computes how many each part can handle in a second. */
export async function* measureCapacity({ postgres, rounds, count, commands }) {
  if (process.platform !== 'linux') {
    console.error('Skipping the capacity of each storage, because the time of PostgreSQL is read from /proc');
    return;
  }
  yield await onPostgres({ postgres, rounds, count });
  const costs = new Map();
  for (const appendfsync of ['always', 'everysec']) {
    const taken = await onRedis(appendfsync, { rounds, commands });
    if (!taken) return;
    for (const [command, values] of taken) costs.set(`${command}, appendfsync ${appendfsync}`, values);
  }
  const title = 'What one command takes of a full Redis, 50 connections of redis-benchmark; microseconds';
  yield { id: 'capacity.redis', title, costs, goals: [] };
}

async function onPostgres({ postgres, rounds, count }) {
  const kit = await createKit({ pool: postgres.pool(), count, table: 'capacity' });
  const side = kit.verify('mfa-kit');
  const costs = new Map(['elapsed', 'processor of the application', 'processor of PostgreSQL'].map((name) => [name, []]));
  for (let round = -2; round < rounds; round++) {
    await side.prepare();
    const [application, server] = [process.cpuUsage(), processorOf(postgres.pid)];
    const elapsed = await atOnce(side, count, IN_FLIGHT);
    const { user, system } = process.cpuUsage(application);
    if (round < 0) continue;
    costs.get('elapsed').push(elapsed);
    costs.get('processor of the application').push((user + system) / count);
    costs.get('processor of PostgreSQL').push((processorOf(postgres.pid) - server) / count);
  }
  return {
    id: 'capacity.postgres',
    title: `What one verification takes of one application process and of PostgreSQL, ${IN_FLIGHT} in flight; microseconds`,
    costs,
    goals: [],
  };
}

/** Uses the load generator of Redis, because Node reaches its limit long before Redis does. */
async function onRedis(appendfsync, { rounds, commands }) {
  const server = await startRedis(appendfsync);
  if (!server) return null;
  try {
    const { version, value } = await newRecord();
    await server.client.sendCommand(['EVAL', FILL, '0', version, value]);
    const load = async (...command) => {
      const given = ['-p', String(server.port), '-n', String(commands), '-c', '50', '-r', '10000', '--csv', ...command];
      const { stdout } = await run('redis-benchmark', given);
      return 1_000_000 / Number(/"(\d+\.\d+)"(?:,"[\d.]+"){6}\s*$/.exec(stdout)[1]);
    };
    const costs = new Map([
      ['read', []],
      ['write', []],
    ]);
    for (let round = -1; round < rounds; round++) {
      const read = await load('HMGET', 'mfa:__rand_int__', 'version', 'value');
      const write = await load('EVAL', UPDATE, '1', 'mfa:__rand_int__', version, value, version);
      if (round < 0) continue;
      costs.get('read').push(read);
      costs.get('write').push(write);
    }
    return costs;
  } finally {
    await server.stop();
  }
}

/** The record of a user with one authenticator and one device. */
async function newRecord() {
  const clock = { ahead: 0, now: () => Date.now() + clock.ahead };
  const storage = memoryStorage({ losesAllDataOnRestart: true });
  const mfa = createMfa({ issuer: 'Acme', keys: [KEY], storage, clock: clock.now });
  const user = { id: 'user-ada', name: 'ada@example.com' };
  const { authenticator } = await verifiedSession(mfa, user);
  clock.ahead += 300_000;
  const { session } = await mfa.beginLogin({ user });
  await mfa.verify({
    user,
    session,
    proof: { kind: 'totp', code: authenticator.code(clock.now()) },
    rememberDevice: true,
    deviceLabel: 'Firefox on Linux',
  });
  return storage.read(user.id);
}
