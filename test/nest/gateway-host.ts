import type { Assurance } from '@mfa-kit/core';
import { CurrentAssurance, MfaGuard, MfaHttp, RequireMfa, SkipMfa } from '@mfa-kit/nest';
import { Inject } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { ConnectedSocket, MessageBody, type OnGatewayConnection, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import session from 'express-session';
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';
import type { Client } from '../express/client.js';
import { FaultyStore } from '../express/host.js';
import { type Host, type HostOptions, type Platform, SECRET, startHost } from './host.js';

export const sockets = [
  { platform: 'express', kind: 'ws' },
  { platform: 'express', kind: 'socket.io' },
  { platform: 'fastify', kind: 'ws' },
  { platform: 'fastify', kind: 'socket.io' },
] as const;

/** How often a guarded handler ran. */
export const ran = { count: 0 };

interface Socket {
  request?: object;
}

@WebSocketGateway()
export class CasesGateway implements OnGatewayConnection {
  constructor(
    @Inject(MfaGuard) private readonly guard: MfaGuard,
    @Inject(MfaHttp) private readonly mfaHttp: MfaHttp,
    @Inject('SOCKETS') private readonly options: { check: boolean },
  ) {}

  async handleConnection(client: object, request?: never) {
    if (this.options.check) await this.guard.checkConnection(client, request);
  }

  @SkipMfa()
  @SubscribeMessage('open')
  open(@CurrentAssurance() assurance: Assurance | undefined) {
    return { event: 'open', data: assurance?.via ?? 'open' };
  }

  @RequireMfa()
  @SubscribeMessage('cases')
  cases(@CurrentAssurance() assurance: Assurance | undefined) {
    ran.count++;
    return { event: 'cases', data: assurance?.via ?? 'none' };
  }

  @RequireMfa({ maxAgeSeconds: 300 })
  @SubscribeMessage('pay')
  pay() {
    ran.count++;
    return { event: 'pay', data: 'paid' };
  }

  /** The host's own handler for codes, which stores the proof in the session of the socket's request. */
  @SkipMfa()
  @SubscribeMessage('verify')
  async verify(@ConnectedSocket() client: Socket, @MessageBody() code: string) {
    const request = client.request ?? requests.get(client);
    const verified = await (await this.mfaHttp.for(request as never, {})).verify({ code });
    return { event: 'verify', data: verified.ok ? 'ok' : verified.reason };
  }
}

const requests = new WeakMap<object, object>();

export interface GatewayOptions extends Omit<HostOptions, 'platform' | 'session'> {
  platform: Platform;
  kind: 'ws' | 'socket.io';
  /** Default true. */
  check?: boolean;
  /** Default: express-session runs when a socket opens. */
  withoutSession?: true;
}

/** The same host with a gateway. Both platforms store sessions in one store, which express-session reads when a socket opens. */
export async function startGatewayHost({
  kind,
  check = true,
  withoutSession,
  module = {},
  ...given
}: GatewayOptions): Promise<Host> {
  ran.count = 0;
  const store = new FaultyStore();
  const reading = session({ secret: SECRET, resave: false, saveUninitialized: false, store, name: 'sid' });
  const onUpgrade = (request: object) =>
    new Promise<void>((resolve) => (withoutSession ? resolve() : reading(request as never, {} as never, () => resolve())));

  class SessionWsAdapter extends WsAdapter {
    override bindClientConnect(server: never, callback: (client: object, request: object) => void) {
      super.bindClientConnect(server, ((client: object, request: object) => {
        requests.set(client, request);
        void onUpgrade(request).then(() => callback(client, request));
      }) as never);
    }
  }
  class SessionIoAdapter extends IoAdapter {
    override createIOServer(port: number, options?: never) {
      const server = super.createIOServer(port, options);
      server.engine.use((request: object, _res: object, next: () => void) => void onUpgrade(request).then(next));
      return server;
    }
  }
  return startHost({
    ...given,
    store,
    session: given.platform === 'express' ? 'express-session' : '@fastify/session',
    module: {
      ...module,
      providers: [CasesGateway, { provide: 'SOCKETS', useValue: { check } }, ...(module.providers ?? [])],
    },
    configure: (app) => app.useWebSocketAdapter(kind === 'ws' ? new SessionWsAdapter(app) : new SessionIoAdapter(app)),
  });
}

/** A message of a socket: the event and its data, or that the socket was closed. */
export interface Received {
  event: string;
  // biome-ignore lint/suspicious/noExplicitAny: each test expects other fields
  data: any;
}

/** A client with the cookies of a browser. */
export interface SocketClient {
  /** Sends an event and returns the next message. */
  ask(event: string, data?: unknown): Promise<Received>;
  /** Returns the next message without sending. */
  next(): Promise<Received>;
  close(): void;
}

/** Opens a socket. */
export async function openSocket(
  host: Host,
  kind: 'ws' | 'socket.io',
  client: Client,
  more: Record<string, string> = {},
): Promise<SocketClient> {
  const cookie = [...client.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  const received: Received[] = [];
  const waiting: ((one: Received) => void)[] = [];
  const collect = (one: Received) => {
    const next = waiting.shift();
    if (next) next(one);
    else received.push(one);
  };
  const next = () =>
    new Promise<Received>((resolve) => {
      const one = received.shift();
      if (one) resolve(one);
      else waiting.push(resolve);
    });
  if (kind === 'ws') {
    const socket = new WebSocket(host.origin.replace('http', 'ws'), { headers: { cookie, ...more } });
    socket.on('message', (text) => collect(JSON.parse(String(text)) as Received));
    socket.on('close', (code, reason) => collect({ event: 'closed', data: [code, String(reason)] }));
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    const ask = (event: string, data?: unknown) => {
      socket.send(JSON.stringify({ event, data }));
      return next();
    };
    return { ask, next, close: () => socket.terminate() };
  }
  const socket = io(host.origin, { extraHeaders: { cookie, ...more }, reconnection: false, transports: ['websocket'] });
  socket.onAny((event: string, data: unknown) => collect({ event, data }));
  socket.on('disconnect', (reason) => collect({ event: 'closed', data: [reason] }));
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
  const ask = (event: string, data?: unknown) => {
    socket.emit(event, data);
    return next();
  };
  return { ask, next, close: () => void socket.disconnect() };
}
