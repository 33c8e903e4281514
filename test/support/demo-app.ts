import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDemoHost, type DemoHost } from '@mfa-kit-examples/demo-host';
import { createApp } from '@mfa-kit-examples/express-passport';

/** The Express example on a real port of this process, with a clock that the test moves. */
export interface DemoApp {
  origin: string;
  host: DemoHost;
  password: string;
  /** The kit's clock, in epoch milliseconds. */
  now(): number;
  advance(milliseconds: number): void;
  close(): Promise<void>;
}

export const SECOND = 1000;
export const DAY = 24 * 60 * 60 * SECOND;
/** The life of one code. */
export const STEP = 30 * SECOND;

/** Starts the example. The clock stands still except by `advance`, so that no test meets the end of a period. */
export async function startDemoApp(env: Record<string, string> = {}): Promise<DemoApp> {
  let time = Math.floor(Date.now() / STEP) * STEP + 5 * SECOND;
  const now = (): number => time;
  const password = 'correct horse battery';
  const directory = await mkdtemp(join(tmpdir(), 'mfa-kit-demo-'));
  const host = await createDemoHost({
    env: { MFA_STORAGE: 'memory:', DEMO_PASSWORD: password, ...env },
    directory,
    now,
    passwordCost: { logN: 10, r: 8, p: 1 },
  });

  // The address is known only after listening, and the application wants to know it.
  let app: RequestListener = (_req, res) => res.writeHead(503).end();
  const server = createServer((req, res) => app(req, res));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  app = createApp(host, { origins: [origin], clock: now });

  return {
    origin,
    host,
    password,
    now,
    advance(milliseconds) {
      time += milliseconds;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await host.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
