import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface FaultProxy {
  port: number;
  /** Forwards again. What was swallowed is lost; connections whose bytes were swallowed stay half open until somebody gives up. */
  pass(): void;
  /** Cuts every connection, and each new one at once. */
  refuse(): void;
  /** Swallows every byte in both directions. Connections stay open, and new ones are accepted. */
  blackHole(): void;
  /** Holds every chunk back for so long. 0: no longer. */
  delay(ms: number): void;
  /** Forwards the next request of any connection, and cuts the connection when the reply comes, without a byte of it. */
  loseNextReply(): void;
  /** Cuts all connections now and goes on as before. */
  cut(): void;
  /** How many replies were lost so far. */
  lostReplies(): number;
  close(): Promise<void>;
}

/** A TCP proxy between a client and a real server on this machine, to bring about what networks do. */
export async function startFaultProxy(targetPort: number): Promise<FaultProxy> {
  let mode: 'pass' | 'refuse' | 'black-hole' = 'pass';
  let delayMs = 0;
  let armed = false;
  let lost = 0;
  const pairs = new Set<{ client: Socket; server: Socket }>();

  const listener = createServer((client) => {
    if (mode === 'refuse') return void client.resetAndDestroy();
    const server = connect(targetPort, '127.0.0.1');
    const pair = { client, server };
    pairs.add(pair);
    let losesReply = false;

    const forward = (to: Socket, chunk: Buffer) => {
      if (delayMs > 0) setTimeout(() => to.writable && to.write(chunk), delayMs);
      else to.write(chunk);
    };
    client.on('data', (chunk) => {
      if (mode === 'black-hole') return;
      if (armed) {
        armed = false;
        losesReply = true;
      }
      forward(server, chunk);
    });
    server.on('data', (chunk) => {
      if (mode === 'black-hole') return;
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
    },
    refuse() {
      mode = 'refuse';
      cut();
    },
    blackHole() {
      mode = 'black-hole';
    },
    delay(ms) {
      delayMs = ms;
    },
    loseNextReply() {
      armed = true;
    },
    cut,
    lostReplies: () => lost,
    async close() {
      cut();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}
