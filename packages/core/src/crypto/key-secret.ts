import { MfaError } from '../errors.js';

/** Ends every message about a key that will not do. */
export const HOW_TO_MAKE_A_KEY = 'Make one with: openssl rand -base64 32';

/** The bytes of a secret: 32 random ones at least, as bytes, base64, base64url or hex (RFC 7518 section 3.2). `name`: for the message. */
export function readKeySecret(name: string, secret: string | Uint8Array): Uint8Array {
  if (secret === undefined || secret === null) {
    throw invalid(`${name} is missing: is the environment variable set? ${HOW_TO_MAKE_A_KEY}`);
  }
  const bytes = typeof secret === 'string' ? decodeSecret(secret, name) : secret;
  if (!(bytes instanceof Uint8Array)) throw invalid(`${name} must be a string or bytes. ${HOW_TO_MAKE_A_KEY}`);
  if (bytes.byteLength < 32) {
    throw invalid(`${name} has ${bytes.byteLength} bytes; at least 32 random ones are needed. ${HOW_TO_MAKE_A_KEY}`);
  }
  // Thirty-two random bytes have 30 different values on average; fewer than 20 is chance once in 10^12 keys.
  if (new Set(bytes).size < 20) throw invalid(`${name} is not random: its bytes repeat. ${HOW_TO_MAKE_A_KEY}`);
  // A copy: slice() of a Buffer is none, and the host may wipe its own.
  return new Uint8Array(bytes);
}

function decodeSecret(secret: string, name: string): Uint8Array {
  const trimmed = secret.trim();
  if (/^(?:[0-9a-f]{2})+$/i.test(trimmed) && trimmed.length >= 64) return new Uint8Array(Buffer.from(trimmed, 'hex'));
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(trimmed)) {
    throw invalid(`${name} is not base64, base64url or hex; a passphrase will not do. ${HOW_TO_MAKE_A_KEY}`);
  }
  if (trimmed.length >= 32 && (!/[a-z]/.test(trimmed) || !/[A-Z]/.test(trimmed))) {
    throw invalid(`${name} looks like a passphrase; it must be random bytes in base64. ${HOW_TO_MAKE_A_KEY}`);
  }
  return new Uint8Array(Buffer.from(trimmed, 'base64'));
}

function invalid(message: string): MfaError {
  return new MfaError('invalid_option', message);
}
