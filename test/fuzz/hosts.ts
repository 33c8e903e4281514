import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { startHost as startExpress, versions } from '../express/host.js';
import { startHost as startNest } from '../nest/host.js';
import type { Fixture } from '../support/core-fixture.js';

/** An application with the kit, on either framework. */
export interface Fuzzed extends Fixture {
  origin: string;
  /** Errors inside the application, regardless of its answer. */
  faults(): unknown[];
  close(): Promise<void>;
}

export const hosts: { name: string; start: () => Promise<Fuzzed> }[] = [
  {
    name: 'Express',
    start: async () => {
      const host = await startExpress({ express: versions[0].express });
      return { ...host, faults: () => host.errors };
    },
  },
  {
    name: 'Nest on Fastify',
    start: async () => {
      const host = await startNest({ platform: 'fastify', session: '@fastify/session' });
      return { ...host, faults: () => host.logged };
    },
  },
];

export interface RawAnswer {
  /** 0 if the connection ended without an answer. */
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** Sends what `fetch` would refuse to send. */
export function sendRaw(
  origin: string,
  sent: { method?: string; path: string; headers?: Record<string, string | string[]>; body?: Buffer | string },
): Promise<RawAnswer> {
  const { hostname, port } = new URL(origin);
  const { method = 'GET', path, headers = {}, body } = sent;
  return new Promise((resolve) => {
    const nothing = () => resolve({ status: 0, headers: {}, body: '' });
    try {
      const outgoing = request({ hostname, port, method, path, headers, agent: false }, (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', nothing);
        incoming.on('end', () => {
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks).toString() });
        });
      });
      outgoing.on('error', nothing);
      outgoing.end(body);
    } catch {
      // Node refuses to send this.
      nothing();
    }
  });
}

/** Announces more bytes than it sends, and disconnects after the server has had time to react. */
export async function breakOff(
  origin: string,
  sent: { path: string; headers: Record<string, string>; body: string },
): Promise<void> {
  const { hostname, port } = new URL(origin);
  const outgoing = request({ hostname, port, method: 'POST', path: sent.path, headers: sent.headers, agent: false });
  outgoing.on('error', () => undefined);
  outgoing.write(sent.body);
  await sleep(100);
  outgoing.destroy();
  await sleep(100);
}
