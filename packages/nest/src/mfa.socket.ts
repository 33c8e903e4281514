import { type Problem, SOCKET_CLOSE_CODE } from '@mfa-kit/core/http';
import type { MfaException } from './mfa.exception.js';

const EVENT = 'exception';

/** The refusal as Nest's filters for gateways tell it to the client: event `exception` with the problem document. */
export async function socketException(exception: MfaException): Promise<Error> {
  // Only hosts with gateways have this package.
  const { WsException } = await import('@nestjs/websockets');
  return Object.assign(new WsException(exception.problem), { cause: exception });
}

/** Tells a client why, and closes its socket: of socket.io, or one that is a WebSocket itself. */
export function closeSocket(client: object, problem: Problem): void {
  const { readyState, send, close, emit, disconnect } = client as Record<string, unknown>;
  if (typeof readyState === 'number' && typeof send === 'function' && typeof close === 'function') {
    send.call(client, JSON.stringify({ event: EVENT, data: problem }));
    close.call(client, SOCKET_CLOSE_CODE, problem.reason);
    return;
  }
  if (typeof emit === 'function') emit.call(client, EVENT, problem);
  if (typeof disconnect === 'function') disconnect.call(client, true);
}
