import session, { type SessionData, Store } from 'express-session';
import type { DemoHost } from './host.js';
import type { SessionTable } from './sessions.js';

/** The cookie of a session, for any framework. */
export interface SessionCookie {
  name: string;
  cookie: { httpOnly: true; sameSite: 'lax'; secure: boolean; maxAge: number };
}

/** The cookie of the demo. In production no other site, and no page over http, can set it. */
export function sessionCookie({ production }: DemoHost): SessionCookie {
  return {
    name: production ? '__Host-session' : 'session',
    cookie: { httpOnly: true, sameSite: 'lax', secure: production, maxAge: 8 * 60 * 60 * 1000 },
  };
}

/** express-session with the demo's own table of sessions. */
export function expressSession(host: DemoHost): ReturnType<typeof session> {
  return session({
    ...sessionCookie(host),
    secret: host.sessionSecret,
    store: new DurableStore(host.sessions),
    resave: false,
    saveUninitialized: false,
  });
}

/** A store for express-session that uses the demo's own table of sessions. */
export class DurableStore extends Store {
  readonly #sessions: SessionTable;

  constructor(sessions: SessionTable) {
    super();
    this.#sessions = sessions;
  }

  override get(id: string, done: (error: unknown, session?: SessionData | null) => void): void {
    answer(this.#sessions.read(id) as Promise<SessionData | null>, done);
  }

  override set(id: string, session: SessionData, done: (error?: unknown) => void = ignore): void {
    answer(this.#sessions.write(id, session, expiryOf(session)), done);
  }

  override touch(id: string, session: SessionData, done: (error?: unknown) => void = ignore): void {
    answer(this.#sessions.extend(id, expiryOf(session)), done);
  }

  override destroy(id: string, done: (error?: unknown) => void = ignore): void {
    answer(this.#sessions.end(id), done);
  }
}

function answer<Value>(promise: Promise<Value>, done: (error: unknown, value?: Value) => void): void {
  // Uses setImmediate, so that an exception in the callback does not become a rejection of the promise.
  promise.then(
    (value) => setImmediate(() => done(null, value)),
    (error: unknown) => setImmediate(() => done(error)),
  );
}

function expiryOf(session: SessionData): number {
  const expires = session.cookie.expires;
  return expires ? new Date(expires).getTime() : Date.now() + 8 * 60 * 60 * 1000;
}

function ignore(): void {}
