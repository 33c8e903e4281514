import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { countFaults } from './proof.js';

/** What befalls one request: a chunk that a client sends. */
export type RequestFault =
  /** The connection ends and the server never sees it. */
  | 'cut'
  /** The server acts on it, and the connection ends when the reply comes, without a byte of it. */
  | 'lose the reply'
  /** The server never sees it, and the connection stays, silent. */
  | 'swallow'
  /** The server acts on it, and the connection stays, silent. */
  | 'swallow the reply'
  /** The server sees it late, when the client may have given up. */
  | { lateMs: number };

export interface FaultProxy {
  port: number;
  /** Forwards again. What was swallowed is lost; connections whose bytes were swallowed stay half open until somebody gives up. */
  pass(): void;
  /** Cuts every connection, and each new one at once. */
  refuse(): void;
  /** Swallows every byte in both directions. Connections stay open, and new ones are accepted. */
  blackHole(): void;
  /** Holds every byte back until `pass()`, as TCP does over an outage that both ends outlive: late, and nothing is lost. */
  hold(): void;
  /** Holds every chunk back for so long. 0: no longer. */
  delay(ms: number): void;
  /** What befalls the next request of any connection, or every one from now on. */
  fail(fault: RequestFault, which: 'next' | 'all'): void;
  /** Forwards the next request of any connection, and cuts the connection when the reply comes, without a byte of it. */
  loseNextReply(): void;
  /** Cuts all connections now and goes on as before. */
  cut(): void;
  /** How many replies were lost so far. */
  lostReplies(): number;
  /** How many round trips there were so far: what a client sends before an answer comes is one, and what it sends aside is none. */
  roundTrips(): number;
  close(): Promise<void>;
}

/** A TCP proxy between a client and a real server on this machine, to bring about what networks do. `onFault`: one befell a request. */
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
    // A stream with a gap would be no TCP: a connection that lost a byte never gets a later one.
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

/** Packets of MySQL that belong to no statement: COM_PING, and COM_STMT_CLOSE, which has no reply. No other protocol here begins so. */
function isAside(chunk: Buffer): boolean {
  return chunk.length <= 90 && /^(?:010000000e|0500000019[0-9a-f]{8})+$/.test(chunk.toString('hex'));
}
