import type { ServerResponse } from 'node:http';
import { MfaGuard } from '@mfa-kit/nest';
import { assertMfaCoverage, mfaCoverage } from '@mfa-kit/nest/coverage';
import { Inject } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import session from 'express-session';
import { io } from 'socket.io-client';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { Client, enroll, expectStatus, logIn } from '../express/client.js';
import { FaultyStore } from '../express/host.js';
import { watchWarnings } from '../support/warnings.js';
import { sockets } from './gateway-host.js';
import { type Host, SECRET, startHost } from './host.js';

interface Pushing {
  /** Every socket of the gateway gets this. */
  push(): void;
  watched: Promise<boolean>[];
}

/** What was received in one attempt to open a socket. */
interface Tried {
  pushed: number;
  /** `open`, or why it was refused. */
  outcome: string;
  closed: Promise<unknown>;
  close(): void;
}

describe.each(sockets)('access is checked before a socket exists: $kind on $platform', ({ platform, kind }) => {
  const warnings = watchWarnings();
  let host: Host;
  let pushing: Pushing;
  const opened: { close(): void }[] = [];
  afterEach(async () => {
    for (const one of opened.splice(0)) one.close();
    await host.close();
  });

  async function start(
    options: { guarded?: boolean; watch?: boolean; fallback?: boolean; middleware?: unknown[] } = {},
  ): Promise<void> {
    const { guarded = true, watch = false, fallback = false, middleware } = options;
    const store = new FaultyStore();
    const reading = session({ secret: SECRET, resave: false, saveUninitialized: false, store, name: 'sid' });
    const connected = new Set<{ emit(event: string, data: unknown): unknown; send(text: string): unknown }>();
    pushing = {
      watched: [],
      push: () => {
        for (const client of connected) {
          if (kind === 'ws') client.send(JSON.stringify({ event: 'tick', data: 1 }));
          else client.emit('tick', 1);
        }
      },
    };

    @WebSocketGateway()
    class TickGateway {
      constructor(@Inject(MfaGuard) private readonly guard: MfaGuard) {}

      afterInit(server: object) {
        if (guarded) this.guard.guardServer(server, { middleware: (middleware ?? [reading]) as never });
      }

      async handleConnection(client: never, request?: never) {
        connected.add(client);
        pushing.push();
        if (fallback) await this.guard.checkConnection(client, request);
        if (watch) pushing.watched.push(this.guard.whileAllowed(client, request, { everySeconds: 1 }));
      }

      handleDisconnect(client: never) {
        connected.delete(client);
      }

      @SubscribeMessage('echo')
      echo() {
        return { event: 'echo', data: 1 };
      }
    }
    host = await startHost({
      platform,
      store,
      session: platform === 'express' ? 'express-session' : '@fastify/session',
      module: { providers: [TickGateway] },
      configure: (app) => app.useWebSocketAdapter(kind === 'ws' ? new WsAdapter(app) : new IoAdapter(app)),
    });
  }

  function open(client: Client, headers: Record<string, string> = {}): Promise<Tried> {
    const cookie = [...client.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const all = { cookie, ...headers };
    return new Promise((resolve) => {
      if (kind === 'ws') {
        const socket = new WebSocket(host.origin.replace('http', 'ws'), { headers: all });
        opened.push({ close: () => socket.terminate() });
        const closed = new Promise((ended) => socket.on('close', (code) => ended(code)));
        const tried: Tried = { pushed: 0, outcome: 'open', closed, close: () => socket.close() };
        socket.on('message', (text) => String(text).includes('tick') && tried.pushed++);
        socket.on('open', () => setTimeout(() => resolve(tried), 50));
        socket.on('error', () => {});
        socket.on('unexpected-response', (_request, response) => {
          let body = '';
          response.on('data', (chunk) => (body += chunk));
          response.on('end', () => resolve({ ...tried, outcome: `${response.statusCode} ${JSON.parse(body).reason}` }));
        });
        return;
      }
      const socket = io(host.origin, { extraHeaders: all, reconnection: false, transports: ['websocket'], forceNew: true });
      opened.push({ close: () => socket.disconnect() });
      const closed = new Promise((ended) => socket.on('disconnect', (reason) => ended(reason)));
      const tried: Tried = { pushed: 0, outcome: 'open', closed, close: () => socket.disconnect() };
      socket.on('tick', () => tried.pushed++);
      socket.on('connect', () => setTimeout(() => resolve(tried), 50));
      socket.on('connect_error', (error) => {
        const { status, reason } = (error as { data?: { status?: number; reason?: string } }).data ?? {};
        resolve({ ...tried, outcome: `${status} ${reason}` });
      });
    });
  }

  it('F58, T32: a client with only the password that reconnects in a loop receives no broadcast', async () => {
    await start();
    const { client } = await enroll(host);
    const half = await logIn(host);
    const tries: Tried[] = [];
    for (let index = 0; index < 10; index++) {
      tries.push(await open(half));
      pushing.push();
    }
    tries.push(await open(new Client(host)), await open(await logIn(host, 'bob')));
    expect(tries.map(({ outcome }) => outcome)).toEqual([...Array(10).fill('401 challenge'), '401 login_again', '403 enroll']);
    expect(tries.reduce((sum, { pushed }) => sum + pushed, 0)).toBe(0);
    const own = await open(client);
    expect([own.outcome, own.pushed]).toEqual(['open', 1]);
  });

  it('F58, HTTP-1: a page of another origin cannot open a socket with the cookies of the user', async () => {
    await start();
    const { client } = await enroll(host);
    const { host: name } = new URL(host.origin);
    const allowed: Record<string, string>[] = [
      {},
      { origin: host.origin },
      { origin: 'https://app.example' },
      { origin: 'https://app.example', 'sec-fetch-site': 'cross-site' },
      { origin: host.origin, 'sec-fetch-site': 'same-origin' },
    ];
    const refused: Record<string, string>[] = [
      { origin: 'https://evil.example' },
      { origin: `${host.origin}.evil.example` },
      { origin: `http://evil.example/?${name}` },
      { origin: 'http://127.0.0.1:1' },
      { origin: 'null' },
      { origin: '' },
      { origin: `file://${name}` },
      { origin: host.origin, 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'cross-site' },
    ];
    for (const headers of allowed) expect([headers, (await open(client, headers)).outcome]).toEqual([headers, 'open']);
    for (const headers of refused) expect([headers, (await open(client, headers)).outcome]).toEqual([headers, '403 cross_site']);
    expect(warnings.some((line) => line.startsWith('MFA_KIT_CROSS_SITE'))).toBe(true);
  });

  it('F58, FLT-1: a middleware that fails, answers or never calls next refuses the socket', async () => {
    const failing: [
      name: string,
      middleware: (request: never, response: ServerResponse, next: (error?: unknown) => void) => unknown,
    ][] = [
      ['next(error)', (_request, _response, next) => next(new Error('the session store is away'))],
      [
        'throws',
        () => {
          throw new Error('the session store is away');
        },
      ],
      ['rejects', () => Promise.reject(new Error('the session store is away'))],
      ['answers', (_request, response) => response.writeHead(401).end('Unauthorized')],
    ];
    // This one takes the whole deadline of an operation.
    if (platform === 'express' && kind === 'ws') failing.push(['neither', () => {}]);
    for (const [name, middleware] of failing) {
      await start({ middleware: [middleware] });
      const { client } = await enroll(host);
      const expected = name === 'answers' ? '401 login_again' : '503 unavailable';
      expect([name, (await open(client)).outcome]).toEqual([name, expected]);
      await host.close();
    }
  }, 60_000);

  it('F56, SES-3: whileAllowed() closes an open socket after a logout, but no others', async () => {
    await start({ watch: true });
    const { client, code } = await enroll(host);
    const other = await logIn(host);
    expectStatus(await other.post('/mfa/verify', { code: code() }), 200);
    const [staying, leaving] = [await open(client), await open(other)];
    expect(await Promise.all(pushing.watched)).toEqual([true, true]);
    host.resetCounts();
    expectStatus(await other.post('/logout'), 204);
    expect(await leaving.closed).toBe(kind === 'ws' ? 1008 : 'io server disconnect');
    expect(host.counts.writes).toBe(0);
    const before = staying.pushed;
    pushing.push();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(staying.pushed).toBe(before + 1);
  });

  it('F58: the report lists a gateway as unknown if its server does not check access', async () => {
    await start({ guarded: false });
    const rows = () => mfaCoverage(host.app).routes.filter(({ route }) => route.startsWith('WS connect'));
    expect(rows()).toMatchObject([{ route: 'WS connect TickGateway', status: 'unknown' }]);
    expect(() => assertMfaCoverage(host.app)).toThrowError(/WS connect TickGateway/);
    await host.close();
    await start();
    expect(rows()).toMatchObject([{ route: 'WS connect TickGateway', status: 'guarded' }]);
  });

  it.runIf(kind === 'ws')(
    'F58: a socket that is refused after it was opened ends even if its client ignores the close frame',
    async () => {
      await start({ guarded: false, fallback: true });
      await enroll(host);
      const { connect } = await import('node:net');
      const { port } = new URL(host.origin);
      const raw = connect(Number(port), '127.0.0.1');
      opened.push({ close: () => raw.destroy() });
      raw.write(
        `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
          'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      );
      raw.resume();
      const began = Date.now();
      await new Promise((resolve) => raw.once('close', resolve).once('error', resolve));
      expect(Date.now() - began).toBeLessThan(5_000);
    },
  );
});
