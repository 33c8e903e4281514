import { randomBytes as osRandomBytes } from 'node:crypto';

/** Bytes from the operating system's generator: the only source of chance in the kit. */
export function randomBytes(length: number): Buffer {
  return osRandomBytes(length);
}

const POOL_BYTES = 1_024;
let pool = Buffer.alloc(0);
let taken = 0;

/**
 * The same bytes, drawn many at a time, because a call of the generator costs more than the rest of making an id. Use it for what leaves
 * the process in any case: ids, versions, initialization vectors. No byte is returned twice.
 */
export function pooledRandomBytes(length: number): Buffer {
  if (taken + length > pool.byteLength) {
    pool = osRandomBytes(Math.max(POOL_BYTES, length));
    taken = 0;
  }
  taken += length;
  return pool.subarray(taken - length, taken);
}

/** 128 random bits as 22 characters of base64url. */
export function randomId(): string {
  return pooledRandomBytes(16).toString('base64url');
}

/** A number in [0, 1) for jitter. */
export function randomFraction(): number {
  return pooledRandomBytes(4).readUInt32BE() / 2 ** 32;
}
