import type { IncomingHttpHeaders } from 'node:http';
import { type Assurance, type EventContext, type Mfa, MfaError, type MfaSession, type MfaUser } from '@mfa-kit/core';
import { type Awaitable, checkFunctions, checkNames, createHttpKit, type HttpOptions } from '@mfa-kit/core/http';
import type { Abstract, DynamicModule, ExecutionContext, InjectionToken, Type } from '@nestjs/common';

/** The fields that the kit reads of a request on either platform. */
export interface MfaRequest {
  method?: string | undefined;
  url?: string | undefined;
  headers: IncomingHttpHeaders;
}

/** Who calls: the request and how it arrived. */
export interface MfaCaller<Request = MfaRequest> {
  /** The platform's own request. For a socket, the request that opened it. */
  request: Request;
  transport: 'http' | 'graphql' | 'websocket' | 'other';
  /** The socket, if a gateway is called. */
  client?: object | undefined;
}

/** Where the host keeps a session's MFA state, for sessions that the kit does not know. */
export interface MfaSessionFunctions<Request = MfaRequest> {
  /** For an open socket, return the state that the store has now, so that a logout ends it. */
  read(request: Request): unknown;
  /**
   * Replaces the state, or clears it if `next` is undefined. Resolves when the store has saved it, and rejects if it could not.
   * With `renew` the session gets a new id and keeps its other data; the old id must stop working.
   */
  write(request: Request, next: MfaSession | undefined, options: { renew: boolean }): Promise<unknown>;
}

/** The options of the module, except those of its path. `Request` is the platform's own type, for the callbacks. */
export interface MfaModuleOptions<User extends MfaUser = MfaUser, Request = MfaRequest>
  extends Omit<HttpOptions<User, Request>, 'path'> {
  /** What `createMfa()` returned. */
  mfa: Mfa<User>;
  /** Returns who is logged in, or null. During impersonation, return the person at the keyboard, not the impersonated user. */
  user(caller: MfaCaller<Request>): Awaitable<User | null | undefined | false>;
  /** Returns `true` if the host's own marker leaves this handler open. Not called if a decorator of the kit decides. */
  isPublic?: ((context: ExecutionContext) => Awaitable<boolean>) | undefined;
  /** Returns the request of a context that the kit does not know or reads wrongly, or nothing to let the kit find it. */
  request?: ((context: ExecutionContext) => Request | null | undefined) | undefined;
  /**
   * Returns what a bearer token proves, after you have verified it: pass its claims to `assuranceFromClaims`. Return `null` if the
   * request was authenticated by a token without these claims, and `undefined` for any other request, such as one with a session
   * or an invalid token.
   *
   * Not called if the session has MFA state of the user. Without a header `Authorization`, `null` counts as `undefined`.
   */
  assurance?: ((request: Request) => Awaitable<Assurance | null | undefined>) | undefined;
  /** Returns facts for the audit trail, for example the address, the user agent and the request id. */
  eventContext?: ((request: Request) => EventContext) | undefined;
  /** Default: express-session, @fastify/session or @fastify/secure-session. Use `false` if all clients send tokens. */
  session?: MfaSessionFunctions<Request> | false | undefined;
}

/** Where the endpoints are, and what else Nest must know before it has the options. */
export interface MfaModuleExtras {
  /** Default `/mfa`, below the global prefix if there is one. */
  path?: string | undefined;
  isGlobal?: boolean | undefined;
  /** Decorators for the kit's controller, for example your own `@Public()` or `@SkipThrottle()`. */
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
  // `never[]` lets a factory declare the types of what is injected.
  useFactory?: ((...injected: never[]) => Awaitable<MfaModuleOptions<User, Request>>) | undefined;
  useClass?: Type<MfaOptionsFactory<User, Request>> | undefined;
  useExisting?: Type<MfaOptionsFactory<User, Request>> | Abstract<MfaOptionsFactory<User, Request>> | symbol | string | undefined;
}

/** The options without their type parameters, for the module's own parts. */
export type AnyMfaOptions = MfaModuleOptions<MfaUser, MfaRequest>;

/** Validates the options. The error says how to fix them. */
export function checkMfaOptions(given: AnyMfaOptions, path: string | undefined): AnyMfaOptions {
  const { mfa, user, isPublic, request, assurance, eventContext, session, ...http } = given ?? {};
  if (given === undefined || ('path' in http && http.path !== undefined)) {
    throw new MfaError(
      'invalid_option',
      'MfaModule needs its options. Set "path" next to useFactory, not in what the factory returns.',
    );
  }
  checkNames(http, []);
  checkFunctions({ isPublic, request, assurance, eventContext }, ['isPublic', 'request', 'assurance', 'eventContext']);
  if (typeof mfa?.checkAccess !== 'function') throw new MfaError('invalid_option', 'mfa must be what createMfa() returned.');
  if (typeof user !== 'function') {
    throw new MfaError('invalid_option', 'user is missing. Write user: ({ request }) => request.user && { id: ..., name: ... }.');
  }
  const complete = typeof session === 'object' && typeof session?.read === 'function' && typeof session.write === 'function';
  if (session !== undefined && session !== false && !complete) {
    throw new MfaError(
      'invalid_option',
      'session must be { read, write }, or false when there are no sessions; leave it out otherwise.',
    );
  }
  createHttpKit(mfa, { ...http, ...(path !== undefined && { path }) });
  return given;
}
