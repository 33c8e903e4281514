import { totpOfWindow } from '../support/totp-of-window.js';
import { randomBytes, randomInt } from 'node:crypto';
import { fc } from '../support/fast-check.js';
import { describe, expect, it } from 'vitest';
import { SECRET_BYTES, } from '../../packages/core/src/factors/totp/totp.js';
import { createAuthenticator } from '../../packages/core/src/testing/authenticator.js';
import { fromBase32, totp } from './independent-totp.js';
import { parseKeyUri } from './key-uri-parser.js';

const factor = totpOfWindow(1);
const exact = totpOfWindow(0);

describe('against an independent implementation', () => {
  it('TOTP-1, ENR-1: 10,000 random secrets and times give the same code, accepted at its step and at no other', () => {
    const seen = new Set<string>();
    for (let round = 0; round < 10_000; round++) {
      const random = randomBytes(SECRET_BYTES);
      const data = factor.begin(random);
      expect(fromBase32(data.secret).equals(random)).toBe(true);
      seen.add(data.secret);
      const now = randomInt(0, 2 ** 42);
      const code = totp(random, now);
      expect(createAuthenticator(data.secret).code(now)).toBe(code);
      const outcome = exact.check(data, code, { now }).outcome;
      if (outcome !== 'accepted') throw new Error(`${data.secret} at ${now}: ${code} is ${outcome}`);
      const later = now + 30_000 * randomInt(1, 1000);
      if (totp(random, later) !== code) expect(exact.check(data, code, { now: later }).outcome).toBe('wrong');
    }
    expect(seen.size).toBe(10_000);
  });
});

describe('the key URI, read by an independent parser', () => {
  const data = factor.begin(new Uint8Array(SECRET_BYTES).fill(7));
  const hard = [
    'Acme',
    'Acme Sales & Support? 100% #1',
    'a-b-c',
    'blanks  inside',
    '🦊 emoji 👩‍👩‍👧',
    'שלום עולם',
    '/path/../?secret=AAAA&issuer=Evil#x',
    '%00%',
    "quotes'\"`<script>",
    'e\u0301 composed \u00e9',
  ];

  it.each(hard)('ENR-2: an issuer and a name such as %j come back exactly', (text) => {
    for (const account of [
      { issuer: text, name: 'ada@example.com' },
      { issuer: 'Acme', name: text },
      { issuer: text, name: text },
    ]) {
      expectSame(account);
    }
  });

  it('ENR-2: any well-formed issuer and name come back exactly', () => {
    // What the label does not show as it is, test/unit/core/factors/totp/key-uri.test.ts has: colons, control characters, marks of direction.
    const text = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 7 })
      .map((any) => `x${any.replace(/[:\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|%3a/giu, '')}x`);
    fc.assert(
      fc.property(text, text, (issuer, name) => expectSame({ issuer, name })),
      { numRuns: 1000 },
    );
  });

  it('ENR-2: half a surrogate pair becomes U+FFFD and no exception', () => {
    for (const half of ['\ud800', '\udc00', 'a\ud83dz', '\ude00\ud83d']) {
      const parsed = parseKeyUri(factor.show(data, { issuer: half, name: half }).uri);
      const repaired = Buffer.from(half, 'utf8').toString('utf8');
      expect(repaired).toContain('\ufffd');
      expect([parsed.account, parsed.issuer]).toEqual([repaired, repaired]);
    }
  });

  it('the key for typing is the same key', () => {
    const shown = factor.show(data, { issuer: 'Acme', name: 'ada' });
    expect(shown.manualKey).toMatch(/^(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}$/);
    expect(shown.manualKey.replaceAll(' ', '')).toBe(parseKeyUri(shown.uri).parameters.get('secret'));
  });

  function expectSame(account: { issuer: string; name: string }): void {
    const parsed = parseKeyUri(factor.show(data, account).uri);
    expect(parsed).toEqual({
      type: 'totp',
      issuer: account.issuer,
      account: account.name,
      parameters: new Map([
        ['secret', data.secret],
        ['issuer', account.issuer],
        ['algorithm', 'SHA1'],
        ['digits', '6'],
        ['period', '30'],
      ]),
    });
  }
});
