import { createHmac, timingSafeEqual } from 'node:crypto';

const NOTHING = new Uint8Array();

/** HMAC-SHA-256 over the parts, each with its length before it, so that no two lists of parts give the same bytes. */
export function keyedDigest(key: Uint8Array, parts: readonly string[], encoding: 'base64url' | 'hex'): string {
  return createHmac('sha256', key).update(lengthPrefixed(parts)).digest(encoding);
}

/** HMAC-SHA-256 over a text, as base64url. For formats that are defined elsewhere; otherwise use {@link keyedDigest}. */
export function hmacSha256(key: Uint8Array, text: string): string {
  return createHmac('sha256', key).update(text, 'utf8').digest('base64url');
}

/** HMAC-SHA-1, which TOTP is defined with (RFC 6238). Use it for nothing else. */
export function hmacSha1(key: Uint8Array, data: Uint8Array): Buffer {
  return createHmac('sha1', key).update(data).digest();
}

/** Compares without telling by its time where the difference is; strings of other length are unequal. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && timingSafeEqual(a, b);
}

/** Each part as UTF-8 with its length as four bytes before it; then the tail, if there is one, as it is. */
export function lengthPrefixed(parts: readonly string[], tail: Uint8Array = NOTHING): Buffer {
  let length = tail.byteLength;
  for (const part of parts) length += 4 + Buffer.byteLength(part, 'utf8');
  const bytes = Buffer.allocUnsafe(length);
  let at = 0;
  for (const part of parts) {
    const written = bytes.write(part, at + 4, 'utf8');
    bytes.writeUInt32BE(written, at);
    at += 4 + written;
  }
  bytes.set(tail, at);
  return bytes;
}
