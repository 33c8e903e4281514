import type { Assurance } from '@mfa-kit/core';
import { MfaError } from '@mfa-kit/core';
import type { ExecutionContext } from '@nestjs/common';
import type { AnyMfaOptions, MfaCaller, MfaRequest } from '../mfa.options.js';
import type { IncomingCall } from './host.js';
import { asReply } from './reply.js';

/** The requests that opened sockets. */
const socketRequests = new WeakMap<object, MfaRequest>();
/** What the guard found, by an object that all contexts of one call share, and by handler, because those of one operation run at once. */
const found = new WeakMap<object, { handler: unknown; assurance: Assurance }[]>();
/** Whether any handler of the application reads what was found. If not, nothing is kept. */
let isAsked = false;

/** Returns who calls in a context. Throws if it does not understand the context, and says how to fix that. */
export function readCall(context: ExecutionContext, options: Pick<AnyMfaOptions, 'request'>): IncomingCall {
  const given = options.request?.(context) ?? undefined;
  switch (context.getType<string>()) {
    case 'http':
      return withReply({ request: given ?? context.getArgByIndex(0), transport: 'http' }, context.getArgByIndex(1));
    case 'graphql':
      return readGraphql(context.getArgByIndex(2), given);
    case 'ws':
      return { caller: readSocket(context.switchToWs().getClient(), given) };
    default:
      if (given) return withReply({ request: given, transport: 'other' });
      throw new MfaError(
        'host_setup',
        `MfaGuard does not understand the context "${context.getType<string>()}", so it denies. Set the option request(context) ` +
          'to return its request, or mark the handler with @SkipMfa().',
      );
  }
}

/** Remembers the request that opened a socket. */
export function rememberSocketRequest(client: object, request: MfaRequest): void {
  socketRequests.set(client, request);
}

/** Returns the caller on a socket. socket.io shows the request that opened it; ws does not. */
export function readSocket(client: unknown, given?: MfaRequest): MfaCaller {
  if (!isObject(client)) throw new MfaError('host_setup', 'MfaGuard found no socket in the context, so it denies.');
  const request = given ?? socketRequests.get(client) ?? asRequest(client.request) ?? asRequest(client.handshake);
  if (request) return { request, transport: 'websocket', client };
  throw new MfaError(
    'host_setup',
    'MfaGuard does not know the request that opened this socket, so it denies. Call mfaGuard.checkConnection(client, request) in ' +
      'handleConnection(client, request) of the gateway, or set the option request(context).',
  );
}

/** Makes the guard keep what was proven from now on. */
export function askForAssurance(): void {
  isAsked = true;
}

/** Keeps what was proven in a call that was let through, or that no proof was needed. */
export function rememberAssurance(context: ExecutionContext, assurance: Assurance | undefined): void {
  if (!isAsked) return;
  const anchor = anchorOf(context);
  if (!anchor) return;
  const handler = context.getHandler();
  const others = found.get(anchor)?.filter((known) => known.handler !== handler) ?? [];
  found.set(anchor, assurance ? [...others, { handler, assurance }] : others);
}

/** Returns what the guard found proven in this call; undefined if it asked for no proof, or did not run. */
export function assuranceOf(context: ExecutionContext): Assurance | undefined {
  const anchor = anchorOf(context);
  return anchor && found.get(anchor)?.find(({ handler }) => handler === context.getHandler())?.assurance;
}

/** Over HTTP the context or the request has the reply. A subscription's request opened the socket, and has no reply. */
function readGraphql(graphql: unknown, given: MfaRequest | undefined): IncomingCall {
  const { req, request, res, reply, extra } = isObject(graphql) ? graphql : {};
  const socket = given ? undefined : (requestIn(extra) ?? (isObject(req) ? requestIn(req.extra) : undefined));
  if (socket) return { caller: { request: socket, transport: 'graphql' } };
  const plain = given ?? asRequest(req) ?? asRequest(request) ?? requestIn(reply);
  if (plain) return withReply({ request: plain, transport: 'graphql' }, res ?? reply);
  throw new MfaError(
    'host_setup',
    'MfaGuard found no request in the GraphQL context, so it denies. Return { req, res } from the context of GraphQLModule, or set ' +
      'the option request(context).',
  );
}

function withReply(caller: MfaCaller, reply?: unknown): IncomingCall {
  return { caller, reply: asReply(reply) ?? asReply('res' in caller.request ? caller.request.res : undefined) };
}

function anchorOf(context: ExecutionContext): object | undefined {
  const anchor: unknown = context.getArgByIndex(context.getType<string>() === 'graphql' ? 2 : 0);
  return isObject(anchor) ? anchor : undefined;
}

function requestIn(holder: unknown): MfaRequest | undefined {
  return isObject(holder) ? asRequest(holder.request) : undefined;
}

function asRequest(value: unknown): MfaRequest | undefined {
  return isObject(value) && isObject(value.headers) ? (value as unknown as MfaRequest) : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
