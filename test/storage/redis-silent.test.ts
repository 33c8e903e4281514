import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'redis';
import { afterAll, expect, it } from 'vitest';
import { redisStorage } from '../../packages/core/src/storage/redis.js';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js';
import { type RunningRedis, startRedis } from '../support/redis-server.js';
import { describeWith, reportMissing } from '../support/requires.js';

const server: RunningRedis | null = await startRedis().catch((error: Error) => reportMissing(error.message));
const closing: (() => unknown)[] = [];
afterAll(async () => {
  for (const close of closing) await close();
  await server?.stop();
});

/** As docs/guides/storage.md says to open it. */
const documented = { disableOfflineQueue: true, socket: { connectTimeout: 2000 } };

describeWith(server, 'F82: node-redis over a connection that fell silent', ({ port }) => {
  async function open(options: object) {
    const proxy = await startFaultProxy(port);
    const client = createClient({ url: `redis://127.0.0.1:${proxy.port}`, ...options });
    client.on('error', () => undefined);
    await client.connect();
    closing.push(
      () => client.isOpen && client.destroy(),
      () => proxy.close(),
    );
    return { proxy, client, storage: redisStorage({ client }) };
  }

  /** Asks every 100 ms, as under load, and gives the milliseconds until there is an answer. */
  async function healedAfter(storage: { read(userId: string): Promise<unknown> }): Promise<number> {
    const before = performance.now();
    let isHealed = false;
    const asked: Promise<void>[] = [];
    while (!isHealed && performance.now() - before < 15_000) {
      asked.push(
        storage.read('alice').then(
          () => {
            isHealed = true;
          },
          () => undefined,
        ),
      );
      await sleep(100);
    }
    return performance.now() - before;
  }

  async function silentFor(proxy: FaultProxy, storage: { read(userId: string): Promise<unknown> }, ms: number): Promise<void> {
    proxy.blackHole();
    for (const until = performance.now() + ms; performance.now() < until; await sleep(100)) {
      storage.read('alice').catch(() => undefined);
    }
    proxy.pass();
  }

  it.each([
    ['with the documented settings', documented],
    ['with a ping and a socket time-out, which load keeps from ending', { ...documented, pingInterval: 1000 }],
    ['with a command time-out of its own', { ...documented, commandOptions: { timeout: 500 } }],
    ['with an offline queue', { socket: { connectTimeout: 2000 } }],
  ])(
    'FLT-3: answers again within 5 seconds after the network is back, %s',
    async (_, options) => {
      const { proxy, storage } = await open(options);
      expect(await storage.read('alice')).toBeNull();
      await silentFor(proxy, storage, 1500);
      expect(await healedAfter(storage)).toBeLessThan(5000);
      expect(await storage.write('alice', { version: 'v1', value: 'x' }, null)).toBe(true);
      expect(await storage.remove('alice', 'v1')).toBe(true);
    },
    30_000,
  );

  it('FLT-3: and after an outage of many seconds', async () => {
    const { proxy, storage } = await open(documented);
    await storage.read('alice');
    await silentFor(proxy, storage, 9000);
    expect(await healedAfter(storage)).toBeLessThan(5000);
  }, 40_000);

  it('leaves a connection alone that answers, however slowly or with errors', async () => {
    const { proxy, client, storage } = await open(documented);
    await storage.read('alice');
    const id = await client.sendCommand(['CLIENT', 'ID']);
    proxy.delay(400);
    await Promise.all(Array.from({ length: 20 }, () => storage.read('alice')));
    proxy.delay(0);
    await client.set('mfa:carol', 'a string');
    await expect(storage.read('carol')).rejects.toThrow(/WRONGTYPE/);
    await client.del('mfa:carol');
    await sleep(3500);
    expect(await client.sendCommand(['CLIENT', 'ID'])).toBe(id);
  }, 30_000);

  it('opens no client that the application has closed', async () => {
    const { proxy, client, storage } = await open(documented);
    await storage.read('alice');
    proxy.blackHole();
    storage.read('alice').catch(() => undefined);
    client.destroy();
    await sleep(3500);
    expect(client.isOpen).toBe(false);
  }, 30_000);
});
