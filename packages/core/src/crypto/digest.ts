import { createHmac, timingSafeEqual } from 'node:crypto';

/** HMAC-SHA-256 over the parts, each with its length before it, so that no two lists of parts give the same bytes. */
export function keyedDigest(key: Uint8Array, parts: readonly string[]): Uint8Array {
  return createHmac('sha256', key).update(lengthPrefixed(parts)).digest();
}

/** Compares without telling by its time where the difference is; strings of other length are unequal. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && timingSafeEqual(a, b);
}

/** Each part as UTF-8 with its length as four bytes before it. */
export function lengthPrefixed(parts: readonly string[]): Uint8Array {
  const lengths = parts.map((part) => Buffer.byteLength(part, 'utf8'));
  const bytes = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + 4 + length, 0));
  let at = 0;
  parts.forEach((part, index) => {
    at = bytes.writeUInt32BE(lengths[index] ?? 0, at);
    at += bytes.write(part, at, 'utf8');
  });
  return bytes;
}
