import type { Assurance, MfaUser } from '@mfa-kit/core';
import type { HttpOptions, MfaExchange, SessionPort } from '@mfa-kit/core/http';
import { type ResolvedHttpOptions, resolveHttpOptions } from '../../../../packages/core/src/http/http-options.js';
import type { TestUser } from '../../../support/core-fixture.js';

interface Given {
  method?: string;
  url?: string;
  headers?: Record<string, string>;
  body?: unknown;
  user?: TestUser | null;
  session?: SessionPort | null;
  assurance?: Assurance | null;
  context?: Record<string, unknown>;
}

/** A request as plain data, with the cookies that were set. */
export function exchangeOf(given: Given = {}): MfaExchange<TestUser, string> & { cookies: string[] } {
  const cookies: string[] = [];
  return {
    request: 'request',
    method: given.method ?? 'GET',
    url: given.url ?? '/',
    header: (name) => given.headers?.[name],
    body: async () => given.body,
    user: async () => given.user ?? null,
    session: given.session ?? null,
    assurance: async () => given.assurance ?? null,
    eventContext: () => given.context,
    setCookie: (line) => cookies.push(line),
    cookies,
  };
}

/** A host's session as plain data. */
export function sessionOf(state?: unknown): SessionPort & { state: unknown; renewals: number; fail: boolean } {
  const session = {
    state,
    renewals: 0,
    fail: false,
    read: () => session.state,
    async write(next: unknown, { renew }: { renew: boolean }) {
      if (session.fail) throw new Error('the session store is down');
      if (renew) session.renewals++;
      session.state = next;
    },
  };
  return session;
}

export function httpOptions(options: Partial<HttpOptions<MfaUser, string>> = {}): ResolvedHttpOptions<MfaUser, string> {
  return resolveHttpOptions<MfaUser, string>({ loginUrl: '/login', ...options });
}
