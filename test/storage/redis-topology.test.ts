import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { createSentinel } from 'redis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RedisSend, redisStorage } from '../../packages/core/src/storage/redis.js';
import { freePort } from '../support/free-port.js';
import { type OpenedClient, portsOf, redisClients } from '../support/redis.js';
import {
  REDIS_SERVER,
  type RunningRedis,
  type RunningRedisCluster,
  startRedis,
  startRedisCluster,
} from '../support/redis-server.js';
import { describeWith, reportMissing } from '../support/requires.js';

const cluster: RunningRedisCluster | null = await startRedisCluster([]).catch((error: Error) => reportMissing(error.message));
const single: RunningRedis | null = await startRedis().catch((error: Error) => reportMissing(error.message));
afterAll(() => Promise.all([cluster?.stop(), single?.stop()]));
const stored = { version: 'v1', value: 'x' };

describeWith(cluster, 'redisStorage on a Cluster', ({ nodes, url }) => {
  const opened: OpenedClient[] = [];
  const open = async (kind: 'node-redis Cluster' | 'ioredis Cluster') => {
    const one = await redisClients[kind]({ ports: portsOf(url) });
    opened.push(one);
    return redisStorage({ client: one.client });
  };
  const [first, second] = nodes as [RunningRedis, RunningRedis];
  const userIds = Array.from({ length: 1000 }, (_, index) => `{same}-${index}`);
  let listed: Awaited<ReturnType<typeof open>>;
  beforeAll(async () => {
    listed = await open('ioredis Cluster');
    await Promise.all(userIds.map((userId) => listed.write(userId, stored, null)));
  });
  afterAll(() => {
    for (const { close } of opened) close();
  });

  it('spreads users over the masters, whatever braces their ids have', async () => {
    for (const node of nodes) expect(Number(await node.ask('DBSIZE'))).toBeGreaterThan(userIds.length / 6);
  });

  it.each(['node-redis Cluster', 'ioredis Cluster'] as const)(
    'lists all of them, names settings of all masters: %s',
    async (kind) => {
      const storage = await open(kind);
      const found = new Set<string>();
      let page = await storage.listUserIds();
      for (; page.cursor !== undefined; page = await storage.listUserIds(page.cursor))
        for (const userId of page.userIds) found.add(userId);
      for (const userId of page.userIds) found.add(userId);
      expect([...found].sort()).toEqual([...userIds].sort());
      const [durability, ...silence] = await storage.unsafeSettings();
      expect(durability).toContain('appendonly is no');
      // F82: said at start where a silent connection is not given up.
      for (const sentence of silence) expect(sentence).toContain('fell silent');
    },
  );

  it('breaks a list off while slots move, and after they moved', async () => {
    const id = async (node: RunningRedis) => String(await node.ask('CLUSTER', 'MYID'));
    const { cursor } = await listed.listUserIds();
    expect(cursor).toBeDefined();
    const slot = await emptySlot(first);
    await second.ask('CLUSTER', 'SETSLOT', slot, 'IMPORTING', await id(first));
    await first.ask('CLUSTER', 'SETSLOT', slot, 'MIGRATING', await id(second));
    await expect(listed.listUserIds(cursor)).rejects.toThrow(/slots of the Cluster are moving.*Begin it again/);
    await expect(listed.listUserIds()).rejects.toThrow(/are moving/);
    for (const node of [second, first]) await node.ask('CLUSTER', 'SETSLOT', slot, 'NODE', await id(second));
    await expect(listed.listUserIds(cursor)).rejects.toThrow(/slots of the Cluster moved.*Begin it again/);
    await expect
      .poll(() =>
        listed.listUserIds().then(
          ({ userIds: page }) => page.length > 100,
          () => false,
        ),
      )
      .toBe(true);
  });

  it('refuses a list that would lack the other masters', async () => {
    const sends = nodes.map(({ ask }): RedisSend => ask);
    const [send] = sends as [RedisSend];
    await expect(redisStorage({ sendCommand: send }).listUserIds()).rejects.toMatchObject({
      code: 'invalid_option',
      message: expect.stringContaining('Give masters'),
    });
    await expect(redisStorage({ sendCommand: send, masters: () => sends.slice(1) }).listUserIds()).rejects.toThrow(
      /of 16384 slots/,
    );
    expect((await redisStorage({ sendCommand: send, masters: async () => sends }).listUserIds()).userIds.length).toBeGreaterThan(
      100,
    );
  });
});

describeWith(single, 'redisStorage by Sentinel', (server) => {
  const folder = mkdtempSync(join(tmpdir(), 'mfa-kit-sentinel-'));
  let port: number;
  let stop: () => void;
  beforeAll(async () => {
    port = await freePort();
    const file = join(folder, 'sentinel.conf');
    writeFileSync(file, `port ${port}\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 ${server.port} 1\n`);
    const child = spawn(REDIS_SERVER, [file, '--sentinel'], { stdio: 'ignore' });
    stop = () => child.kill('SIGKILL');
  });
  afterAll(() => {
    stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('finds the master through node-redis and ioredis', async () => {
    const ioredis = new Redis({ sentinels: [{ host: '127.0.0.1', port }], name: 'main' });
    ioredis.on('error', () => undefined);
    const first = redisStorage({ client: ioredis });
    expect(await first.write('alice', stored, null)).toBe(true);
    const sentinel = createSentinel({ name: 'main', sentinelRootNodes: [{ host: '127.0.0.1', port }] });
    sentinel.on('error', () => undefined);
    await sentinel.connect();
    const second = redisStorage({ client: sentinel });
    expect(await second.read('alice')).toEqual(stored);
    expect(await second.write('alice', { version: 'v2', value: 'y' }, 'v1')).toBe(true);
    expect(await first.remove('alice', 'v1')).toBe(false);
    for (const storage of [first, second]) {
      expect(await storage.listUserIds()).toEqual({ userIds: ['alice'] });
      for (const sentence of await storage.unsafeSettings()) expect(sentence).toContain('fell silent');
    }
    ioredis.disconnect();
    await sentinel.destroy();
  });
});

async function emptySlot(node: RunningRedis): Promise<string> {
  for (let slot = 0; ; slot++) if (Number(await node.ask('CLUSTER', 'COUNTKEYSINSLOT', String(slot))) === 0) return String(slot);
}
