import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type RunningPostgres, startPostgres } from './postgres-server.js';

/**
 * Starts real servers for all test files of a run: each once, at the first request, so that a run which needs none starts none.
 *
 * `GET /postgres` answers `{ url }`, or `{ missing }` with what has to be installed.
 */
export async function startServerDesk(): Promise<{ url: string; close: () => Promise<void> }> {
  let postgres: Promise<RunningPostgres> | undefined;

  const http = createServer(async (request, response) => {
    response.setHeader('content-type', 'application/json');
    if (request.url !== '/postgres') {
      response.writeHead(404).end('{}');
      return;
    }
    try {
      postgres ??= startPostgres();
      response.end(JSON.stringify({ url: (await postgres).connectionString }));
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
      await postgres?.then(
        (server) => server.stop(),
        () => undefined,
      );
    },
  };
}
