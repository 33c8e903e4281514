import type { Mfa } from '../mfa.js';
import type { MfaUser } from '../options.js';
import { createWarn, type Warn } from '../warnings/once.js';
import { type HttpOptions, invalid, type ResolvedHttpOptions, resolveHttpOptions } from './http-options.js';

/** The flows together with the HTTP options: created once by a framework's package and passed to every function of this folder. */
export interface HttpKit<User extends MfaUser = MfaUser, Request = unknown> {
  mfa: Mfa<User>;
  options: ResolvedHttpOptions<User, Request>;
  /** Warns the operator through the process's warnings, once for each code and sentence. */
  warn: Warn;
}

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
