import { describe, expect, it } from 'vitest';
import { createKeyring, type KeyPurpose } from '../../../../packages/core/src/crypto/keyring.js';
import { openDeviceToken, signDeviceToken } from '../../../../packages/core/src/tokens/device-token.js';
import { openPendingToken, signPendingToken } from '../../../../packages/core/src/tokens/pending-token.js';
import { fc } from '../../../support/fast-check.js';
import { forge, tokenMutants } from '../../../support/token-mutants.js';

const NOW = 1_800_000_000_000;
const seconds = NOW / 1000;
const realm = 'mfa-kit';
const material = { id: 'k1', secret: Buffer.from('0123456789abcdef0123456789ABCDEF') };
const other = { id: 'k2', secret: Buffer.from('fedcba9876543210FEDCBA9876543210') };
const keyring = createKeyring([material], realm);
const given = { keyring, realm, now: NOW };

type Json = Record<string, unknown>;

interface Kind {
  name: string;
  purpose: KeyPurpose;
  header: Json;
  claims: Json;
  sign(): string;
  opens(token: unknown, with_?: Partial<typeof given>): Promise<boolean>;
}

const kinds: Kind[] = [
  {
    name: 'device',
    purpose: 'device-token',
    header: { alg: 'HS256', typ: 'mfa-device+jwt', kid: 'k1' },
    claims: { ...registered('device', 90 * 24 * 3600), device: 'd1', v: 1 },
    sign: () => signDeviceToken({ userId: 'u', deviceId: 'd1', tokenId: 't' }, given).token,
    opens: async (token, with_) => (await openDeviceToken(token, { ...given, ...with_ })).valid,
  },
  {
    name: 'pending',
    purpose: 'pending-token',
    header: { alg: 'HS256', typ: 'mfa-pending+jwt', kid: 'k1' },
    claims: { ...registered('pending', 600), epoch: 'e', deviceEpoch: 'f', since: NOW, v: 1 },
    sign: () =>
      signPendingToken({ state: 'pending', userId: 'u', epoch: 'e', deviceEpoch: 'f', since: NOW, enrollmentIds: [] }, given),
    opens: async (token, with_) => (await openPendingToken(token, { ...given, ...with_ })) !== null,
  },
];

function registered(place: string, lifetime: number): Json {
  return { iss: realm, aud: `${realm}/${place}`, sub: 'u', jti: 't', iat: seconds, nbf: seconds, exp: seconds + lifetime };
}

function bytes(kind: Kind, ring = keyring): Uint8Array {
  return ring.bytes(kind.purpose, ring.currentId) ?? new Uint8Array();
}

describe.each(kinds)('DEV-2, T30: the $name token', (kind) => {
  it('opens, whether made by us or by hand from the specification', async () => {
    expect(await kind.opens(kind.sign())).toBe(true);
    expect(await kind.opens(forge(kind.header, kind.claims, bytes(kind)))).toBe(true);
  });

  it('is refused in more than 70 mutations, and none throws', async () => {
    const { header, claims } = kind;
    const otherKindKey = bytes(kinds.find((one) => one !== kind) ?? kind);
    const keys = { key: bytes(kind), otherKindKey, secret: material.secret, foreignSecret: other.secret };
    const all = tokenMutants({ token: kind.sign(), header, claims, realm, ...keys });
    expect(all.length).toBeGreaterThan(70);
    const accepted: string[] = [];
    for (const [name, token] of all) if (await kind.opens(token)) accepted.push(name);
    expect(accepted).toEqual([]);
  });

  it('is refused with any character changed', async () => {
    const token = kind.sign();
    const positions = fc.record({ at: fc.nat(token.length - 3), by: fc.integer({ min: 1, max: 60 }) });
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.';
    await fc.assert(
      fc.asyncProperty(positions, async ({ at, by }) => {
        const old = token[at] ?? '';
        const put = alphabet[(alphabet.indexOf(old) + by) % alphabet.length] ?? '';
        return put === old || !(await kind.opens(token.slice(0, at) + put + token.slice(at + 1)));
      }),
      { numRuns: 200 },
    );
  });

  it('is refused in another realm, with another secret, or without its key', async () => {
    const token = kind.sign();
    expect(await kind.opens(token, { realm: 'other' })).toBe(false);
    expect(await kind.opens(token, { realm: 'other', keyring: createKeyring([material], 'other') })).toBe(false);
    expect(await kind.opens(token, { keyring: createKeyring([{ ...other, id: 'k1' }], realm) })).toBe(false);
    expect(await kind.opens(token, { keyring: createKeyring([other], realm) })).toBe(false);
  });

  it('CRY-3: opens while its key is in the ring, first or second', async () => {
    const token = kind.sign();
    expect(await kind.opens(token, { keyring: createKeyring([material, other], realm) })).toBe(true);
    expect(await kind.opens(token, { keyring: createKeyring([other, material], realm) })).toBe(true);
  });

  it('has a tolerance of exactly one minute at both ends', async () => {
    const token = kind.sign();
    const life = (kind.claims.exp as number) * 1000 - NOW;
    expect(await kind.opens(token, { now: NOW - 60_000 })).toBe(true);
    expect(await kind.opens(token, { now: NOW - 61_000 })).toBe(false);
    expect(await kind.opens(token, { now: NOW + life + 59_000 })).toBe(true);
    expect(await kind.opens(token, { now: NOW + life + 61_000 })).toBe(false);
  });
});

