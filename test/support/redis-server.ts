import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.js';

export interface RunningRedis {
  port: number;
  url: string;
  /** Stops the server and keeps the data. `kill` acts like a crash. */
  halt(how?: 'fast' | 'kill'): Promise<void>;
  /** Starts it again on the same port, with the same data. */
  resume(): Promise<void>;
  /** Stops it and deletes the data. */
  stop(): Promise<void>;
  /** Sends one command to this server on a separate connection. */
  ask(...command: string[]): Promise<unknown>;
}

export interface RunningRedisCluster {
  /** `redis://127.0.0.1:1,127.0.0.1:2,127.0.0.1:3`. */
  url: string;
  nodes: RunningRedis[];
  stop(): Promise<void>;
}

/** The path of the program, which can also run as a Sentinel. */
export const REDIS_SERVER = 'redis-server';
export const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always'];

/** Starts a separate Redis on a free port, with its data in a temporary folder. The error says what is missing. */
export async function startRedis(flags: string[] = DURABLE): Promise<RunningRedis> {
  const folder = mkdtempSync(join(tmpdir(), 'mfa-kit-redis-'));
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  let child: ChildProcess;

  async function ask(...command: string[]): Promise<unknown> {
    const { createClient } = await import('redis');
    const client = createClient({ url, socket: { reconnectStrategy: false } });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return await client.sendCommand(command);
    } finally {
      client.destroy();
    }
  }

  async function start(): Promise<void> {
    const always = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--loglevel', 'warning'];
    // Otherwise a replica waits five seconds for others that may need the same copy.
    always.push('--repl-diskless-sync-delay', '0');
    child = spawn(REDIS_SERVER, [...always, ...flags], { stdio: 'ignore' });
    const failed = new Promise<never>((_, reject) => {
      child.once('error', () => reject(new Error('redis-server is missing: apt-get install redis-server')));
      child.once('exit', (code) => reject(new Error(`redis-server ended with code ${code}`)));
    });
    failed.catch(() => undefined);
    const answers = async () => {
      while ((await ask('PING').catch(() => null)) !== 'PONG') await sleep(20);
    };
    await Promise.race([answers(), failed]);
  }

  async function halt(how: 'fast' | 'kill' = 'fast'): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(how === 'kill' ? 'SIGKILL' : 'SIGTERM');
    await ended;
  }

  try {
    await start();
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  return {
    port,
    url,
    ask,
    halt,
    resume: start,
    async stop() {
      await halt('kill');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Starts a Redis Cluster with three masters. The error says what is missing. */
export async function startRedisCluster(flags: string[] = DURABLE): Promise<RunningRedisCluster> {
  const nodes: RunningRedis[] = [];
  const buses: number[] = [];
  try {
    for (let index = 0; index < 3; index++) {
      buses.push(await freePort());
      // Sets the port of the bus, because the usual one (port + 10000) may be above the highest port.
      const cluster = ['--cluster-enabled', 'yes', '--cluster-port', String(buses[index]), '--cluster-node-timeout', '1000'];
      nodes.push(await startRedis([...flags, ...cluster]));
    }
    for (const [index, node] of nodes.entries()) {
      await node.ask(
        'CLUSTER',
        'ADDSLOTSRANGE',
        String(Math.ceil((index * 16384) / 3)),
        String(Math.ceil(((index + 1) * 16384) / 3) - 1),
      );
      await node.ask('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1));
    }
    const [first] = nodes as [RunningRedis];
    for (const [index, node] of nodes.entries())
      if (index > 0) await first.ask('CLUSTER', 'MEET', '127.0.0.1', String(node.port), String(buses[index]));
    for (const node of nodes) {
      const whole = async () =>
        /cluster_state:ok.*cluster_known_nodes:3/s.test(String(await node.ask('CLUSTER', 'INFO'))) &&
        // A node learns its own address from the others. Until then clients cannot locate its slots.
        !/ :\d+@/.test(String(await node.ask('CLUSTER', 'NODES')));
      for (let tries = 0; !(await whole()); tries++) {
        if (tries === 300) throw new Error('the Redis Cluster did not come together in 15 s');
        await sleep(50);
      }
    }
  } catch (error) {
    await Promise.all(nodes.map((node) => node.stop()));
    throw error;
  }
  return {
    url: `redis://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    nodes,
    stop: async () => void (await Promise.all(nodes.map((node) => node.stop()))),
  };
}
