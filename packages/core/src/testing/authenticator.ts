import { generateSync } from 'otplib';
import { MfaError } from '../errors.js';
import { parseKey, stepAt } from '../factors/totp/totp.js';

/** An authenticator app for tests. */
export interface VirtualAuthenticator {
  /** Returns the 6-digit code at an instant, in epoch milliseconds. */
  code(now: number): string;
}

/** Creates an authenticator from the URI of a QR code (`otpauth://`) or from a key. */
export function createAuthenticator(uriOrKey: string): VirtualAuthenticator {
  const key = uriOrKey.startsWith('otpauth:') ? new URL(uriOrKey).searchParams.get('secret') : uriOrKey;
  if (!key) throw new MfaError('invalid_argument', 'The URI has no "secret". Pass the uri of startEnrollment, or its manualKey.');
  const secret = parseKey(key);
  return { code: (now) => generateSync({ strategy: 'hotp', secret, counter: stepAt(now) }) };
}
