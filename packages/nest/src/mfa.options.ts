import type { IncomingHttpHeaders } from 'node:http';
import { type Assurance, type EventContext, type Mfa, MfaError, type MfaSession, type MfaUser } from '@mfa-kit/core';
import { type Awaitable, checkFunctions, checkNames, createHttpKit, type HttpOptions } from '@mfa-kit/core/http';
import type { Abstract, DynamicModule, ExecutionContext, InjectionToken, Type } from '@nestjs/common';

/** A request of either platform, as far as the kit reads it; a host's own type has more. */
export interface MfaRequest {
  method?: string | undefined;
  url?: string | undefined;
  headers: IncomingHttpHeaders;
}

/** Who calls: the request, and the way it came. */
export interface MfaCaller<Request = MfaRequest> {
  /** The platform's own request. Of a socket, the request that opened it. */
  request: Request;
  transport: 'http' | 'graphql' | 'websocket' | 'other';
  /** The socket, in a gateway. */
  client?: object | undefined;
}

/** Where the host keeps a session's MFA state, for sessions that the kit does not know. */
export interface MfaSessionFunctions<Request = MfaRequest> {
  /** Of an open socket: the state as the store has it now, so that a logout ends it. */
  read(request: Request): unknown;
  /**
   * Replaces the state (undefined: clears it) and resolves when the store has it. `renew`: under a new session id, keeping
   * what else is in the session; the old id must be dead. Rejects when the store did not take it.
   */
  write(request: Request, next: MfaSession | undefined, options: { renew: boolean }): Promise<unknown>;
}

/** What the module takes, beside where its endpoints are. `Request`: the platform's own, for the callbacks. */
export interface MfaModuleOptions<User extends MfaUser = MfaUser, Request = MfaRequest>
  extends Omit<HttpOptions<User, Request>, 'path'> {
  /** What `createMfa()` gave. */
  mfa: Mfa<User>;
  /** The person at the keyboard, also while somebody else is impersonated; nothing when nobody is logged in. */
  user(caller: MfaCaller<Request>): Awaitable<User | null | undefined | false>;
  /** `true`: the host's own marker says that this handler is open. Not asked where a decorator of the kit speaks. */
  isPublic?: ((context: ExecutionContext) => Awaitable<boolean>) | undefined;
  /** The request behind a context that the kit does not know, or knows wrongly; nothing: as the kit finds it. */
  request?: ((context: ExecutionContext) => Request | null | undefined) | undefined;
  /**
   * What a bearer token that you have verified says is proven: what `assuranceFromClaims` reads in its claims; `null` if the request
   * was authenticated by a token without facts; `undefined` for any other request, such as one that has a session or an invalid token.
   *
   * Not called if the session has MFA state of the user. Without a header `Authorization`, `null` counts as `undefined`.
   */
  assurance?: ((request: Request) => Awaitable<Assurance | null | undefined>) | undefined;
  /** Facts for the audit trail: address, agent, request id. */
  eventContext?: ((request: Request) => EventContext) | undefined;
  /** Default: express-session, @fastify/session or @fastify/secure-session. `false`: all clients come with tokens. */
  session?: MfaSessionFunctions<Request> | false | undefined;
}

/** Where the endpoints are, and what else Nest must know before the options are there. */
export interface MfaModuleExtras {
  /** Default `/mfa`, below the global prefix if there is one. */
  path?: string | undefined;
  isGlobal?: boolean | undefined;
  /** For the kit's controller: a host's own `@Public()`, `@SkipThrottle()`, `@ApiExcludeController()`. */
  controllerDecorators?: readonly ClassDecorator[] | undefined;
}

/** A provider that makes the options. */
export interface MfaOptionsFactory<User extends MfaUser = MfaUser, Request = MfaRequest> {
  createMfaOptions(): Awaitable<MfaModuleOptions<User, Request>>;
}

/** What `forRootAsync` takes: one of `useFactory`, `useClass`, `useExisting`. */
export interface MfaModuleAsyncOptions<User extends MfaUser = MfaUser, Request = MfaRequest> extends MfaModuleExtras {
  imports?: DynamicModule['imports'] | undefined;
  inject?: InjectionToken[] | undefined;
  // Written as a method, so that a factory may name the types of what is injected.
  useFactory?: ((...injected: never[]) => Awaitable<MfaModuleOptions<User, Request>>) | undefined;
  useClass?: Type<MfaOptionsFactory<User, Request>> | undefined;
  useExisting?: Type<MfaOptionsFactory<User, Request>> | Abstract<MfaOptionsFactory<User, Request>> | symbol | string | undefined;
}

/** The options with types forgotten: what the module's own parts are given. */
export type AnyMfaOptions = MfaModuleOptions<MfaUser, MfaRequest>;

/** Throws unless the options are good; says how to mend them. */
export function checkMfaOptions(given: AnyMfaOptions, path: string | undefined): AnyMfaOptions {
  const { mfa, user, isPublic, request, assurance, eventContext, session, ...http } = given ?? {};
  if (given === undefined || ('path' in http && http.path !== undefined)) {
    throw new MfaError('invalid_option', 'Give the options of MfaModule, and "path" beside useFactory, not in what it returns.');
  }
  checkNames(http, []);
  checkFunctions({ isPublic, request, assurance, eventContext }, ['isPublic', 'request', 'assurance', 'eventContext']);
  if (typeof mfa?.checkAccess !== 'function') throw new MfaError('invalid_option', 'mfa must be what createMfa() returned.');
  if (typeof user !== 'function') {
    throw new MfaError('invalid_option', 'user is missing: give ({ request }) => request.user && { id: ..., name: ... }.');
  }
  const complete = typeof session === 'object' && typeof session?.read === 'function' && typeof session.write === 'function';
  if (session !== undefined && session !== false && !complete) {
    throw new MfaError('invalid_option', 'session must be { read, write }, or false when there are no sessions, or be left out.');
  }
  createHttpKit(mfa, { ...http, ...(path !== undefined && { path }) });
  return given;
}
