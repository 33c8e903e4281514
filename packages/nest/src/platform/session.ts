import { MfaError, type MfaSession } from '@mfa-kit/core';
import { type SessionPort, type StoreSession, storeSessionPort } from '@mfa-kit/core/http';
import type { AnyMfaOptions, MfaRequest, MfaSessionFunctions } from '../mfa.options.js';

const NO_SESSION =
  'There is no session on this request. Register express-session, @fastify/session or @fastify/secure-session before the kit, its ' +
  'guard and the login; on a socket, run the session middleware when it opens. Otherwise set the option session to { read, write }, ' +
  'or to false if all clients send tokens.';

/** A session that lives in the cookie itself, as with @fastify/secure-session. It has no store, and no id to renew. */
interface CookieSession {
  get(name: 'mfa'): unknown;
  set(name: 'mfa', value: MfaSession | undefined): void;
  data(): object;
}

/** Returns where the MFA state of one request is stored; null if the request is authenticated by a token. */
export function openSession(options: AnyMfaOptions, request: MfaRequest): SessionPort | null | Promise<SessionPort | null> {
  const { session } = options;
  if (session === false) return null;
  if (session) return openHostSession(session, request);
  const known = sessionOf(request);
  if (isCookieSession(known)) return cookieSessionPort(known);
  // A client with a token may have no session, or one that the kit cannot renew and therefore does not use.
  if (options.assurance && (!known || (!isStoreSession(known) && request.headers.authorization !== undefined))) return null;
  if (!isStoreSession(known)) throw new MfaError('host_setup', NO_SESSION);
  return storeSessionPort(() => {
    const present = sessionOf(request);
    if (!isStoreSession(present)) throw new MfaError('host_setup', NO_SESSION);
    return present;
  }, request);
}

async function openHostSession(session: MfaSessionFunctions, request: MfaRequest): Promise<SessionPort> {
  const state = await session.read(request);
  return {
    read: () => state,
    reread: async () => ({ state: await session.read(request) }),
    write: (next, how) => session.write(request, next, how),
  };
}

/**
 * Reads the session of an open socket again, because what came with the request that opened it may have ended since. False
 * when the store no longer has it.
 */
export async function refreshSession(request: MfaRequest): Promise<boolean> {
  const session = sessionOf(request);
  if (!isStoreSession(session) || !('reload' in session) || typeof session.reload !== 'function') return true;
  const { reload } = session;
  return new Promise((resolve) => {
    reload.call(session, (error: unknown) => resolve(error === undefined || error === null));
  });
}

function cookieSessionPort(session: CookieSession): SessionPort {
  return {
    read: () => session.get('mfa'),
    // The old cookie stays valid, but it says what it said before the proof.
    async write(next) {
      session.set('mfa', next);
    },
  };
}

function sessionOf(request: MfaRequest): unknown {
  return 'session' in request ? request.session : undefined;
}

function isCookieSession(session: unknown): session is CookieSession {
  const { get, set, data, save } = (session ?? {}) as Record<string, unknown>;
  return typeof get === 'function' && typeof set === 'function' && typeof data === 'function' && save === undefined;
}

function isStoreSession(session: unknown): session is StoreSession {
  const { save, regenerate } = (session ?? {}) as Record<string, unknown>;
  return typeof save === 'function' && typeof regenerate === 'function';
}
