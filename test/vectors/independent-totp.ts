import { createHmac } from 'node:crypto';

/** HOTP as RFC 4226 section 5.3 says it, on node:crypto alone: shares no line with the code under test. */
export function hotp(secret: Uint8Array, counter: bigint, { digits = 6, algorithm = 'sha1' } = {}): string {
  const message = new DataView(new ArrayBuffer(8));
  message.setBigUint64(0, counter);
  const mac = createHmac(algorithm, secret)
    .update(new Uint8Array(message.buffer))
    .digest();
  const offset = (mac.at(-1) ?? 0) % 16;
  const truncated = mac.readUInt32BE(offset) % 2 ** 31;
  return String(truncated % 10 ** digits).padStart(digits, '0');
}

/** TOTP over it (RFC 6238 section 4.2), steps of 30 seconds. `at`: epoch milliseconds. */
export function totp(secret: Uint8Array, at: number, options: { digits?: number; algorithm?: string } = {}): string {
  return hotp(secret, BigInt(Math.floor(at / 30_000)), options);
}

/** Base32 of RFC 4648 section 6, one character after another. */
export function fromBase32(text: string): Buffer {
  let bits = '';
  for (const character of text) {
    const value = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(character);
    if (value < 0) throw new Error('not base32');
    bits += value.toString(2).padStart(5, '0');
  }
  const bytes: number[] = [];
  for (let at = 0; at + 8 <= bits.length; at += 8) bytes.push(Number.parseInt(bits.slice(at, at + 8), 2));
  return Buffer.from(bytes);
}
