import { createHmac } from 'node:crypto';
import type { CryptoPlugin } from 'otplib';
import { equalBytes } from '../../crypto/digest.js';
import { randomBytes } from '../../crypto/random.js';

/** What otplib computes with: the one hash that every authenticator app speaks. */
export const hmacSha1: CryptoPlugin = {
  name: 'node:crypto',
  algorithms: ['sha1'],
  hmac: (_algorithm, key, data) => createHmac('sha1', key).update(data).digest(),
  randomBytes,
  constantTimeEqual: (a, b) => equalBytes(Buffer.from(a), Buffer.from(b)),
};
