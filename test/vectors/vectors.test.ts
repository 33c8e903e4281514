import { totpOfWindow } from '../support/totp-of-window.js';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { crypto as nodeCrypto } from '@otplib/plugin-crypto-node';
import { generateSync, ScureBase32Plugin } from 'otplib';
import { describe, expect, it } from 'vitest';
import { type TotpData, } from '../../packages/core/src/factors/totp/totp.js';
import { hotp, totp } from './independent-totp.js';

interface Rfc4226 {
  secretHex: string;
  vectors: { counter: number; truncatedHex: string; code: string }[];
}
interface Rfc6238 {
  secretsHex: Record<Algorithm, string>;
  vectors: { time: number; stepHex: string; algorithm: Algorithm; code: string }[];
}
type Algorithm = 'sha1' | 'sha256' | 'sha512';

const rfc4226 = load<Rfc4226>('rfc4226.json');
const rfc6238 = load<Rfc6238>('rfc6238.json');
const base32 = new ScureBase32Plugin();

describe('TOTP-1: RFC 4226 appendix D', () => {
  const secret = Buffer.from(rfc4226.secretHex, 'hex');

  it.each(rfc4226.vectors)('counter $counter gives $code', ({ counter, truncatedHex, code }) => {
    expect(generateSync({ strategy: 'hotp', secret, counter, crypto: nodeCrypto })).toBe(code);
    expect(hotp(secret, BigInt(counter))).toBe(code);
    expect(String(Number.parseInt(truncatedHex, 16) % 1_000_000).padStart(6, '0')).toBe(code);
    expect(accepts(secret, counter * 30_000, code)).toBe(true);
  });
});

describe('TOTP-1: RFC 6238 appendix B', () => {
  it('has all 18 vectors', () => {
    expect(rfc6238.vectors).toHaveLength(18);
  });

  it.each(rfc6238.vectors)('$algorithm at $time gives $code', ({ time, stepHex, algorithm, code }) => {
    const secret = Buffer.from(rfc6238.secretsHex[algorithm], 'hex');
    const counter = Number.parseInt(stepHex, 16);
    expect(Math.floor(time / 30)).toBe(counter);
    expect(generateSync({ strategy: 'hotp', secret, counter, digits: 8, algorithm, crypto: nodeCrypto })).toBe(code);
    expect(totp(secret, time * 1000, { digits: 8, algorithm })).toBe(code);
    // Ours has SHA-1 and 6 digits: the same truncation modulo a million.
    if (algorithm === 'sha1') expect(accepts(secret, time * 1000, code.slice(2))).toBe(true);
  });

  it('the counter has 64 bits', () => {
    const secret = Buffer.from(rfc4226.secretHex, 'hex');
    for (const counter of [2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 40 + 12_345, 2 ** 48 + 7]) {
      expect(generateSync({ strategy: 'hotp', secret, counter, crypto: nodeCrypto })).toBe(hotp(secret, BigInt(counter)));
    }
  });
});

function accepts(secret: Uint8Array, now: number, code: string): boolean {
  const data: TotpData = { secret: base32.encode(secret, { padding: false }), closed: [] };
  return totpOfWindow(0).check(data, code, { now }).outcome === 'accepted';
}

function load<T>(file: string): T {
  return JSON.parse(readFileSync(path.join(import.meta.dirname, file), 'utf8')) as T;
}
