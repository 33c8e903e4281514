import { connect } from 'node:net';
import { AbstractConnector, Cluster, Redis } from 'ioredis';
import { createClient, createCluster } from 'redis';
import type { RedisClientLike } from '../../packages/core/src/storage/redis.js';

/** A client of one kind for one kind of server, configured as in the docs. */
export interface OpenedClient {
  client: RedisClientLike;
  close(): void;
}

/** Where to connect: all addresses, and the proxy for each real one. */
export interface RedisAddresses {
  ports: number[];
  /** Maps a real port to the port of its proxy. */
  behind?: Map<number, number>;
}

const host = '127.0.0.1';
const socket = { connectTimeout: 1000, socketTimeout: 2000, reconnectStrategy: 100 };

/** The four clients that the kit runs on. */
export const redisClients = {
  'node-redis': async ({ ports: [port = 0], behind }: RedisAddresses): Promise<OpenedClient> => {
    const client = createClient({
      disableOfflineQueue: true,
      pingInterval: 1000,
      socket: { ...socket, host, port: behind?.get(port) ?? port },
    });
    client.on('error', () => undefined);
    await client.connect();
    return { client, close: () => client.destroy() };
  },

  ioredis: async ({ ports: [port = 0], behind }: RedisAddresses): Promise<OpenedClient> => {
    const client = new Redis({
      host,
      port: behind?.get(port) ?? port,
      connectTimeout: 1000,
      commandTimeout: 2000,
      socketTimeout: 2000,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 1,
      retryStrategy: () => 100,
    });
    client.on('error', () => undefined);
    await new Promise((resolve) => client.once('ready', resolve));
    return { client, close: () => client.disconnect() };
  },

  'node-redis Cluster': async ({ ports, behind }: RedisAddresses): Promise<OpenedClient> => {
    const cluster = createCluster({
      rootNodes: ports.map((port) => ({ url: `redis://${host}:${behind?.get(port) ?? port}` })),
      defaults: { disableOfflineQueue: true, pingInterval: 1000, socket },
      ...(behind ? { nodeAddressMap: (address: string) => ({ host, port: proxied(address, behind) }) } : {}),
    });
    cluster.on('error', () => undefined);
    await cluster.connect();
    return { client: cluster, close: () => cluster.destroy() };
  },

  'ioredis Cluster': async ({ ports, behind }: RedisAddresses): Promise<OpenedClient> => {
    const cluster = new Cluster(
      ports.map((port) => ({ host, port })),
      {
        enableOfflineQueue: false,
        clusterRetryStrategy: () => 100,
        retryDelayOnFailover: 50,
        maxRedirections: 4,
        slotsRefreshTimeout: 1000,
        redisOptions: {
          connectTimeout: 1000,
          socketTimeout: 2000,
          maxRetriesPerRequest: 1,
          ...(behind ? { Connector: connectorThrough(behind) } : {}),
        },
      },
    );
    cluster.on('error', () => undefined);
    await new Promise((resolve) => cluster.once('ready', resolve));
    // The client is ready when it knows the nodes. While it connects to one, ioredis sends to any other and follows MOVED.
    await Promise.all(cluster.nodes('master').map((node) => node.ping()));
    return { client: cluster, close: () => cluster.disconnect() };
  },
} satisfies Record<string, (addresses: RedisAddresses) => Promise<OpenedClient>>;

/** The version of the server, for example `Redis 7.0.15`; for a Cluster, that of its first node. */
export async function redisVersion(url: string): Promise<string> {
  const [port] = portsOf(url);
  const client = await createClient({ url: `redis://${host}:${port}` }).connect();
  const info = await client.info('server');
  client.destroy();
  return `Redis ${/redis_version:(\S+)/.exec(info)?.[1]}`;
}

/** The ports in `redis://127.0.0.1:1,127.0.0.1:2`. */
export function portsOf(url: string): number[] {
  return [...url.matchAll(/:(\d+)/g)].map(([, port]) => Number(port));
}

/** Does not use `natMap`, because after MOVED ioredis looks up a node by the server's address, and asks any other if it finds none. */
function connectorThrough(behind: Map<number, number>) {
  return class extends AbstractConnector {
    readonly #port: number;

    constructor(options: unknown) {
      const { port, disconnectTimeout } = options as { port: number; disconnectTimeout: number };
      super(disconnectTimeout);
      this.#port = behind.get(port) ?? port;
    }

    async connect() {
      this.connecting = true;
      this.stream = connect(this.#port, host);
      this.stream.once('error', (error) => {
        this.firstError = error;
      });
      return this.stream;
    }
  };
}

function proxied(address: string, behind: Map<number, number>): number {
  const port = Number(address.split(':').at(-1));
  return behind.get(port) ?? port;
}
