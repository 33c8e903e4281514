import type { Assurance, MfaSession } from '../assurance.js';
import type { Awaitable } from '../awaitable.js';
import type { EventContext } from '../events.js';
import type { MfaUser } from '../options.js';

/**
 * One request as the HTTP layer needs it: everything that a framework's wrapper supplies.
 *
 * Header names are lower case. Only `user`, `session` and `assurance`, which come from the host, are trusted.
 */
export interface MfaExchange<User extends MfaUser = MfaUser, Request = unknown> {
  /** The framework's own request, for the callbacks of the host. */
  request: Request;
  method: string;
  /** Path and query as the server received them, mount prefix included. `returnTo` is made from them. */
  url: string;
  /** Returns the value of a header, with repeated headers joined as Node does; undefined if it is absent. */
  header(name: string): string | undefined;
  /**
   * Returns what the host's parser made of the body, or its bytes or text if no parser read it; undefined if there was none. A reader of
   * bytes may stop after more than {@link BODY_LIMIT_BYTES}.
   */
  body(): Promise<unknown>;
  /** The user who is logged in; null, undefined or false when nobody is. If it throws, the request is denied. */
  user(): Awaitable<User | null | undefined | false>;
  /** The host's session; null if the request has none (a bearer client). */
  session: SessionPort | null;
  /** Set if the host did not say in time what the session holds. Then the user is unknown, and every answer is `unavailable`. */
  late?: boolean | undefined;
  /**
   * For hosts whose access tokens carry the assurance. Returns facts; null for a request that a token without facts authenticated;
   * undefined for any other. Not called if the session has state of the user.
   */
  assurance?: (() => Awaitable<Assurance | null | undefined>) | undefined;
  /** Facts about the request for the audit trail. */
  eventContext(): EventContext | undefined;
  /** Adds one `Set-Cookie` line to the answer, whether the kit or the host writes it. */
  setCookie(line: string): void;
}

/** Where the host keeps one session's MFA state. */
export interface SessionPort {
  /** Returns the state, unchecked: it may come from an older version or another user. */
  read(): unknown;
  /**
   * Reads what the session's store has now without changing the session of the request; null if the store no longer has the session. Absent
   * if there is no store to read; then {@link read} is called again.
   */
  reread?: (() => Promise<{ state: unknown } | null>) | undefined;
  /**
   * Replaces the state and waits until the session store has it. With `renew`, moves to a new session id and keeps everything else that the
   * host stored. Rejects if the store did not take it; then nothing was granted, and a later save of the same session must not grant it
   * either.
   */
  write(next: MfaSession | undefined, options: { renew: boolean }): Promise<unknown>;
}

/** The maximum size of a body in bytes; a longer one is answered with 400. */
export const BODY_LIMIT_BYTES = 4096;

/** A finished answer as plain data, without its cookies: those went through {@link MfaExchange.setCookie}. */
export interface HttpAnswer {
  status: number;
  headers: [name: string, value: string][];
  body: string;
}

/** Returns path and query of a request target: a client may send the whole URL there (RFC 9112 section 3.2.2). */
export function pathAndQuery(target: string): string {
  const [origin] = /^https?:\/\/[^/?#]*/i.exec(target) ?? [];
  if (origin === undefined) return target;
  const rest = target.slice(origin.length);
  return rest.startsWith('/') ? rest : `/${rest}`;
}
