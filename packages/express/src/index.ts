import type { MfaSession } from '@mfa-kit/core';
import type { RequestMfa } from './require-mfa.js';

export type { RequestFlows } from '@mfa-kit/core/http';
export { type ExpressMfa, expressMfa } from './express-mfa.js';
export type { ExpressMfaOptions, ExpressSession } from './express-options.js';
export type { RequestMfa } from './require-mfa.js';
export type { MfaStrategy } from './strategy.js';

declare global {
  namespace Express {
    interface Request {
      /** What the guard found, on a request that it let through. */
      mfa?: RequestMfa;
    }
  }
}

declare module 'express-session' {
  interface SessionData {
    /** The MFA state of this session. Only the kit reads and writes it. */
    mfa: MfaSession;
  }
}
