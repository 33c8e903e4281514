import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { MfaHttp, RequireMfa } from '@mfa-kit/nest';
import { Controller, Get, Inject, type MessageEvent, Req, Res, Sse } from '@nestjs/common';
import express from 'express';
import { interval, map, type Observable } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { platforms, startHost as startNestHost } from '../nest/host.js';
import type { Fixture } from '../support/core-fixture.js';
import { type Client, enroll, expectStatus, logIn } from './client.js';
import { startHost } from './host.js';

type Served = Fixture & { origin: string; users: Map<string, { id: string; name: string }>; close(): Promise<void> };

/** Sends an event every 20 ms and does not check whether the client is still connected. */
@RequireMfa()
@Controller()
class EventsController {
  constructor(@Inject(MfaHttp) private readonly mfaHttp: MfaHttp) {}

  @Sse('watched')
  async watched(@Req() request: never, @Res() reply: object): Promise<Observable<MessageEvent>> {
    await (await this.mfaHttp.for(request, reply)).whileAllowed(reply, { everySeconds: 1 });
    return interval(20).pipe(map((count) => ({ data: String(count) })));
  }

  @Get('unwatched')
  unwatched() {
    return 'inside';
  }
}

const hosts: [name: string, start: () => Promise<Served>][] = [
  [
    'Express',
    () =>
      startHost({
        express,
        routes: ({ app, mfaFor, requireMfa }) => {
          app.get('/watched', requireMfa(), async (req, res) => {
            res.writeHead(200, { 'content-type': 'text/event-stream' });
            res.write('data: begin\n\n');
            const timer = setInterval(() => res.write('data: 1\n\n'), 20);
            timers.push(timer);
            await (await mfaFor(req, res)).whileAllowed(res, { everySeconds: 1 });
          });
        },
      }),
  ],
  ...platforms.map((given): [string, () => Promise<Served>] => [
    `Nest on ${given.platform}`,
    () => startNestHost({ ...given, module: { controllers: [EventsController] } }),
  ]),
];

const timers: NodeJS.Timeout[] = [];
let host: Served | undefined;
afterEach(async () => {
  for (const timer of timers.splice(0)) clearInterval(timer);
  await host?.close();
  host = undefined;
});

/** Reads events until the stream ends. */
async function listen(client: Client): Promise<{ ended: Promise<number>; events: () => number; stop(): void }> {
  const cookie = [...client.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  const stopping = new AbortController();
  const answer = await fetch(`${client.host.origin}/watched`, { headers: { cookie }, signal: stopping.signal });
  expect(answer.status).toBe(200);
  const reader = answer.body?.getReader();
  let events = 0;
  const ended = (async () => {
    try {
      while (!(await reader?.read())?.done) events++;
    } catch {
      // The connection was cut.
    }
    return Date.now();
  })();
  return { ended, events: () => events, stop: () => stopping.abort() };
}

describe.each(hosts)('F56, SES-3: whileAllowed() on %s', (_name, start) => {
  async function verified(code: string): Promise<Client> {
    const client = await logIn(host as Served);
    expectStatus(await client.post('/mfa/verify', { code }), 200);
    return client;
  }

  it('ends an event stream when access ends for any reason, with one read for each check', async () => {
    host = await start();
    const { client, code } = await enroll(host);
    const ends: [string, (client: Client) => Promise<unknown>][] = [
      ['all sessions ended elsewhere', async () => host?.mfa.endSessionsOf({ userId: 'user-ada', actor: 'x', reason: 'test' })],
      ['the password changed', async () => host?.mfa.passwordChanged({ userId: 'user-ada' })],
      ['logout', async (own) => expectStatus(await own.post('/logout'), 204)],
    ];
    let own = client;
    for (const [name, end] of ends) {
      const stream = await listen(own);
      await new Promise((resolve) => setTimeout(resolve, 200));
      const running = stream.events();
      expect([name, running > 2]).toEqual([name, true]);
      host.resetCounts();
      await new Promise((resolve) => setTimeout(resolve, 1_100));
      expect([name, host.counts.reads, host.counts.writes]).toEqual([name, 1, 0]);
      const began = Date.now();
      await end(own);
      expect([name, (await stream.ended) - began < 1_900]).toEqual([name, true]);
      host.clock.advance(60_000);
      own = await verified(code());
    }
  }, 30_000);

  it('ends it if the storage is down, and stops checking after the client has disconnected', async () => {
    host = await start();
    const { client } = await enroll(host);
    const gone = await listen(client);
    gone.stop();
    await gone.ended;
    await new Promise((resolve) => setTimeout(resolve, 200));
    host.resetCounts();
    await new Promise((resolve) => setTimeout(resolve, 1_300));
    expect(host.counts.reads).toBe(0);
    const stream = await listen(client);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const { read } = host.storage;
    host.storage.read = () => Promise.reject(new Error('ECONNREFUSED'));
    await stream.ended;
    host.storage.read = read;
  }, 30_000);
});

describe('F56: the argument of whileAllowed()', () => {
  it('accepts a stream of Node and nothing that it cannot end', async () => {
    const results: unknown[] = [];
    const stream = new PassThrough();
    const express5 = await startHost({
      express,
      routes: ({ app, mfaFor }) => {
        app.get('/try', async (req, res) => {
          const flows = await mfaFor(req, res);
          for (const open of [{}, new EventEmitter(), null as never, 'x' as never]) {
            results.push(await flows.whileAllowed(open).catch((error: Error) => error.message));
          }
          for (const options of [
            { everySeconds: 0 },
            { everySeconds: Number.NaN },
            { every: 1 },
            { requirement: { maxAge: 1 } },
          ]) {
            results.push(await flows.whileAllowed(res, options as never).catch((error: Error) => error.message));
          }
          results.push(await flows.whileAllowed(stream, { requirement: { maxAgeSeconds: 300 } }));
          res.json({ destroyed: stream.destroyed });
        });
      },
    });
    host = express5;
    const { client } = await enroll(host);
    host.clock.advance(301_000);
    expect((await client.get('/try')).body).toEqual({ destroyed: true });
    expect(results).toEqual([
      ...Array(4).fill(expect.stringContaining('takes a response, a Node stream')),
      ...Array(2).fill(expect.stringContaining('everySeconds must be a number of seconds from 1 to 3600')),
      expect.stringContaining('unknown option "every"'),
      expect.stringContaining('Unknown requirement "maxAge"'),
      false,
    ]);
  });
});
