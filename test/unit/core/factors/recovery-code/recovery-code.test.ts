import { describe, expect, it } from 'vitest';
import { randomBytes } from '../../../../../packages/core/src/crypto/random.js';
import {
  createRecoveryCodes,
  parseRecoveryCode,
  RECOVERY_CODE_BYTES,
  takeRecoveryCode,
} from '../../../../../packages/core/src/factors/recovery-code/recovery-code.js';
import type { RecoveryCodeSet } from '../../../../../packages/core/src/profile/recovery-code-set.js';
import { fc } from '../../../../support/fast-check.js';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const plain = fc.array(fc.constantFrom(...ALPHABET), { minLength: 24, maxLength: 24 }).map((characters) => characters.join(''));

describe('recovery codes', () => {
  it('REC-1, T13: a set has distinct codes of 24 Crockford characters in six groups of four, uniformly drawn', () => {
    const counts = new Map<string, number>();
    const seen = new Set<string>();
    for (let round = 0; round < 200; round++) {
      const { codes, set } = createRecoveryCodes(10, randomBytes, 5);
      expect(codes).toHaveLength(10);
      expect(set).toMatchObject({ createdAt: 5 });
      expect(set.digests).toHaveLength(10);
      for (const code of codes) {
        expect(code).toMatch(/^(?:[0-9A-HJKMNP-TV-Z]{4}-){5}[0-9A-HJKMNP-TV-Z]{4}$/);
        seen.add(code);
        for (const character of code.replaceAll('-', '')) counts.set(character, (counts.get(character) ?? 0) + 1);
      }
    }
    expect(seen.size).toBe(2000);
    const expected = (2000 * 24) / 32;
    const chi = [...ALPHABET].reduce((sum, c) => sum + ((counts.get(c) ?? 0) - expected) ** 2 / expected, 0);
    // 31 degrees of freedom: above 80 once in 400,000 runs.
    expect(chi).toBeLessThan(80);
  });

  it('REC-1: parsing ignores case, hyphens, spaces and look-alikes', () => {
    const disguise = fc.array(
      fc.record({ lower: fc.boolean(), alike: fc.integer({ min: 0, max: 2 }), gap: fc.constantFrom('', ' ', '-', ' - ', '\t') }),
      {
        minLength: 24,
        maxLength: 24,
      },
    );
    fc.assert(
      fc.property(plain, disguise, (code, how) => {
        const typed = [...code]
          .map((character, at) => {
            const { lower = false, alike = 0, gap = '' } = how[at] ?? {};
            const likes = { '0': ['0', 'O', 'o'], '1': ['1', 'I', 'L'] }[character] ?? [character, character, character];
            const written = likes[alike] ?? character;
            return (lower ? written.toLowerCase() : written) + gap;
          })
          .join('');
        return typed.length > 128 || parseRecoveryCode(typed) === code;
      }),
    );
  });

  it('REC-1: any other edit is refused or gives another code', () => {
    fc.assert(
      fc.property(plain, fc.nat(23), fc.string({ unit: 'binary', minLength: 0, maxLength: 2 }), (code, at, put) => {
        const edited = code.slice(0, at) + put + code.slice(at + 1);
        const parsed = parseRecoveryCode(edited);
        return parsed === null || /^[0-9A-HJKMNP-TV-Z]{24}$/.test(parsed);
      }),
    );
  });

  it.each([
    ['full-width letters', '\uff21'.repeat(24)],
    ['dotless i', '\u0131'.repeat(24)],
    ['the Kelvin sign', '\u212a'.repeat(24)],
    ['the long s', '\u017f'.repeat(24)],
    ['U', 'U'.repeat(24)],
    ['one U among others', `${'A'.repeat(23)}U`],
    ['23 characters', 'A'.repeat(23)],
    ['25 characters', 'A'.repeat(25)],
    ['a no-break space', `${'A'.repeat(12)}\u00a0${'A'.repeat(12)}`],
    ['an en dash', `${'A'.repeat(12)}–${'A'.repeat(12)}`],
    ['10 KB', 'A'.repeat(10_240)],
    ['an array', ['A'.repeat(24)]],
    ['an object', { length: 24 }],
    ['null', null],
    ['a number', 1e23],
  ])('T45, T46: %s is refused', (_, input) => {
    expect(parseRecoveryCode(input)).toBeNull();
  });

  it('T46: an input of 128 characters is read, one of 129 is not', () => {
    const typed = 'A'.repeat(24).padEnd(128);
    expect(parseRecoveryCode(typed)).toBe('A'.repeat(24));
    expect(parseRecoveryCode(`${typed} `)).toBeNull();
  });

  it('T46: no input throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.string({ unit: 'binary', maxLength: 150 })), (input) => {
        const parsed = parseRecoveryCode(input);
        return parsed === null || /^[0-9A-HJKMNP-TV-Z]{24}$/.test(parsed);
      }),
      { numRuns: 3000 },
    );
  });

  it('T11: a code is accepted once, and removes only itself', () => {
    const { set, codes } = createRecoveryCodes(5, randomBytes, 0);
    let left: RecoveryCodeSet = set;
    for (const code of codes) {
      const parsed = parseRecoveryCode(code) ?? '';
      const taken = takeRecoveryCode(left, parsed, 0);
      expect(taken?.digests).toHaveLength(left.digests.length - 1);
      left = taken ?? left;
      expect(takeRecoveryCode(left, parsed, 0)).toBeNull();
    }
    expect(left.digests).toEqual([]);
  });

  it('a code of a set that was stored earlier is accepted', () => {
    const stored = {
      key: 'CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk',
      digests: ['Y0e3_-sMQl_pfeNHZiUnErYta8zfo6xUZiEt_6uJ4FA'],
      createdAt: 0,
    };
    expect(takeRecoveryCode(stored, '9'.repeat(24), 0)?.digests).toEqual([]);
    expect(takeRecoveryCode(stored, '8'.repeat(24), 0)).toBeNull();
  });

  it('REC-2: two sets with the same codes have different digests, and none of them holds a code', () => {
    const random = (length: number): Uint8Array => randomBytes(length).fill(9, length - RECOVERY_CODE_BYTES);
    const [one, other] = [createRecoveryCodes(1, random, 0), createRecoveryCodes(1, random, 0)];
    expect(one.codes).toEqual(other.codes);
    expect(one.set.digests).not.toEqual(other.set.digests);
    expect(Buffer.from(one.set.key, 'base64url')).toHaveLength(32);
    expect(JSON.stringify(one.set)).not.toContain(parseRecoveryCode(one.codes[0]));
  });
});
