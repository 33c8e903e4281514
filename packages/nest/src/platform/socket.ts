import { type IncomingMessage, ServerResponse } from 'node:http';
import { MfaError, type Requirement } from '@mfa-kit/core';
import type { HttpAnswer, Problem } from '@mfa-kit/core/http';
import type { MfaException } from '../mfa.exception.js';
import type { MfaRequest } from '../mfa.options.js';

/** A middleware of Express, for example that of the session. */
export type SocketMiddleware = (request: never, response: never, next: (error?: unknown) => void) => unknown;

/** How `guardServer()` checks access before a socket exists. */
export interface MfaSocketOptions {
  /** What a socket requires. Default: the plain requirement. */
  requirement?: Requirement | undefined;
  /** Runs on the request that opens the socket, before the check. For example `[session({ ... })]`, as on the routes. */
  middleware?: readonly SocketMiddleware[] | undefined;
}

/** Decides about a request that opens a socket; undefined allows it. `client` is the socket of socket.io. */
export type Admission = (request: MfaRequest, client?: object) => Promise<{ problem: Problem; answer: HttpAnswer } | undefined>;

type VerifyClient = (
  info: { req: MfaRequest },
  done: (allowed: boolean, status?: number, message?: string, headers?: Record<string, string>) => void,
) => void;

/** A server of ws, or a server or namespace of socket.io. */
interface SocketServer {
  options?: { verifyClient?: unknown };
  handleUpgrade?: unknown;
  on?(event: string, listener: (client: object, request: MfaRequest) => void): unknown;
  use?(middleware: (socket: { request: MfaRequest }, next: (error?: Error) => void) => void): unknown;
}

const guarded = new WeakSet<object>();

/** Whether the kit checks access before this server opens a socket. */
export function isServerGuarded(server: unknown): boolean {
  return typeof server === 'object' && server !== null && guarded.has(server);
}

/** Checks access before the server opens a socket. Calls `opened` with each socket of ws and the request that opened it. */
export function guardSocketServer(server: object, admit: Admission, opened: (client: object, request: MfaRequest) => void): void {
  const { options, handleUpgrade, use, on } = server as SocketServer;
  if (options && typeof handleUpgrade === 'function' && typeof on === 'function') {
    options.verifyClient = verifyClient(options.verifyClient, admit);
    on.call(server, 'connection', opened);
  } else if (typeof use === 'function') {
    use.call(server, (socket, next) => {
      void admit(socket.request, socket).then((refused) =>
        next(refused && Object.assign(new Error(refused.problem.title), { data: refused.problem })),
      );
    });
  } else {
    throw new MfaError(
      'host_setup',
      'guardServer() needs the server of a gateway. Write afterInit(server) { this.guard.guardServer(server) }. It supports the servers ' +
        'of ws and the servers and namespaces of socket.io.',
    );
  }
  guarded.add(server);
}

/** Runs Express middleware on a request without a response. Returns false if one of them answered, so the socket is refused. */
export async function runMiddleware(request: MfaRequest, middleware: readonly SocketMiddleware[]): Promise<boolean> {
  const response = new ServerResponse(request as IncomingMessage);
  for (const run of middleware) {
    const goesOn = await new Promise<boolean>((resolve, reject) => {
      response.end = () => {
        resolve(false);
        return response;
      };
      const returned = run(request as never, response as never, (error) =>
        error === undefined || error === null ? resolve(true) : reject(asError(error)),
      );
      Promise.resolve(returned).catch(reject);
    });
    if (!goesOn) return false;
  }
  return true;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('A middleware of guardServer() failed.', { cause: error });
}

/** The refusal as Nest's filters for gateways send it to the client: the event `exception` with the problem document. */
export async function socketException(exception: MfaException): Promise<Error> {
  // Only hosts with gateways have this package.
  const { WsException } = await import('@nestjs/websockets');
  return Object.assign(new WsException(exception.problem), { cause: exception });
}

/** Asks the host's own `verifyClient` first, and then the kit. It has two parameters, because ws looks at their number. */
function verifyClient(before: unknown, admit: Admission): VerifyClient {
  const ask: VerifyClient = (info, done) => {
    void admit(info.req).then((refused) => {
      if (!refused) done(true);
      else done(false, refused.problem.status, refused.answer.body, Object.fromEntries(refused.answer.headers));
    });
  };
  if (typeof before !== 'function') return ask;
  return (info, done) => {
    if (before.length === 2) {
      before(info, (allowed: boolean, ...more: [number?, string?, Record<string, string>?]) =>
        allowed ? ask(info, done) : done(false, ...more),
      );
    } else if (before(info)) ask(info, done);
    else done(false);
  };
}
