import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

/** A stored row, as any adapter returns it. */
export interface Row {
  userId: string;
  version: string;
  value: string;
}

/** What is needed to open a row with an independent implementation of the layout of release 1. */
export interface Key {
  id: string;
  secret: string;
}

const [IV, TAG] = [12, 16];

/** Returns the profile in a row and the layout around it. Throws if release 1 would not write such a row. */
export function openRow({ userId, version, value }: Row, key: Key, realm = 'mfa-kit') {
  const bytes = Buffer.from(value, 'base64url');
  if (bytes.toString('base64url') !== value) throw new Error('the value is not base64url');
  const idLength = bytes[1] ?? 0;
  const header = bytes.subarray(0, 2 + idLength);
  const keyId = header.toString('latin1', 2);
  if (keyId !== key.id) throw new Error(`sealed by ${keyId}`);
  const decipher = createDecipheriv('aes-256-gcm', profileKey(key, realm), bytes.subarray(header.length, header.length + IV));
  decipher.setAAD(associated([realm, userId, version], header));
  decipher.setAuthTag(bytes.subarray(-TAG));
  const plaintext = Buffer.concat([decipher.update(bytes.subarray(header.length + IV, -TAG)), decipher.final()]);
  return { format: bytes[0], keyId, profile: JSON.parse(plaintext.toString('utf8')) as Record<string, unknown> };
}

/** Seals a profile as release 1 does, for profiles that no flow of release 1 would write. */
export function sealRow(profile: unknown, { userId, version }: Omit<Row, 'value'>, key: Key, realm = 'mfa-kit'): Row {
  const header = Buffer.concat([Buffer.from([1, key.id.length]), Buffer.from(key.id, 'latin1')]);
  const iv = randomBytes(IV);
  const cipher = createCipheriv('aes-256-gcm', profileKey(key, realm), iv);
  cipher.setAAD(associated([realm, userId, version], header));
  const ciphertext = Buffer.concat([cipher.update(JSON.stringify(profile), 'utf8'), cipher.final()]);
  return { userId, version, value: Buffer.concat([header, iv, ciphertext, cipher.getAuthTag()]).toString('base64url') };
}

function profileKey(key: Key, realm: string): Uint8Array {
  const info = lengthPrefixed(['mfa-kit', realm, 'profile']);
  return new Uint8Array(hkdfSync('sha256', Buffer.from(key.secret, 'base64'), new Uint8Array(), info, 32));
}

function associated(parts: readonly string[], header: Uint8Array): Buffer {
  return Buffer.concat([lengthPrefixed(['mfa-kit/profile', ...parts]), header]);
}

function lengthPrefixed(parts: readonly string[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const bytes = Buffer.from(part, 'utf8');
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.byteLength);
      return [length, bytes];
    }),
  );
}
