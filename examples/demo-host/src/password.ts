import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

/** The cost of one check: scrypt with N = 2^logN. */
export interface PasswordCost {
  logN: number;
  r: number;
  p: number;
}

/** One of the settings of the OWASP password storage cheat sheet. */
export const PASSWORD_COST: PasswordCost = { logN: 15, r: 8, p: 3 };

/** Hashes a password. The result includes the settings. */
export async function hashPassword(password: string, cost: PasswordCost): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(password, salt, cost);
  return ['scrypt', cost.logN, cost.r, cost.p, salt.toString('base64url'), hash.toString('base64url')].join('$');
}

/** Whether the password matches the hash. */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const [, logN, r, p, salt = '', hash = ''] = stored.split('$');
  const derived = await derive(password, Buffer.from(salt, 'base64url'), { logN: Number(logN), r: Number(r), p: Number(p) });
  const expected = Buffer.from(hash, 'base64url');
  return derived.length === expected.length && timingSafeEqual(derived, expected);
}

/** A hash that no password matches. Used for unknown users, so that the answer takes the same time. */
export function decoyHash({ logN, r, p }: PasswordCost): string {
  return ['scrypt', logN, r, p, 'A'.repeat(22), 'A'.repeat(43)].join('$');
}

function derive(password: string, salt: Buffer, { logN, r, p }: PasswordCost): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFC'), salt, 32, { N: 2 ** logN, r, p, maxmem: 256 * 2 ** logN * r }, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}
