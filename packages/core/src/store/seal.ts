import { createCipheriv, createDecipheriv } from 'node:crypto';
import { lengthPrefixed } from '../crypto/digest.js';
import type { Keyring } from '../crypto/keyring.js';
import { pooledRandomBytes } from '../crypto/random.js';
import { MfaError } from '../errors.js';
import type { Profile } from '../profile/profile.js';
import { fittingJson } from './fit.js';

/** What the sealed bytes belong to; part of what the tag covers. */
export interface SealedAs {
  realm: string;
  userId: string;
  version: string;
}

/** An opened profile, or why it cannot be opened. */
export type Opened =
  | { readable: true; profile: Profile }
  | { readable: false; why: 'unknown_key' | 'unknown_format' | 'tampered' };

const FORMAT = 1;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const KEY_ID = /^[A-Za-z0-9._-]{1,32}$/;

/**
 * Seals a profile for one user and one version: AES-256-GCM with a fresh IV of 96 bits.
 *
 * Layout: format (1 byte), length of the key id (1), key id, IV (12), ciphertext, tag (16); as base64url. Realm, user id and
 * version are associated data, so a row changed or moved to another user does not open.
 */
export function seal(profile: Profile, as: SealedAs, keyring: Keyring): string {
  const key = keyring.bytes('profile', keyring.currentId);
  if (!key) throw new TypeError('the writing key is in the ring');
  const plaintext = fittingJson(profile);
  if (plaintext === undefined) throw new MfaError('invalid_argument', 'The profile has outgrown 48 KB.');
  const header = headerOf(keyring.currentId);
  const iv = pooledRandomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES });
  cipher.setAAD(associated(as, header));
  const ciphertext = cipher.update(plaintext, 'utf8');
  cipher.final();
  return Buffer.concat([header, iv, ciphertext, cipher.getAuthTag()]).toString('base64url');
}

/** Opens what {@link seal} made; anything else is told apart for the operator's events, never for the user. */
export function open(value: string, as: SealedAs, keyring: Keyring): Opened {
  const bytes = Buffer.from(value, 'base64url');
  const format = bytes[0];
  const idLength = bytes[1] ?? 0;
  if (format !== FORMAT) return { readable: false, why: 'unknown_format' };
  const ivAt = 2 + idLength;
  if (bytes.byteLength < ivAt + IV_BYTES + TAG_BYTES) return { readable: false, why: 'tampered' };
  const key = keyring.bytes('profile', bytes.toString('latin1', 2, ivAt));
  if (!key) return { readable: false, why: 'unknown_key' };
  try {
    const iv = bytes.subarray(ivAt, ivAt + IV_BYTES);
    const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES });
    decipher.setAAD(associated(as, bytes.subarray(0, ivAt)));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    const plaintext = decipher.update(bytes.subarray(ivAt + IV_BYTES, -TAG_BYTES));
    // With GCM, final() returns no bytes. It throws if the tag is wrong.
    decipher.final();
    const profile: Profile = JSON.parse(plaintext.toString('utf8'));
    return profile.format === 1 ? { readable: true, profile } : { readable: false, why: 'unknown_format' };
  } catch {
    return { readable: false, why: 'tampered' };
  }
}

/**
 * Id of the key that a sealed value names, whether or not the ring has it. Undefined if {@link seal} cannot have made the value.
 * Verifies nothing.
 */
export function keyIdOf(value: string): string | undefined {
  // Decode only as much of the value as the longest id needs.
  const bytes = Buffer.from(value.slice(0, 48), 'base64url');
  const [format, idLength = 0] = bytes;
  const id = bytes.toString('latin1', 2, 2 + idLength);
  return format === FORMAT && KEY_ID.test(id) && id.length === idLength ? id : undefined;
}

function headerOf(keyId: string): Uint8Array {
  const header = Buffer.allocUnsafe(2 + keyId.length);
  header[0] = FORMAT;
  header[1] = keyId.length;
  header.write(keyId, 2, 'latin1');
  return header;
}

function associated({ realm, userId, version }: SealedAs, header: Uint8Array): Uint8Array {
  return lengthPrefixed(['mfa-kit/profile', realm, userId, version], header);
}
