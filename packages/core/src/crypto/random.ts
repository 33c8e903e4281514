import { randomBytes as osRandomBytes } from 'node:crypto';

/** Bytes from the operating system's generator: the only source of chance in the kit. */
export function randomBytes(length: number): Uint8Array {
  return osRandomBytes(length);
}

/** 128 random bits as 22 characters of base64url. */
export function randomId(): string {
  return osRandomBytes(16).toString('base64url');
}

/** A number in [0, 1) for jitter. */
export function randomFraction(): number {
  return osRandomBytes(4).readUInt32BE() / 2 ** 32;
}
