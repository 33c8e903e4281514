import type { Mfa } from '../mfa.js';
import type { MfaUser } from '../options.js';
import { createWarn } from '../warnings/once.js';
import { type HttpOptions, invalid, type ResolvedHttpOptions, resolveHttpOptions } from './http-options.js';

/** The flows together with the HTTP options: created once by a framework's package and passed to every function of this folder. */
export interface HttpKit<User extends MfaUser = MfaUser, Request = unknown> {
  mfa: Mfa<User>;
  options: ResolvedHttpOptions<User, Request>;
  /** Warns the operator through the process's warnings, once for each code and sentence. */
  warn(code: HttpWarning, sentence: string): void;
}

/** Codes of the HTTP layer's warnings. */
export type HttpWarning =
  | 'MFA_KIT_CROSS_SITE'
  | 'MFA_KIT_ENROLLED_NOT_BOOLEAN'
  | 'MFA_KIT_GUARDED_LOGIN'
  | 'MFA_KIT_LATE_LOGIN'
  | 'MFA_KIT_LOST_USER'
  | 'MFA_KIT_NO_ANSWER'
  | 'MFA_KIT_NO_BEGIN_LOGIN'
  | 'MFA_KIT_NO_ROUTER'
  | 'MFA_KIT_NO_USER_BY_ID'
  | 'MFA_KIT_SESSION_STORE'
  | 'MFA_KIT_UNREAD_TOKEN';

/** Binds flows to HTTP options. Throws an MfaError if an option is invalid. */
export function createHttpKit<User extends MfaUser, Request>(
  mfa: Mfa<User>,
  options: HttpOptions<User, Request>,
): HttpKit<User, Request> {
  if (typeof mfa?.checkAccess !== 'function') invalid('The first argument must be what createMfa() returned.');
  return {
    mfa,
    options: resolveHttpOptions(options),
    warn: createWarn(),
  };
}
