import { randomBytes } from 'node:crypto';
import { createMfa, MfaError, type MfaKey } from '@mfa-kit/core';
import { memoryStorage } from '@mfa-kit/core/storage/memory';
import { describe, expect, it } from 'vitest';
import { KEY, OTHER_KEY } from '../../../support/core-fixture.js';
import { ROUNDS } from '../../../support/proof.js';
import { watchWarnings } from '../../../support/warnings.js';

const warnings = watchWarnings();
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

function start(...secrets: MfaKey['secret'][]): string {
  try {
    createMfa({ issuer: 'Acme', storage: memoryStorage(), keys: secrets.map((secret, index) => ({ id: `k${index}`, secret })) });
    return 'accepted';
  } catch (error) {
    if (error instanceof MfaError && error.code === 'invalid_option') return error.message;
    throw error;
  }
}

const rotated = (by: number) => ALPHABET.slice(by) + ALPHABET.slice(0, by);
const bytes = (length: number, value: (index: number) => number) => Uint8Array.from({ length }, (_, index) => value(index) & 255);

const TEXTS = [
  'MyVerySecretProductionMfaKitKeyOfTheYear2026',
  'ThisIsTheSecretKeyOfOurCompanyDoNotShareItXX',
  'MyV3ryS3cr3tPr0duct10nMf4K1tK3y0fTh3Y34r2026',
  'CorrectHorseBatteryStapleCorrectHorseBatteryStaple',
  'Correct-Horse-Battery-Staple-And-A-Lot-More-2026',
  'Correct_Horse_Battery_Staple_And_A_Lot_More_Now',
  'iLoveMyDogAndMyCatAndMyHouseAndMyCarVeryMuch',
  'ThequickbrownfoxjumpsoverthelazydogThequick',
  'YourSecretKeyGoesHereReplaceThisInProduction',
  'DasIstDerSehrGeheimeSchluesselUnsererFirma2026',
  'UneCleTresSecretePourNotreApplicationDeProduction',
  'LlaveSecretaParaLaAplicacionDePagosDeLaEmpresa',
  'AcmeMfaKey2026AcmeMfaKey2027AcmeMfaKey2028Acme',
  'Password1234567890Password1234567890Password12',
  'aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789aBcDeFgHiJ',
  'AaBbCcDdEeFfGgHhIiJjKkLlMmNnOoPpQqRrSsTtUuVv',
  'A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8S9t0U1v2',
  'qwertyuiopasdfghjklzxcvbnmQWERTYUIOPASDFGHJKLZXCVBNM',
  'QwErTyUiOpAsDfGhJkLzXcVbNm1234567890QwErTyUiOp',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0pZAQXSWCDEVFR',
  ALPHABET,
  [...ALPHABET].reverse().join(''),
  ALPHABET.replace('+', '-').replace('/', '_'),
  '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz',
  ...[1, 17, 26, 40, 63].map(rotated),
  [...ALPHABET].map((_, index) => ALPHABET[(index * 3) % 64]).join(''),
  '3141592653589793238462643383279502884197169399375105820974944592',
  Buffer.from('The quick brown fox jumps over the lazy dog, twice.').toString('base64'),
  Buffer.from('The quick brown fox jumps over the lazy dog, twice.').toString('hex'),
  Buffer.from(Buffer.from('The quick brown fox jumps over the lazy dog, twice.').toString('base64')).toString('base64'),
  Buffer.from(bytes(32, (index) => index)).toString('base64'),
  Buffer.from(bytes(32, (index) => index)).toString('hex'),
];

const BYTES: [string, Uint8Array][] = [
  ['0, 1, 2', bytes(32, (index) => index)],
  ['255, 254, 253', bytes(32, (index) => 255 - index)],
  ['steps of 7', bytes(64, (index) => index * 7)],
  ['squares', bytes(32, (index) => index * index)],
  ['a pattern of 24 that repeats', bytes(64, (index) => ((index % 24) * 89 + 31) ^ ((index % 24) * 53))],
  ['the bytes of a sentence', Buffer.from('The quick brown fox jumps over the lazy dog, twice.')],
  ['the bytes of a passphrase', Buffer.from('MyVerySecretProductionMfaKitKeyOfTheYear2026')],
  ['the bytes of words in Cyrillic', Buffer.from('очень секретный пароль нашей компании')],
];

describe('F6, CRY-4: the first key', () => {
  it.each(TEXTS)('F6: may not be %s', (secret) => {
    expect(start(secret)).toMatch(/^"keys\[0\]\.secret" (looks like a passphrase|follows a pattern|is readable text)\./);
    expect(start(secret)).toMatch(/openssl rand -base64 32/);
    expect(start(secret)).not.toContain(secret);
  });

  it.each(BYTES)('F6: may not be %s', (_, secret) => {
    expect(start(secret)).toMatch(/^"keys\[0\]\.secret" (follows a pattern|is readable text)\./);
  });

  it('F6: may be any output of a random generator: thousands of keys, of 32 to 64 bytes, in every form', () => {
    const forms: ((key: Buffer) => MfaKey['secret'])[] = [
      (key) => key.toString('base64'),
      (key) => key.toString('base64url'),
      (key) => key.toString('hex'),
      (key) => new Uint8Array(key),
      (key) => Buffer.from(key.toString('base64')),
    ];
    for (let count = 0; count < 2_000 * ROUNDS; count++) {
      const key = randomBytes(count % 2 === 0 ? 32 : 32 + (count % 33));
      const secret = (forms[count % forms.length] as (typeof forms)[0])(key);
      if (start(secret) !== 'accepted') throw new Error(`refused: ${key.toString('hex')} in form ${count % forms.length}`);
    }
  }, 120_000);
});

describe('F6: a key of 64 KB', () => {
  it.each(['base64', 'hex', undefined] as const)('F6: is read quickly: %s', (form) => {
    const key = randomBytes(65_536);
    const begun = performance.now();
    expect(start(form ? key.toString(form) : key)).toBe('accepted');
    expect(performance.now() - begun).toBeLessThan(5_000);
  });
});

describe('F6: an older key', () => {
  it.each([...TEXTS, ...BYTES.map(([, secret]) => secret)])('F6: may be %s, with one warning', async (secret) => {
    expect(start(KEY.secret, secret)).toBe('accepted');
    await new Promise(setImmediate);
    expect(warnings).toEqual([expect.stringMatching(/^MFA_KIT_WEAK_KEY: The key "k1" .*rotateKeys\(\)/)]);
    if (typeof secret === 'string') expect(warnings[0]).not.toContain(secret);
  });

  it('F6: causes no warning if it is random', async () => {
    expect(start(KEY.secret, OTHER_KEY.secret)).toBe('accepted');
    await new Promise(setImmediate);
    expect(warnings).toEqual([]);
  });
});
