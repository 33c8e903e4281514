import type { MfaSession } from '../../assurance.js';
import { createWarn } from '../../warnings/once.js';
import type { SessionPort } from '../exchange.js';

type Done = (error?: unknown) => void;

/** A session in a store, as express-session and similar packages create it: a request's `session`. */
export interface StoreSession {
  cookie: object;
  mfa?: unknown;
  /** Its id, as express-session or @fastify/session names it. */
  readonly id?: string;
  readonly sessionId?: string;
  /** Replaces the request's session by an empty one with a new id, and ends the old id in the store. */
  regenerate(done: Done): unknown;
  save(done: Done): unknown;
}

/**
 * Keeps the MFA state in a session that a store keeps.
 *
 * `present` returns the request's current session, because renewing replaces it, and throws if there is none. `request` allows a later read
 * from the store.
 */
export function storeSessionPort(present: () => StoreSession, request?: object): SessionPort {
  return {
    read: () => readState(present()),
    ...(request && hasStore(request) && { reread: () => readStore(request) }),
    write: async (next, { renew }) => {
      if (renew) return renewSession(present, next);
      return endedIds.has(idOf(present()) ?? '') ? saveEnded(present, next, request) : saveSession(present(), next);
    },
  };
}

/**
 * Saves if another request renewed the id while this one ran. Saving under the old id would bring it back, so a session that is still in
 * the store gets a new id.
 */
async function saveEnded(present: () => StoreSession, next: MfaSession | undefined, request: object | undefined): Promise<void> {
  if (request && hasStore(request) && (await getStored(request, idOf(present()) ?? '')) === null) {
    throw new Error('The session has ended, because another request has renewed its id.');
  }
  return renewSession(present, next);
}

/** A request as express-session and @fastify/session leave it. */
interface StoredRequest {
  sessionStore: { get(id: string, done: (error: unknown, session?: { mfa?: unknown } | null) => void): unknown };
  sessionID?: string;
  session?: { sessionId?: string };
}

function hasStore(request: object): request is StoredRequest {
  const { sessionStore } = request as Partial<StoredRequest>;
  return typeof sessionStore?.get === 'function';
}

/** Does not use `reload()`, which would replace the request's session: at the end of the request that would overwrite newer changes. */
function readStore(request: StoredRequest): Promise<{ state: unknown } | null> {
  const id = request.sessionID ?? request.session?.sessionId;
  return id === undefined || endedIds.has(id) ? Promise.resolve(null) : getStored(request, id);
}

function getStored({ sessionStore }: StoredRequest, id: string): Promise<{ state: unknown } | null> {
  return new Promise((resolve, reject) => {
    const asked = sessionStore.get(id, (error, stored) => {
      if (error !== undefined && error !== null) reject(error instanceof Error ? error : new Error('The session store failed.'));
      else resolve(stored ? { state: stored.mfa } : null);
    });
    // A store written with async functions may reject instead of calling back.
    Promise.resolve(asked).catch(reject);
  });
}

/** The newest ids that this process has renewed, because a slow request may save such a session again. */
const MAX_ENDED_IDS = 10_000;
const endedIds = new Set<string>();
const warn = createWarn();

/**
 * Reads the state, unless the session's id has ended. Otherwise somebody with the old id could continue after the logout of the new one.
 */
function readState(session: StoreSession): unknown {
  const id = idOf(session);
  if (id === undefined || !endedIds.has(id)) return session.mfa;
  warn('MFA_KIT_SESSION_REVIVED');
  return undefined;
}

function endId(id: string | undefined): void {
  if (id === undefined) return;
  endedIds.add(id);
  if (endedIds.size <= MAX_ENDED_IDS) return;
  for (const oldest of endedIds) {
    endedIds.delete(oldest);
    return;
  }
}

function idOf({ id, sessionId }: StoreSession): string | undefined {
  const known: unknown = id ?? sessionId;
  return typeof known === 'string' ? known : undefined;
}

async function saveSession(session: StoreSession, next: MfaSession | undefined): Promise<void> {
  const before = session.mfa;
  setState(session, next);
  try {
    await settle((done) => session.save(done));
  } catch (error) {
    // What the store refused must not be saved again at the end of the request.
    setState(session, before);
    throw error;
  }
}

/**
 * Moves everything to a new session id and waits for the store, so that a fixed or stolen old id is useless (ASVS 7.2.4).
 *
 * Keeps the lifetime of the host's cookie, even if the login set its own ("stay logged in").
 */
async function renewSession(present: () => StoreSession, next: MfaSession | undefined): Promise<void> {
  const oldId = idOf(present());
  const { cookie, mfa, ...data } = namedFields(present());
  // If the store fails, a pending login stays pending. An older proof never outlives a new login.
  const fallback = next?.state === 'verified' && isPending(mfa) ? mfa : undefined;
  let failed = true;
  try {
    await settle((done) => present().regenerate(done));
    failed = false;
  } finally {
    // Even if the store failed: the user stays logged in, but has proven nothing.
    if (idOf(present()) !== oldId) endId(oldId);
    Object.assign(present(), data);
    Object.assign(present().cookie, cookie);
    if (failed) setState(present(), fallback);
  }
  setState(present(), next);
  try {
    await settle((done) => present().save(done));
  } catch (error) {
    setState(present(), fallback);
    throw error;
  }
}

/** Returns what the host stored. A session's own id and store are behind symbols and must not be copied. */
function namedFields(session: StoreSession): Record<string, unknown> {
  return Object.fromEntries(Object.entries(session));
}

function setState(session: StoreSession, next: unknown): void {
  if (next === undefined) delete session.mfa;
  else session.mfa = next;
}

function isPending(state: unknown): boolean {
  return typeof state === 'object' && state !== null && 'state' in state && state.state === 'pending';
}

function settle(call: (done: Done) => unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    call((error) => {
      if (error === undefined || error === null) resolve();
      else reject(error instanceof Error ? error : new Error('The session store failed.', { cause: error }));
    });
  });
}
