import { createHmac, hkdfSync } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { equalBytes, keyedDigest, lengthPrefixed } from '../../../../packages/core/src/crypto/digest.js';
import { createKeyring } from '../../../../packages/core/src/crypto/keyring.js';
import { pooledRandomBytes, randomFraction, randomId } from '../../../../packages/core/src/crypto/random.js';
import { createFixture, KEY, loginPending, OTHER_KEY } from '../../../support/core-fixture.js';
import { fc } from '../../../support/fast-check.js';

const secret = Buffer.from('0123456789abcdef0123456789ABCDEF');
const makeRing = () => createKeyring([{ id: 'a', secret }], 'mfa-kit');

describe('keys', () => {
  it('CRY-4: each purpose has its own key, by HKDF-SHA-256 over length-prefixed words', () => {
    const info = lengthPrefixed(['mfa-kit', 'mfa-kit', 'device-token']);
    const expected = Buffer.from(hkdfSync('sha256', secret, new Uint8Array(), info, 32));
    expect(Buffer.from(makeRing().bytes('device-token', 'a') ?? []).equals(expected)).toBe(true);
  });

  it('CRY-4: differ by purpose, by realm and by secret', () => {
    const other = createKeyring([{ id: 'a', secret: Buffer.from('fedcba9876543210FEDCBA9876543210') }], 'mfa-kit');
    const rings = [makeRing(), createKeyring([{ id: 'a', secret }], 'other'), other];
    const purposes = ['profile', 'device-token', 'pending-token', 'device-cookie'] as const;
    const keys = rings.flatMap((one) => purposes.map((purpose) => Buffer.from(one.bytes(purpose, 'a') ?? []).toString('hex')));
    expect(new Set(keys).size).toBe(12);
  });

  it.each(['b', '', 'A', '__proto__', 'a ', 'profile a'])('do not exist for the id %j', (id) => {
    const ring = makeRing();
    expect(ring.bytes('profile', id)).toBeUndefined();
    expect(ring.hmacKey('profile', id)).toBeUndefined();
  });

  it('are derived and imported only once', () => {
    const ring = makeRing();
    expect(ring.bytes('profile', 'a')).toBe(ring.bytes('profile', 'a'));
    expect(ring.hmacKey('profile', 'a')).toBe(ring.hmacKey('profile', 'a'));
    expect(() => createKeyring([], 'mfa-kit')).toThrow('a keyring needs a key');
  });

  it('for signing cannot be exported', async () => {
    const key = await makeRing().hmacKey('device-token', 'a');
    if (!key) throw new Error('no key');
    await expect(crypto.subtle.exportKey('raw', key as never)).rejects.toThrow();
  });

  it('T25: name the cookie of a user differently, and the name does not reveal the id', async () => {
    const fixture = createFixture({ keys: [KEY, OTHER_KEY] });
    await loginPending(fixture.mfa);
    const ids = ['user-ada', 'user-adA', 'user-ada ', 'user-bob'];
    const names = ids.flatMap((id) => fixture.mfa.settings.deviceCookieSuffixes(id));
    expect(new Set(names).size).toBe(8);
    for (const name of names) expect(name).toMatch(/^[0-9a-f]{12}$/);
    const moved = createFixture({ keys: [OTHER_KEY, KEY] });
    expect(moved.mfa.settings.deviceCookieSuffixes('user-ada')).toEqual([...names.slice(0, 2)].reverse());
  });
});

describe('digests', () => {
  it('are HMAC-SHA-256 over an unambiguous encoding', () => {
    const bytes = Buffer.from('0000000161000000026263', 'hex');
    expect(Buffer.from(lengthPrefixed(['a', 'bc'])).equals(bytes)).toBe(true);
    expect(keyedDigest(secret, ['a', 'bc'], 'hex')).toBe(createHmac('sha256', secret).update(bytes).digest('hex'));
    const parts = fc.array(fc.string({ unit: 'binary', maxLength: 5 }), { maxLength: 4 });
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        const same = Buffer.from(lengthPrefixed(one)).equals(Buffer.from(lengthPrefixed(other)));
        return same === (JSON.stringify(one) === JSON.stringify(other));
      }),
    );
  });

  it('TOTP-6: of different lengths are unequal, without an exception', () => {
    for (let length = 0; length <= 64; length++) {
      expect(equalBytes(Buffer.alloc(length), Buffer.alloc(6))).toBe(length === 6);
    }
    expect(equalBytes(Buffer.from('123456'), Buffer.from('123457'))).toBe(false);
  });
});

describe('randomness', () => {
  it('CRY-5, ENR-1: comes from the operating system, whatever Math.random returns', () => {
    const spy = vi.spyOn(Math, 'random').mockReturnValue(0.5);
    expect(new Set(Array.from({ length: 1000 }, randomId)).size).toBe(1000);
    expect(spy).not.toHaveBeenCalled();
    spy.mockRestore();
  });

  it('CRY-5: is drawn many bytes at a time, and no byte is used twice', () => {
    const drawn = Array.from({ length: 300 }, (_, index) => pooledRandomBytes(index % 41));
    expect(drawn.map(({ byteLength }) => byteLength)).toEqual(drawn.map((_, index) => index % 41));
    const places = drawn.flatMap(({ buffer, byteOffset, byteLength }) =>
      Array.from({ length: byteLength }, (_, index) => ({ buffer, at: byteOffset + index })),
    );
    const buffers = [...new Set(places.map(({ buffer }) => buffer))];
    expect(new Set(places.map(({ buffer, at }) => `${buffers.indexOf(buffer)} ${at}`)).size).toBe(places.length);
    expect(pooledRandomBytes(5_000).byteLength).toBe(5_000);
    expect(new Set(drawn.filter(({ byteLength }) => byteLength > 12).map((bytes) => bytes.toString('hex'))).size).toBe(
      drawn.filter(({ byteLength }) => byteLength > 12).length,
    );
  });

  it('gives an id 128 bits, and a fraction below one', () => {
    expect(Buffer.from(randomId(), 'base64url')).toHaveLength(16);
    for (let count = 0; count < 1000; count++) expect(randomFraction()).toBeLessThan(1);
  });
});
