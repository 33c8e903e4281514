import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { countFaults } from './proof.js';

/** The fault of one request, which is a chunk that a client sends. */
export type RequestFault =
  /** The connection ends and the server never receives the request. */
  | 'cut'
  /** The server handles the request, and the connection ends before the first byte of the reply. */
  | 'lose the reply'
  /** The server never receives the request, and the connection stays open without data. */
  | 'swallow'
  /** The server handles the request, and the connection stays open without data. */
  | 'swallow the reply'
  /** The server receives the request late, when the client may have given up. */
  | { lateMs: number };

export interface FaultProxy {
  port: number;
  /** Forwards again. Swallowed bytes are lost, and connections that lost bytes stay half open until one end gives up. */
  pass(): void;
  /** Cuts every connection, and new ones immediately. */
  refuse(): void;
  /** Swallows every byte in both directions. Connections stay open, and new ones are accepted. */
  blackHole(): void;
  /** Holds every byte back until `pass()`, like TCP in an outage that both ends survive. Bytes are late, but not lost. */
  hold(): void;
  /** Delays every chunk by so many milliseconds; 0 switches it off. */
  delay(ms: number): void;
  /** Injects a fault into the next request of any connection, or into every one from now on. */
  fail(fault: RequestFault, which: 'next' | 'all'): void;
  /** Forwards the next request of any connection, and cuts the connection before the first byte of the reply. */
  loseNextReply(): void;
  /** Cuts all connections now and then continues as before. */
  cut(): void;
  /** How many replies were lost so far. */
  lostReplies(): number;
  /** The number of round trips so far. Everything that a client sends before an answer counts as one; messages without a reply do not count. */
  roundTrips(): number;
  close(): Promise<void>;
}

/** A TCP proxy between a client and a real server on this machine, which simulates network faults. Calls `onFault` for each one. */
export async function startFaultProxy(targetPort: number, onFault: () => void = () => undefined): Promise<FaultProxy> {
  let mode: 'pass' | 'refuse' | 'black-hole' | 'hold' = 'pass';
  const held: (() => void)[] = [];
  let delayMs = 0;
  let armed: { fault: RequestFault; which: 'next' | 'all' } | null = null;
  let lost = 0;
  let roundTrips = 0;
  const pairs = new Set<{ client: Socket; server: Socket }>();

  const listener = createServer((client) => {
    if (mode === 'refuse') return void client.resetAndDestroy();
    const server = connect(targetPort, '127.0.0.1');
    const pair = { client, server };
    pairs.add(pair);
    let losesReply = false;
    let deaf = false;
    let mute = false;
    let asking = false;

    const forward = (to: Socket, chunk: Buffer, ms = delayMs) => {
      if (mode === 'hold') held.push(() => to.writable && to.write(chunk));
      else if (ms > 0) setTimeout(() => to.writable && to.write(chunk), ms);
      else to.write(chunk);
    };
    // TCP streams have no gaps, so a connection that lost a byte never gets a later one.
    const swallow = () => {
      deaf = true;
      mute = true;
    };
    client.on('data', (chunk) => {
      if (!isAside(chunk)) {
        if (!asking) roundTrips++;
        asking = true;
      }
      if (deaf) return;
      if (mode === 'black-hole') return swallow();
      const fault = armed?.fault;
      if (armed?.which === 'next') armed = null;
      if (fault === undefined) return forward(server, chunk);
      countFaults();
      onFault();
      if (fault === 'cut') return void end();
      deaf = fault === 'swallow';
      mute = fault === 'swallow' || fault === 'swallow the reply';
      losesReply = fault === 'lose the reply';
      if (!deaf) forward(server, chunk, typeof fault === 'object' ? fault.lateMs : delayMs);
    });
    server.on('data', (chunk) => {
      asking = false;
      if (mute) return;
      if (mode === 'black-hole') return swallow();
      if (losesReply) {
        lost++;
        return void end();
      }
      forward(client, chunk);
    });
    const end = () => {
      pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('close', end);
    }
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));

  const cut = () => {
    for (const { client, server } of [...pairs]) {
      client.destroy();
      server.destroy();
    }
    pairs.clear();
  };

  return {
    port: (listener.address() as AddressInfo).port,
    pass() {
      mode = 'pass';
      armed = null;
      for (const go of held.splice(0)) go();
    },
    refuse() {
      mode = 'refuse';
      countFaults();
      cut();
    },
    blackHole() {
      mode = 'black-hole';
      countFaults();
    },
    hold() {
      mode = 'hold';
      countFaults();
    },
    delay(ms) {
      delayMs = ms;
      if (ms > 0) countFaults();
    },
    fail(fault, which) {
      armed = { fault, which };
    },
    loseNextReply() {
      armed = { fault: 'lose the reply', which: 'next' };
    },
    cut,
    lostReplies: () => lost,
    roundTrips: () => roundTrips,
    async close() {
      cut();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}

/** MySQL packets that belong to no statement: COM_PING, and COM_STMT_CLOSE, which has no reply. No other protocol here has such packets. */
function isAside(chunk: Buffer): boolean {
  return chunk.length <= 90 && /^(?:010000000e|0500000019[0-9a-f]{8})+$/.test(chunk.toString('hex'));
}
