import type { CryptoPlugin } from 'otplib';
import { equalBytes, hmacSha1 } from '../../crypto/digest.js';
import { randomBytes } from '../../crypto/random.js';

/** The crypto functions for otplib: the one hash that every authenticator app supports. */
export const otplibCrypto: CryptoPlugin = {
  name: 'node:crypto',
  algorithms: ['sha1'],
  hmac: (_algorithm, key, data) => hmacSha1(key, data),
  randomBytes,
  constantTimeEqual: (a, b) => equalBytes(Buffer.from(a), Buffer.from(b)),
};
