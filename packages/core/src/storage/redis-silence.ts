import { timers } from '../time.js';
import type { RedisSend } from './redis-client.js';

/** The part of a node-redis client that reopens its connection. */
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
/** A connection that is not ready by then was caught by an outage during its handshake. */
const UNREADY_MS = 4000;

export function isReopenable(client: object): client is ReopenableRedis {
  const { isReady, connect, destroy } = client as Partial<ReopenableRedis>;
  return typeof isReady === 'boolean' && typeof connect === 'function' && typeof destroy === 'function';
}

/**
 * Sends, and reopens a connection that has fallen silent. node-redis waits until the operating system gives up, which takes a quarter of an
 * hour: its `socketTimeout` starts again with each command that is written, and its command time-out leaves the connection as it is.
 */
export function reopeningWhenSilent(client: ReopenableRedis, send: RedisSend): RedisSend {
  let timer: ReturnType<typeof setTimeout> | undefined;

  /** Starts with the first command after which nothing was received. */
  function watch(): void {
    if (timer !== undefined || !client.isOpen) return;
    const wasReady = client.isReady;
    const epoch = client.socketEpoch;
    timer = timers.setTimeout(
      () => {
        timer = undefined;
        if (!client.isOpen || client.isReady !== wasReady || client.socketEpoch !== epoch) return;
        client.destroy();
        // Until it succeeds, each command rejects with the reason.
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

/** An error from the server begins with its code: `WRONGTYPE Operation against ...`. Errors of the client do not. */
function isFromServer(error: unknown): boolean {
  return error instanceof Error && /^[A-Z]{3,}\b/.test(error.message);
}
