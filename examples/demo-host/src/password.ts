import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

// One of the settings of the OWASP password storage cheat sheet: N = 2^15, r = 8, p = 3.
const COST = { logN: 15, r: 8, p: 3 };

/** Hashes a password; the settings stand in the result. */
export async function hashPassword(password: string, cost = COST): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(password, salt, cost);
  return ['scrypt', cost.logN, cost.r, cost.p, salt.toString('base64url'), hash.toString('base64url')].join('$');
}

/** Whether the password belongs to the hash. Without a hash (an unknown user) it works as long and says no. */
export async function verifyPassword(password: string, stored: string | undefined): Promise<boolean> {
  const [, logN, r, p, salt = '', hash = ''] = (stored ?? DECOY).split('$');
  const derived = await derive(password, Buffer.from(salt, 'base64url'), { logN: Number(logN), r: Number(r), p: Number(p) });
  const expected = Buffer.from(hash, 'base64url');
  return derived.length === expected.length && timingSafeEqual(derived, expected) && stored !== undefined;
}

const DECOY = ['scrypt', COST.logN, COST.r, COST.p, 'A'.repeat(22), 'A'.repeat(43)].join('$');

function derive(password: string, salt: Buffer, { logN, r, p }: typeof COST): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFC'), salt, 32, { N: 2 ** logN, r, p, maxmem: 256 * 2 ** logN * r }, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}
