import { createHmac } from 'node:crypto';

const STEP = 30_000;

/** The user's authenticator app. It is the same for every side and as fast as possible, because it is not measured. */
export function codeAt(secret, instant) {
  return hotp(secret, Math.floor(instant / STEP));
}

/** The code of one step (RFC 4226). */
export function hotp(secret, step) {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const digest = createHmac('sha1', secret).update(counter).digest();
  const value = digest.readUInt32BE((digest.at(-1) ?? 0) & 15) & 0x7fffffff;
  return String(value % 1_000_000).padStart(6, '0');
}

/** The secret of a manual key or of a key URI. */
export function secretOf(key) {
  const bytes = [];
  let bits = 0;
  let value = 0;
  for (const character of key) {
    const digit = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(character);
    if (digit < 0) continue;
    value = ((value << 5) | digit) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((value >> bits) & 0xff);
    }
  }
  return Buffer.from(bytes);
}
