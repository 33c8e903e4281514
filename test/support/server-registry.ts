import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startDynamoDB } from './dynamodb-server.js';
import { startMariadb } from './mariadb-server.js';
import { startPostgres } from './postgres-server.js';
import { startRedis, startRedisCluster } from './redis-server.js';

/** A server of this run. */
export interface RunningServer {
  /** The URL for its clients. */
  url: string;
  /** Stops it and deletes its data. */
  stop(): Promise<void>;
}

/** Starts each kind of server. The error says what to install. */
const servers = {
  postgres: async () => {
    const { connectionString, stop } = await startPostgres();
    return { url: connectionString, stop };
  },
  mariadb: () => startMariadb(),
  dynamodb: startDynamoDB,
  redis: () => startRedis(),
  'redis-cluster': () => startRedisCluster(),
} satisfies Record<string, () => Promise<RunningServer>>;

export type ServerName = keyof typeof servers;

/**
 * Starts servers for all test files of a run, each once, at the first request, so that a run without need for one starts none.
 *
 * `GET /<name>` answers `{ url }`, or `{ missing }` with what to install.
 */
export async function startServerRegistry(): Promise<{ url: string; close: () => Promise<void> }> {
  const started = new Map<string, Promise<RunningServer>>();

  const http = createServer(async (request, response) => {
    response.setHeader('content-type', 'application/json');
    const name = String(request.url).slice(1);
    if (!Object.hasOwn(servers, name)) {
      response.writeHead(404).end('{}');
      return;
    }
    const running = started.get(name) ?? servers[name as ServerName]();
    started.set(name, running);
    try {
      response.end(JSON.stringify({ url: (await running).url }));
    } catch (error) {
      response.end(JSON.stringify({ missing: error instanceof Error ? error.message : String(error) }));
    }
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  http.unref();

  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    async close() {
      http.close();
      http.closeAllConnections();
      await Promise.all([...started.values()].map((running) => running.then((server) => server.stop()).catch(() => undefined)));
    },
  };
}
