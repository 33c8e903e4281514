import { MfaError, type MfaSession } from '@mfa-kit/core';
import type { SessionPort } from '@mfa-kit/core/http';
import type { Request } from 'express';
import type { Session, SessionData } from 'express-session';

type HostSession = Session & Partial<SessionData>;

/** Says what to mount, and where. */
export const NO_SESSION =
  'There is no session on this request. Mount app.use(session(...)) before the kit, its guard and the login. (express-session ' +
  'also leaves requests without a session while its store is disconnected.) For clients with tokens only, set session: false.';

/** The session of express-session as the place of the MFA state. */
export function expressSessionPort(req: Request): SessionPort {
  if (!req.session) throw new MfaError('host_setup', NO_SESSION);
  return {
    read: () => req.session?.mfa,
    write: (next, { renew }) => (renew ? renewSession(req, next) : saveSession(req, next)),
  };
}

async function saveSession(req: Request, next: MfaSession | undefined): Promise<void> {
  const session = present(req);
  const before = session.mfa;
  setState(session, next);
  try {
    await settle((done) => session.save(done));
  } catch (error) {
    // What the store refused now must not slip in when express-session saves again at the end of the request.
    setState(session, before);
    throw error;
  }
}

/**
 * Moves everything to a new session id and waits for the store: whoever fixed or stole the old id has nothing (ASVS 7.2.4).
 *
 * The lifetime of the host's cookie moves along, also where the login set its own ("stay logged in").
 */
async function renewSession(req: Request, next: MfaSession | undefined): Promise<void> {
  const { cookie, mfa, ...data } = present(req);
  // Where the store fails, a login that waits for its code goes on waiting; an older proof never outlives a new login.
  const fallback = next?.state === 'verified' && mfa?.state === 'pending' ? mfa : undefined;
  let failed = true;
  try {
    await settle((done) => present(req).regenerate(done));
    failed = false;
  } finally {
    // Also when the store failed: the user stays logged in, and has proven nothing.
    Object.assign(present(req), data);
    Object.assign(present(req).cookie, cookie);
    if (failed) setState(present(req), fallback);
  }
  setState(present(req), next);
  try {
    await settle((done) => present(req).save(done));
  } catch (error) {
    setState(present(req), fallback);
    throw error;
  }
}

function setState(session: HostSession, next: MfaSession | undefined): void {
  if (next === undefined) delete session.mfa;
  else session.mfa = next;
}

function present(req: Request): HostSession {
  if (!req.session) throw new MfaError('host_setup', NO_SESSION);
  return req.session;
}

function settle(call: (done: (error?: unknown) => void) => unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    call((error) => {
      if (error === undefined || error === null) resolve();
      else reject(error instanceof Error ? error : new Error('The session store failed.', { cause: error }));
    });
  });
}
