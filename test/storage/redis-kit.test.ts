import { afterAll, expect, it } from 'vitest';
import { redisStorage } from '../../packages/core/src/storage/redis.js';
import type { MfaStorage } from '../../packages/core/src/storage/storage.js';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js';
import { type OpenedClient, portsOf, redisClients, redisVersion } from '../support/redis.js';
import { describeWith } from '../support/requires.js';
import { serverUrl } from '../support/server-url.js';
import { runConformance } from './run-conformance.js';

const single = await serverUrl('redis');
const cluster = await serverUrl('redis-cluster');

type Open = (typeof redisClients)[keyof typeof redisClients];

for (const [name, open] of Object.entries(redisClients) as [keyof typeof redisClients, Open][]) {
  const isCluster = name.endsWith('Cluster');
  describeWith(
    isCluster ? cluster : single,
    `${name} keeps the contract on ${isCluster ? 'three masters' : 'one server'}, through proxies that break connections`,
    async (url) => {
      const ports = portsOf(url);
      const proxies: FaultProxy[] = [];
      // One lost reply is one: whichever node the request went to, the other proxies let replies pass again.
      const onFault = () => {
        for (const proxy of proxies) proxy.pass();
      };
      for (const port of ports) proxies.push(await startFaultProxy(port, onFault));
      const behind = new Map(ports.map((port, index) => [port, proxies[index]?.port ?? 0]));
      const opened: OpenedClient[] = [await open({ ports, behind }), await open({ ports, behind })];
      const storages: MfaStorage[] = opened.map(({ client }) =>
        redisStorage({ client, prefix: `kit-${name.replace(' ', '-')}:` }),
      );
      afterAll(async () => {
        for (const { close } of opened) close();
        await Promise.all(proxies.map((proxy) => proxy.close()));
      });
      let calls = 0;
      const all = (act: (proxy: FaultProxy) => void) => async () => proxies.forEach(act);

      runConformance({
        row: {
          name,
          server: async () => `${await redisVersion(url)}${isCluster ? `, ${ports.length} masters` : ''}`,
          roundTrips: () => proxies.reduce((sum, proxy) => sum + proxy.roundTrips(), 0),
        },
        open: async () => storages[calls++ % 2] as MfaStorage,
        hooks: {
          async disconnect() {
            await all((proxy) => proxy.refuse())();
            return all((proxy) => proxy.pass());
          },
          async blackHole() {
            // A node-redis Cluster never gives up a connection that is silently dead while it writes to it; docs/guides/storage.md says so.
            await all((proxy) => (name === 'node-redis Cluster' ? proxy.hold() : proxy.blackHole()))();
            return all((proxy) => proxy.pass());
          },
          loseNextReply: all((proxy) => proxy.loseNextReply()),
        },
      });

      it('a reply was lost in the run above', () =>
        expect(proxies.reduce((sum, proxy) => sum + proxy.lostReplies(), 0)).toBeGreaterThan(0));
    },
  );
}
