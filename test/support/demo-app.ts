import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDemoHost, type DemoHost } from '@mfa-kit-examples/demo-host';
import * as express from '@mfa-kit-examples/express-passport';
import * as nest from '@mfa-kit-examples/nest';
import type { DynamicModule, INestApplication } from '@nestjs/common';
import type { Express } from 'express';
import { freePort } from './free-port.js';

/** The examples with pages, which have the same routes on each framework. */
export const EXAMPLES = ['Express', 'Nest on Express', 'Nest on Fastify'] as const;
export type Example = (typeof EXAMPLES)[number];

/** An example in this process on a real port, with a clock that the test controls. */
export interface DemoApp {
  example: Example;
  origin: string;
  host: DemoHost;
  password: string;
  /** The application itself, by framework. */
  express?: Express;
  nest?: INestApplication;
  /** The kit's clock, in epoch milliseconds. */
  now(): number;
  advance(milliseconds: number): void;
  close(): Promise<void>;
}

/** What a test changes. */
export interface DemoAppOptions {
  env?: Record<string, string>;
  /** The host name for browsers, instead of localhost. */
  hostname?: string;
  /** What is added to the example before it listens. */
  plant?: Plant;
  /** Breaks the host before the example is created from it. */
  fault?: (host: DemoHost) => void;
}

/** Routes for each framework. `beside` adds them to the platform itself, outside the controllers of Nest. */
export interface Plant {
  express?(app: Express): void;
  nest?: DynamicModule['imports'];
  beside?(app: INestApplication): void;
}

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const DAY = 24 * 60 * 60 * SECOND;
/** The period of one code. */
export const STEP = 30 * SECOND;

type Served = Pick<DemoApp, 'express' | 'nest'> & { stop(): Promise<unknown> };

/** Starts an example. Only `advance` moves the clock, so that no test runs into the end of a period. */
export async function startDemoApp(
  example: Example = 'Express',
  { env, hostname = 'localhost', plant, fault }: DemoAppOptions = {},
): Promise<DemoApp> {
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

  fault?.(host);

  // The application needs its address before it listens.
  const port = await freePort();
  const origin = `http://${hostname}:${port}`;
  const demo = { host, origins: [origin], clock: now };
  const platform = example === 'Nest on Fastify' ? 'fastify' : 'express';
  const served =
    example === 'Express'
      ? await serveExpress(express.createApp(host, demo), port, plant)
      : await serveNest(await nest.createApp(platform, demo, plant?.nest), port, plant);

  return {
    example,
    origin,
    host,
    password,
    ...served,
    now,
    advance(milliseconds) {
      time += milliseconds;
    },
    async close() {
      await served.stop();
      await host.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function serveExpress(app: Express, port: number, plant?: Plant): Promise<Served> {
  plant?.express?.(app);
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const stop = (): Promise<unknown> => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { express: app, stop };
}

async function serveNest(app: INestApplication, port: number, plant?: Plant): Promise<Served> {
  plant?.beside?.(app);
  await app.listen(port, '127.0.0.1');
  const stop = (): Promise<unknown> => {
    app.getHttpServer().closeAllConnections();
    return app.close();
  };
  return { nest: app, stop };
}