describe('the contents of a token', () => {
  const [device, pending] = kinds as [Kind, Kind];
  const openForged = (claims: Json) => openDeviceToken(forge(device.header, claims, bytes(device)), given);
  const { device: _, ...withoutDevice } = device.claims;

  it('are for a device token its user, its device and its own id, for 90 days', async () => {
    const { token, expiresAt } = signDeviceToken({ userId: 'u', deviceId: 'd1', tokenId: 't' }, given);
    expect(expiresAt).toBe(NOW + 90 * 24 * 3_600_000);
    const opened = await openDeviceToken(token, given);
    expect(opened).toMatchObject({ valid: true, claims: { userId: 'u', deviceId: 'd1', tokenId: 't' } });
    expect(await openForged(withoutDevice)).toEqual({ valid: false, why: 'invalid' });
    expect(await openForged({ ...withoutDevice, device: 7 })).toEqual({ valid: false, why: 'invalid' });
  });

  it('are for a pending token its login, and until when it may be used', async () => {
    expect(await openPendingToken(forge(pending.header, pending.claims, bytes(pending)), given)).toEqual({
      state: 'pending',
      userId: 'u',
      epoch: 'e',
      deviceEpoch: 'f',
      since: NOW,
      enrollmentIds: [],
      token: { id: 't', expiresAt: NOW + 600_000 },
    });
    for (const [claim, wrong] of Object.entries({ epoch: 7, deviceEpoch: ['f'], since: String(NOW) })) {
      for (const value of [undefined, null, wrong]) {
        const token = forge(pending.header, { ...pending.claims, [claim]: value }, bytes(pending));
        expect(await openPendingToken(token, given), `${claim}: ${value}`).toBeNull();
      }
    }
  });

  it('LOG-4: distinguish an expired token from a foreign one', async () => {
    const all = tokenMutants({
      token: device.sign(),
      header: device.header,
      claims: device.claims,
      realm,
      key: bytes(device),
      otherKindKey: bytes(pending),
      secret: material.secret,
      foreignSecret: other.secret,
    });
    const over = ['expired', 'older than its lifetime, regardless of exp'];
    for (const [name, token] of all) {
      expect(await openDeviceToken(token, given), name).toEqual({
        valid: false,
        why: over.includes(name) ? 'expired' : 'invalid',
      });
    }
  });

  it('T46: have at most 3,072 characters, whoever signed them', async () => {
    const ofLength = (length: number) => {
      for (let more = 0; ; more++) {
        const token = forge(pending.header, { ...pending.claims, more: 'x'.repeat(more) }, bytes(pending));
        if (token.length >= length) return token;
      }
    };
    const longest = ofLength(3072);
    expect(longest).toHaveLength(3072);
    expect(await pending.opens(longest)).toBe(true);
    expect(await pending.opens(ofLength(3073))).toBe(false);
  });
});

describe('token kinds', () => {
  it('T21: each opens only in its own place', async () => {
    for (const signed of kinds) {
      for (const place of kinds) expect(await place.opens(signed.sign())).toBe(signed === place);
    }
  });

  it('T36: a pending token holds ids and times, and nothing else', async () => {
    const [, pending] = kinds;
    const [, body = ''] = (pending as Kind).sign().split('.');
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as Json;
    expect(Object.keys(claims).sort()).toEqual([
      'aud',
      'deviceEpoch',
      'epoch',
      'exp',
      'iat',
      'iss',
      'jti',
      'nbf',
      'since',
      'sub',
      'v',
    ]);
  });

  it('STO-5: any user id that storage accepts is preserved', async () => {
    const ids = ['x'.repeat(255), '\u0001'.repeat(255), '"'.repeat(255), '🦊'.repeat(63), '\u2028', '{"a":1}', 'a b'];
    for (const userId of ids) {
      const { token } = signDeviceToken({ userId, deviceId: 'd'.repeat(22), tokenId: 't'.repeat(22) }, given);
      expect(await openDeviceToken(token, given)).toMatchObject({ valid: true, claims: { userId } });
      expect(token.length).toBeLessThan(3000);
    }
  });
});
