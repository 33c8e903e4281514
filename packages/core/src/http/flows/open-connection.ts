import { MfaError } from '../../errors.js';
import { timers } from '../../time.js';
import { type Problem, SOCKET_CLOSE_CODE } from '../problem.js';

/** An open connection: a response, a stream or a socket. Each kind ends in its own way. */
export interface Open {
  once(event: string, listener: () => void): unknown;
  /** Responses and streams of Node. */
  destroy?(): unknown;
  destroyed?: boolean;
  writableEnded?: boolean;
  /** ws. */
  readyState?: unknown;
  send?(text: string): unknown;
  close?(code: number, reason: string): unknown;
  terminate?(): unknown;
  /** socket.io. */
  emit?(event: string, data: unknown): unknown;
  disconnect?(close: boolean): unknown;
  disconnected?: boolean;
}

/** The event that tells a client why. Exception filters of Nest gateways use the same name. */
const EVENT = 'exception';
/** A client has this long to answer the close frame. Otherwise one that ignores it would stay until the server times out. */
const GRACE_MS = 1000;
/** `readyState` of ws: the socket is open. */
const OPEN_STATE = 1;

/** Returns the connection that can be ended. For a reply of Fastify that is its response. */
export function openOf(given: unknown): Open {
  const { raw, code } = Object(given) as { raw?: unknown; code?: unknown };
  const open = Object(typeof code === 'function' && raw !== undefined ? raw : given) as Partial<Open>;
  const ends = [open.destroy, open.terminate, open.disconnect].some((end) => typeof end === 'function');
  if (ends && typeof open.once === 'function') return open as Open;
  throw new MfaError('invalid_argument', 'whileAllowed() takes a response, a Node stream, or a socket of ws or socket.io.');
}

/** Whether it is a socket of ws or socket.io, and not a response or stream. */
export function isSocket({ readyState, send, disconnect }: Open): boolean {
  return (typeof readyState === 'number' && typeof send === 'function') || typeof disconnect === 'function';
}

/** Whether it has ended already, or is about to. */
export function isEnded(open: Open): boolean {
  const { readyState } = open;
  const closing = typeof open.terminate === 'function' && typeof readyState === 'number' && readyState > OPEN_STATE;
  return closing || open.destroyed === true || open.writableEnded === true || open.disconnected === true;
}

/**
 * Ends the connection. A socket is told why. A response or stream is cut off: code that still writes to it must not get an error, and what
 * waits in its buffer must not be sent. Never throws.
 */
export function endOpen(open: object, problem: Problem): void {
  const { send, close, terminate, emit, disconnect, destroy, readyState } = open as Open;
  try {
    if (typeof readyState === 'number' && typeof send === 'function' && typeof close === 'function') {
      send.call(open, JSON.stringify({ event: EVENT, data: problem }));
      close.call(open, SOCKET_CLOSE_CODE, problem.reason);
      if (typeof terminate === 'function') timers.setTimeout(() => terminate.call(open), GRACE_MS).unref();
    } else if (typeof disconnect === 'function') {
      if (typeof emit === 'function') emit.call(open, EVENT, problem);
      disconnect.call(open, true);
    } else destroy?.call(open);
  } catch {
    // It was already closing.
    if (typeof terminate === 'function') terminate.call(open);
  }
}
