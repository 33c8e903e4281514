import type { IncomingMessage } from 'node:http';
import { MfaError, type MfaUser } from '@mfa-kit/core';
import {
  type Awaitable,
  createHttpKit,
  type HttpKit,
  isThenable,
  type MfaExchange,
  pathAndQuery,
  readRequestBody,
  type SessionPort,
} from '@mfa-kit/core/http';
import { RequestMethod } from '@nestjs/common';
import type { ApplicationConfig } from '@nestjs/core';
import type { AnyMfaOptions, MfaCaller, MfaRequest } from '../mfa.options.js';
import { ownBody } from './fastify.js';
import { addCookie, type MfaReply } from './reply.js';
import { openSession } from './session.js';

/** What the module's own parts share. */
export interface MfaHost {
  readonly options: AnyMfaOptions;
  /** The flows with their HTTP options; complete only once the application knows its global prefix. */
  readonly kit: HttpKit<MfaUser, MfaRequest>;
  /** One request as `core` needs it. `read` replaces what the options say of the user or the session. */
  open(call: IncomingCall, read?: HostReaders): Awaitable<MfaExchange<MfaUser, MfaRequest>>;
}

/** A request, and the reply that can carry a cookie; a socket has none. */
export interface IncomingCall {
  caller: MfaCaller;
  reply?: MfaReply | undefined;
}

/** The readers that a guard may replace. */
export interface HostReaders {
  user: AnyMfaOptions['user'];
  session(caller: MfaCaller): ReturnType<typeof openSession>;
}

/** Binds the options to the application. */
export function createMfaHost(options: AnyMfaOptions, path: string, config: ApplicationConfig): MfaHost {
  let kit: HttpKit<MfaUser, MfaRequest> | undefined;
  const readers: HostReaders = {
    user: (caller) => options.user(caller),
    session: ({ request }) => openSession(options, request),
  };
  return {
    options,
    get kit() {
      kit ??= bindKit(options, mountPath(path, config));
      return kit;
    },
    open(call, read = readers) {
      const session = read.session(call.caller);
      if (isThenable(session)) return openLater(options, call, { read, session });
      return new NestExchange(options, call, { read, session, late: false });
    },
  };
}

async function openLater(
  options: AnyMfaOptions,
  call: IncomingCall,
  { read, session: asked }: { read: HostReaders; session: Promise<SessionPort | null> },
): Promise<NestExchange> {
  const opened = await options.mfa.settings.awaitCallback('session', asked);
  return new NestExchange(options, call, { read, session: opened.late ? null : opened.value, late: opened.late });
}

/** A class with getters, because a guard creates one for every request and reads little of it. */
class NestExchange implements MfaExchange<MfaUser, MfaRequest> {
  readonly request: MfaRequest;
  readonly session: SessionPort | null;
  readonly late: boolean;
  readonly assurance: MfaExchange['assurance'];
  readonly #options: AnyMfaOptions;
  readonly #call: IncomingCall;
  readonly #read: HostReaders;

  constructor(
    options: AnyMfaOptions,
    call: IncomingCall,
    { read, session, late }: { read: HostReaders; session: SessionPort | null; late: boolean },
  ) {
    const { request } = call.caller;
    this.request = request;
    this.session = session;
    this.late = late;
    this.assurance = options.assurance && (() => options.assurance?.(request));
    this.#options = options;
    this.#call = call;
    this.#read = read;
  }

  get method(): string {
    return this.request.method ?? '';
  }

  get url(): string {
    return urlOf(this.request);
  }

  header(name: string): string | undefined {
    // Clients of GraphQL are never redirected to a page.
    if (name === 'accept' && this.#call.caller.transport !== 'http') return undefined;
    const value = this.request.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  body(): Promise<unknown> {
    return readBody(this.request);
  }

  user(): ReturnType<AnyMfaOptions['user']> {
    return this.#read.user(this.#call.caller);
  }

  eventContext(): ReturnType<MfaExchange['eventContext']> {
    return this.#options.eventContext?.(this.request);
  }

  setCookie(line: string): void {
    const { reply } = this.#call;
    if (!reply)
      throw new MfaError(
        'host_setup',
        'The kit has to set a cookie, but this call has no reply. Pass the reply to mfaHttp.for(request, reply).',
      );
    addCookie(reply, line);
  }
}

function bindKit(options: AnyMfaOptions, path: string): HttpKit<MfaUser, MfaRequest> {
  const { mfa, user, isPublic, request, assurance, eventContext, session, ...http } = options;
  return createHttpKit(mfa, { ...http, path });
}

/** Returns the path of the controller: below the global prefix, unless the host excluded it. */
function mountPath(path: string, config: ApplicationConfig): string {
  const prefix = config.getGlobalPrefix().replace(/^\/+|\/+$/g, '');
  const excluded = config
    .getGlobalPrefixOptions()
    ?.exclude?.some(({ pathRegex, requestMethod }) => requestMethod === RequestMethod.ALL && pathRegex.test(`${path}/challenge`));
  return prefix === '' || excluded ? path : `/${prefix}${path}`;
}

function urlOf(request: MfaRequest): string {
  const target = 'originalUrl' in request && typeof request.originalUrl === 'string' ? request.originalUrl : request.url;
  return pathAndQuery(target ?? '');
}

/** Fastify has always read the body before a handler runs; on Express a parser may have been left out. */
async function readBody(request: MfaRequest & { body?: unknown }): Promise<unknown> {
  const own = ownBody(request);
  if (own !== undefined) return own;
  return 'readableDidRead' in request ? readRequestBody(request as IncomingMessage) : request.body;
}
