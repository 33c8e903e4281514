import { MfaError } from '../errors.js';
import { whyMadeUp } from './made-up-key.js';

/** Ends every message about a key that will not do. */
export const HOW_TO_MAKE_A_KEY = 'Make one with: openssl rand -base64 32';

/** A secret that was read, and why it looks as if somebody had made it up, if it does. */
export interface KeySecret {
  secret: Uint8Array;
  /** The end of the sentence "the secret ...". */
  doubt?: string;
}

/** The bytes of a secret: 32 random ones at least, as bytes, base64, base64url or hex (RFC 7518 section 3.2). `name`: for the message. */
export function readKeySecret(name: string, secret: string | Uint8Array): KeySecret {
  if (secret === undefined || secret === null) {
    throw invalid(`${name} is missing: is the environment variable set? ${HOW_TO_MAKE_A_KEY}`);
  }
  const text = typeof secret === 'string' ? secret.trim() : undefined;
  const bytes = text === undefined ? secret : decodeSecret(text, name);
  if (!(bytes instanceof Uint8Array)) throw invalid(`${name} must be a string or bytes. ${HOW_TO_MAKE_A_KEY}`);
  const doubt = whyMadeUp(bytes, text);
  if (bytes.byteLength < 32) {
    const also = doubt === undefined ? '' : ` ${doubt}, and`;
    throw invalid(`${name}${also} has ${bytes.byteLength} bytes; at least 32 random ones are needed. ${HOW_TO_MAKE_A_KEY}`);
  }
  // Thirty-two random bytes have 30 different values on average; one random key in 10^12 has fewer than 20.
  if (new Set(bytes).size < 20) throw invalid(`${name} is not random: its bytes repeat. ${HOW_TO_MAKE_A_KEY}`);
  // Copy it: `Buffer.slice()` shares memory, and the host may zero its buffer.
  return { secret: new Uint8Array(bytes), ...(doubt === undefined ? {} : { doubt }) };
}

function decodeSecret(text: string, name: string): Uint8Array {
  if (/^(?:[0-9a-f]{2})+$/i.test(text) && text.length >= 64) return new Uint8Array(Buffer.from(text, 'hex'));
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) {
    throw invalid(`${name} is not base64, base64url or hex; a passphrase will not do. ${HOW_TO_MAKE_A_KEY}`);
  }
  return new Uint8Array(Buffer.from(text, 'base64'));
}

function invalid(message: string): MfaError {
  return new MfaError('invalid_option', message);
}
