import type { Assurance, MfaSession } from '../assurance.js';
import type { Awaitable } from '../awaitable.js';
import type { EventContext } from '../events.js';
import type { MfaUser } from '../options.js';

/**
 * One request as the HTTP layer needs it: everything that a framework's wrapper supplies.
 *
 * Names of headers are lower case. Only `user`, `session` and `assurance`, which come from the host, are trusted.
 */
export interface MfaExchange<User extends MfaUser = MfaUser, Request = unknown> {
  /** The framework's own request, for the callbacks of the host. */
  request: Request;
  method: string;
  /** Path and query as the server got them, mount prefix included: the source of `returnTo`. */
  url: string;
  /** The value, repeated headers joined as Node does; undefined when absent. */
  header(name: string): string | undefined;
  /**
   * What the host's parser made of the body, or its bytes or text when no parser saw it; undefined when there was none.
   * A reader of bytes may stop once it has more than {@link BODY_LIMIT_BYTES}.
   */
  body(): Promise<unknown>;
  /** The user who is logged in; null, undefined or false when nobody is. If it throws, the request is denied. */
  user(): Awaitable<User | null | undefined | false>;
  /** The host's session, or null when the request has none (a bearer client). */
  session: SessionPort | null;
  /** Set if the host did not say in time what the session holds. Then nobody knows who acts, and every answer is `unavailable`. */
  late?: boolean | undefined;
  /**
   * For hosts whose access tokens carry the assurance: facts; null for a request that was authenticated by a token without facts;
   * undefined for any other. Not asked where the session has state of the user.
   */
  assurance?: (() => Awaitable<Assurance | null | undefined>) | undefined;
  /** Facts about the request for the audit trail. */
  eventContext(): EventContext | undefined;
  /** Adds one `Set-Cookie` line to the answer, whether the kit or the host writes it. */
  setCookie(line: string): void;
}

/** Where the host keeps one session's MFA state. */
export interface SessionPort {
  /** The state, unchecked: it may be anything that an older version or another user left. */
  read(): unknown;
  /**
   * What the session's store has now, without a change to the session of the request; null once the store has no such session. Absent
   * where there is no store to ask: then {@link read} is asked again.
   */
  reread?: (() => Promise<{ state: unknown } | null>) | undefined;
  /**
   * Replaces the state and waits until the session store has it. `renew`: under a new session id, keeping what else the
   * host stored there. Rejects when the store did not take it; then nothing was granted, and a later save of the same
   * session must not grant it either.
   */
  write(next: MfaSession | undefined, options: { renew: boolean }): Promise<unknown>;
}

/** A body may have this many bytes; a longer one is answered with 400. */
export const BODY_LIMIT_BYTES = 4096;

/** A finished answer as plain data. Cookies are not in it: they went through {@link MfaExchange.setCookie}. */
export interface HttpAnswer {
  status: number;
  headers: [name: string, value: string][];
  body: string;
}

/** Path and query of a request target: a client may send the whole URL there (RFC 9112 section 3.2.2). */
export function pathAndQuery(target: string): string {
  const [origin] = /^https?:\/\/[^/?#]*/i.exec(target) ?? [];
  if (origin === undefined) return target;
  const rest = target.slice(origin.length);
  return rest.startsWith('/') ? rest : `/${rest}`;
}
