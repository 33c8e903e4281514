import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Starts an in-memory DynamoDB on a free port. */
export async function startDynamoDB(): Promise<{ url: string; stop(): Promise<void> }> {
  // @ts-expect-error: it has no types.
  const { default: dynalite } = (await import('dynalite')) as { default: (options: object) => Server };
  const server = dynalite({ createTableMs: 0 });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
