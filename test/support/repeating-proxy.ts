import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { countFaults } from './proof.js';

export interface RepeatingProxy {
  origin: string;
  /** Waits until every copy has finished. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

interface Copied {
  status: number;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

/**
 * A proxy for a web application that treats each POST as bad networks and impatient users do. It sends it one to four times, each
 * copy with a random delay, so that copies and requests overtake each other, or does not send it at all (504). The client gets the
 * answer to a random copy.
 */
export async function startRepeatingProxy(target: string, mostDelayMs: number, random: () => number): Promise<RepeatingProxy> {
  const underWay = new Set<Promise<unknown>>();
  const { hostname, port } = new URL(target);

  async function copy(incoming: IncomingMessage, body: Buffer, delayMs: number): Promise<Copied> {
    await sleep(delayMs);
    return new Promise((resolve, reject) => {
      const { method, url: path, headers } = incoming;
      const outgoing = request({ hostname, port, method, path, headers }, (answer) => {
        collect(answer).then((all) => resolve({ status: answer.statusCode ?? 500, headers: answer.headers, body: all }), reject);
      });
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await collect(incoming);
    const copies = incoming.method === 'POST' ? Math.floor(random() * 5) : 1;
    if (copies !== 1) countFaults();
    if (copies === 0) return void response.writeHead(504).end();
    const delay = () => (incoming.method === 'POST' ? random() * mostDelayMs : 0);
    const sent = Array.from({ length: copies }, () => copy(incoming, body, delay()));
    const all = Promise.allSettled(sent);
    underWay.add(all);
    void all.then(() => underWay.delete(all));
    const answer = await (sent[Math.floor(random() * copies)] as Promise<Copied>);
    response.writeHead(answer.status, answer.headers).end(answer.body);
  }

  const server = createServer((incoming, response) => {
    handle(incoming, response).catch(() => response.writeHead(502).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async drain() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function collect(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
