import { describe, expect, it } from 'vitest';
import { createKeyring } from '../../packages/core/src/crypto/keyring.js';
import { newProfile } from '../../packages/core/src/profile/profile.js';
import { open, type SealedAs, seal } from '../../packages/core/src/store/seal.js';
import { KEY } from '../support/core-fixture.js';
import { fc } from '../support/fast-check.js';
import { ROUNDS } from '../support/proof.js';

const keyring = createKeyring([{ id: KEY.id, secret: Buffer.from(KEY.secret, 'base64') }], 'mfa-kit');
const as: SealedAs = { realm: 'mfa-kit', userId: 'u', version: 'v' };
const sealed = seal(newProfile(), as, keyring);
const bytes = Buffer.from(sealed, 'base64url');
const opens = (value: string) => open(value, as, keyring).readable;

describe('the opener of profiles', () => {
  it('CRY-1, CRY-7, STO-7: opens only sealed values, and never throws for any input', () => {
    const ours = Buffer.concat([Buffer.from([1, KEY.id.length]), Buffer.from(KEY.id)]);
    const value = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.base64String(),
      fc.json(),
      // Our own header with any content after it.
      fc.uint8Array({ maxLength: 200 }).map((tail) => Buffer.concat([ours, tail]).toString('base64url')),
      // Headers of other systems.
      fc
        .tuple(fc.constantFrom('v1:', '$argon2id$', 'eyJhbGciOiJkaXIifQ.', 'gAAAAA', 'enc:'), fc.base64String())
        .map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(value, (given) => !opens(given)),
      { numRuns: 300 * ROUNDS },
    );
  });

  it('CRY-1, CRY-2: opens no profile in which anything was changed, removed, inserted or moved', () => {
    const place = fc.nat(bytes.length - 1);
    const change = fc.oneof(
      fc.tuple(place, fc.integer({ min: 1, max: 255 })).map(([at, by]) => {
        const changed = Buffer.from(bytes);
        changed.writeUInt8((changed[at] ?? 0) ^ by, at);
        return changed;
      }),
      fc.tuple(place, fc.uint8Array({ minLength: 1, maxLength: 8 })).map(([at, put]) => {
        return Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at)]);
      }),
      fc.tuple(place, fc.integer({ min: 1, max: 64 })).map(([at, count]) => {
        return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + count)]);
      }),
      fc.tuple(place, place).map(([from, to]) => Buffer.concat([bytes.subarray(from), bytes.subarray(0, to)])),
    );
    fc.assert(
      fc.property(
        change.filter((changed) => !changed.equals(bytes)),
        (changed) => !opens(changed.toString('base64url')),
      ),
      { numRuns: 1_000 * ROUNDS },
    );
    expect(opens(sealed)).toBe(true);
  });
});
