import type { Assurance, MfaSession } from '../assurance.js';
import type { EventContext } from '../events.js';
import type { MfaUser } from '../options.js';

/**
 * One request as the HTTP layer needs it: what a framework's wrapper supplies, and the whole of what it supplies.
 *
 * Names of headers are lower case. Nothing here is trusted but `user`, `session` and `assurance`, which are the host's word.
 */
export interface MfaExchange<User extends MfaUser = MfaUser> {
  method: string;
  /** Path and query as the browser sent them, mount prefix included: the source of `returnTo`. */
  url: string;
  /** The value, repeated headers joined as Node does; undefined when absent. */
  header(name: string): string | undefined;
  /** The parsed body of a JSON or form request; undefined when there was none. */
  body: unknown;
  /** The person at the keyboard; null when nobody is logged in. May throw: the request is then denied. */
  user(): Promise<User | null>;
  /** The host's session, or null when the request has none (a bearer client). */
  session: SessionPort | null;
  /** For hosts whose access tokens carry the assurance; null otherwise. */
  assurance(): Promise<Assurance | null>;
  /** Facts about the request for the audit trail. */
  eventContext(): EventContext | undefined;
}

/** Where the host keeps one session's MFA state. */
export interface SessionPort {
  /** The state, unchecked: it may be anything that an older version or another user left. */
  read(): unknown;
  /**
   * Replaces the state and waits until the session store has it. `renew`: under a new session id, keeping what else the
   * host stored there. Rejects when the store did not take it; then nothing was granted.
   */
  write(next: MfaSession | undefined, options: { renew: boolean }): Promise<void>;
}

/** A finished answer as plain data. */
export interface HttpAnswer {
  status: number;
  /** In order; `set-cookie` may repeat. */
  headers: [name: string, value: string][];
  body: string;
}
