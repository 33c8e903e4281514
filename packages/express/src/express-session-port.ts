import { MfaError } from '@mfa-kit/core';
import { type SessionPort, storeSessionPort } from '@mfa-kit/core/http';
import type { Request } from 'express';
import type { Session, SessionData } from 'express-session';

/** The message if the request has no session. */
export const NO_SESSION =
  'There is no session on this request. Mount app.use(session(...)) before the kit, its guard and the login. (express-session ' +
  'also leaves requests without a session while its store is disconnected.) For clients with tokens only, set session: false.';

/** The message if the session cannot be renewed. */
export const NOT_RENEWABLE =
  'The session on this request has no regenerate() and save(), as with cookie-session, so it cannot be renewed after a proof. Use ' +
  'express-session, or set the option session: { read, write }.';

/** Stores the MFA state in the session of express-session. */
export function expressSessionPort(req: Request): SessionPort {
  present(req);
  return storeSessionPort(() => present(req), req);
}

function present(req: Request): Session & Partial<SessionData> {
  if (!req.session) throw new MfaError('host_setup', NO_SESSION);
  if (typeof req.session.regenerate !== 'function' || typeof req.session.save !== 'function') {
    throw new MfaError('host_setup', NOT_RENEWABLE);
  }
  return req.session;
}
