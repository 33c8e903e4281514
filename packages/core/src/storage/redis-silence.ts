import { timers } from '../time.js';
import type { RedisSend } from './redis-client.js';

/** The part of a node-redis client that opens its connection again. */
export interface ReopenableRedis {
  readonly isOpen: boolean;
  readonly isReady: boolean;
  /** Counts the connections of the client. */
  readonly socketEpoch?: number;
  connect(): Promise<unknown>;
  destroy(): void;
}

/** A connection without an answer for this long is closed. This is longer than core waits for one call. */
const SILENT_MS = 3000;
/** A connection that is not ready by then has met an outage in the middle of its handshake. */
const UNREADY_MS = 4000;

export function isReopenable(client: object): client is ReopenableRedis {
  const { isReady, connect, destroy } = client as Partial<ReopenableRedis>;
  return typeof isReady === 'boolean' && typeof connect === 'function' && typeof destroy === 'function';
}

/**
 * Sends, and opens the connection again when it has fallen silent. node-redis waits for it until the operating system gives up,
 * which takes a quarter of an hour: its `socketTimeout` starts again with each command that is written, and its time-out of a
 * command leaves the connection as it is.
 */
export function reopeningWhenSilent(client: ReopenableRedis, send: RedisSend): RedisSend {
  let timer: ReturnType<typeof setTimeout> | undefined;

  /** Begins with the first command that nothing has been heard since. */
  function watch(): void {
    if (timer !== undefined || !client.isOpen) return;
    const wasReady = client.isReady;
    const epoch = client.socketEpoch;
    timer = timers.setTimeout(
      () => {
        timer = undefined;
        if (!client.isOpen || client.isReady !== wasReady || client.socketEpoch !== epoch) return;
        client.destroy();
        // Until it succeeds, each command says why not.
        client.connect().catch(() => undefined);
      },
      wasReady ? SILENT_MS : UNREADY_MS,
    );
    timer.unref();
  }

  function heard(): void {
    if (!client.isReady) return;
    timers.clearTimeout(timer);
    timer = undefined;
  }

  return async (...args) => {
    watch();
    try {
      const reply = await send(...args);
      heard();
      return reply;
    } catch (error) {
      if (isFromServer(error)) heard();
      throw error;
    }
  };
}

/** What the server answered begins with its code: `WRONGTYPE Operation against ...`. The errors of the client do not. */
function isFromServer(error: unknown): boolean {
  return error instanceof Error && /^[A-Z]{3,}\b/.test(error.message);
}
