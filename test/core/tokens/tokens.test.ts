import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { UnsecuredJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { createKeyring, type KeyPurpose } from '../../../packages/core/src/crypto/keyring.js';
import { openDeviceToken, signDeviceToken } from '../../../packages/core/src/tokens/device-token.js';
import { openPendingToken, signPendingToken } from '../../../packages/core/src/tokens/pending-token.js';

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
  sign(): Promise<string>;
  opens(token: unknown, with_?: Partial<typeof given>): Promise<boolean>;
}

const kinds: Kind[] = [
  {
    name: 'device',
    purpose: 'device-token',
    header: { alg: 'HS256', typ: 'mfa-device+jwt', kid: 'k1' },
    claims: { ...registered('device', 90 * 24 * 3600), device: 'd1', v: 1 },
    sign: async () => (await signDeviceToken({ userId: 'u', deviceId: 'd1', tokenId: 't' }, given)).token,
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

function encode(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
}

/** Signs by hand, with our own key unless another is given: what only a holder of the key could make is refused too. */
function forge(kind: Kind, header: unknown, claims: unknown, { key = bytes(kind), hash = 'sha256' } = {}): string {
  const text = `${encode(header)}.${encode(claims)}`;
  return `${text}.${createHmac(hash, key).update(text).digest('base64url')}`;
}

function bytes(kind: Kind, ring = keyring): Uint8Array {
  return ring.bytes(kind.purpose, ring.currentId) ?? new Uint8Array();
}

function without(from: Json, name: string): Json {
  const { [name]: _, ...rest } = from;
  return rest;
}

function mutants(kind: Kind, token: string): [string, unknown][] {
  const { header, claims } = kind;
  const [head = '', body = '', mac = ''] = token.split('.');
  const lifetime = (claims.exp as number) - seconds;
  const withHeader = (name: string, change: Json): [string, string] => [name, forge(kind, { ...header, ...change }, claims)];
  const withClaims = (name: string, change: Json): [string, string] => [name, forge(kind, header, { ...claims, ...change })];
  return [
    ['alg none', new UnsecuredJWT(claims).encode()],
    ...['none', 'None', 'NONE', ''].map((alg): [string, string] => [
      `alg ${JSON.stringify(alg)} without a signature`,
      `${encode({ ...header, alg })}.${encode(claims)}.`,
    ]),
    withHeader('alg none with a signature', { alg: 'none' }),
    ['alg HS512 by our key', forge(kind, { ...header, alg: 'HS512' }, claims, { hash: 'sha512' })],
    ['alg HS384 by our key', forge(kind, { ...header, alg: 'HS384' }, claims, { hash: 'sha384' })],
    withHeader('alg RS256', { alg: 'RS256' }),
    withHeader('alg in lower case', { alg: 'hs256' }),
    ['no alg', forge(kind, without(header, 'alg'), claims)],
    ['no typ', forge(kind, without(header, 'typ'), claims)],
    withHeader('typ JWT', { typ: 'JWT' }),
    withHeader('typ of an access token', { typ: 'at+jwt' }),
    withHeader('typ in a list', { typ: [header.typ] }),
    ['no kid', forge(kind, without(header, 'kid'), claims)],
    ...['k2', '', '../../dev/null', "k1' OR '1'='1", '__proto__', 'K1', 'k1 '].map((kid) => withHeader(`kid ${kid}`, { kid })),
    withHeader('kid in a list', { kid: ['k1'] }),
    withHeader('kid a number', { kid: 1 }),
    withHeader('jku', { jku: 'https://evil.example/keys' }),
    withHeader('x5u', { x5u: 'https://evil.example/cert' }),
    withHeader('jwk', { jwk: { kty: 'oct', k: encode('x'.repeat(32)) } }),
    withHeader('crit', { crit: ['b64'], b64: false }),
    withHeader('crit unknown', { crit: ['exp'] }),
    withHeader('zip', { zip: 'DEF' }),
    withHeader('cty', { cty: 'JWT' }),
    ...['iss', 'aud', 'sub', 'jti', 'iat', 'nbf', 'exp', 'v'].map((name): [string, string] => [
      `no ${name}`,
      forge(kind, header, without(claims, name)),
    ]),
    withClaims('expired', { iat: seconds - lifetime - 61, nbf: seconds - lifetime - 61, exp: seconds - 61 }),
    withClaims('not yet valid', { nbf: seconds + 61 }),
    withClaims('issued in the future', { iat: seconds + 61 }),
    withClaims('issued far in the future', { iat: seconds + 1e9, exp: seconds + 2e9 }),
    withClaims('older than its life whatever exp says', { iat: seconds - lifetime - 120, nbf: seconds - lifetime - 120 }),
    withClaims('exp not whole', { exp: seconds + 1.5 }),
    withClaims('exp as text', { exp: String(seconds + 10) }),
    withClaims('exp null', { exp: null }),
    withClaims('iat not whole', { iat: seconds - 0.5 }),
    withClaims('another issuer', { iss: 'mfa-kit2' }),
    withClaims('issuers in a list', { iss: [realm] }),
    withClaims('another audience', { aud: `${realm}/session` }),
    withClaims('no audience but the realm', { aud: realm }),
    withClaims('audiences in a list', { aud: [claims.aud] }),
    withClaims('two audiences', { aud: [claims.aud, 'x'] }),
    withClaims('sub a number', { sub: 7 }),
    withClaims('sub a list', { sub: ['u'] }),
    withClaims('jti a number', { jti: 1 }),
    withClaims('another version', { v: 2 }),
    withClaims('version as text', { v: '1' }),
    ['another key under our id', forge(kind, header, claims, { key: Buffer.from(other.secret) })],
    ['the secret itself and not the derived key', forge(kind, header, claims, { key: Buffer.from(material.secret) })],
    ['the other kind’s key', forge(kind, header, claims, { key: bytes(kinds.find((one) => one !== kind) ?? kind) })],
    ['an empty key', forge(kind, header, claims, { key: new Uint8Array() })],
    ['its claims replaced', `${head}.${encode({ ...claims, sub: 'admin' })}.${mac}`],
    ['its header replaced', `${encode({ ...header, kid: 'k2' })}.${body}.${mac}`],
    ['no signature', `${head}.${body}.`],
    ['two parts', `${head}.${body}`],
    ['four parts', `${token}.x`],
    ['five parts', `${head}.${body}.${mac}.${head}.${body}`],
    ['padded', `${token}==`],
    ['standard base64 in the signature', `${head}.${body}.${mac.replaceAll('-', '+').replaceAll('_', '/')}!`],
    ['a blank before', ` ${token}`],
    ['a line end after', `${token}\n`],
    ['quoted', `"${token}"`],
    ['claims that are a list', forge(kind, header, [claims])],
    ['claims that are null', forge(kind, header, 'null')],
    ['claims that are no JSON', forge(kind, header, '{')],
    ['a header that is no JSON', forge(kind, '{', claims)],
    ['a header that is a list', forge(kind, [header], claims)],
    [
      'a repeated key in the claims',
      forge(kind, header, JSON.stringify(claims).replace('{', '{"sub":"admin",').replace('"v":1', '"v":1,"v":2')),
    ],
    ['8 KB', `${token}${'A'.repeat(8192)}`],
    ['nothing', ''],
    ['undefined', undefined],
    ['a list', [token]],
    ['an object', { token }],
    ['bytes', Buffer.from(token)],
  ];
}

describe.each(kinds)('DEV-2, T30: the $name token', (kind) => {
  it('opens, made by us or by hand to the letter', async () => {
    expect(await kind.opens(await kind.sign())).toBe(true);
    expect(await kind.opens(forge(kind, kind.header, kind.claims))).toBe(true);
  });

  it('in 70 and more mutants is refused, and none throws', async () => {
    const all = mutants(kind, await kind.sign());
    expect(all.length).toBeGreaterThan(70);
    const accepted: string[] = [];
    for (const [name, token] of all) if (await kind.opens(token)) accepted.push(name);
    expect(accepted).toEqual([]);
  });

  it('with any character changed is refused', async () => {
    const token = await kind.sign();
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

  it('is refused in another realm, by another secret, by a ring without its key', async () => {
    const token = await kind.sign();
    expect(await kind.opens(token, { realm: 'other' })).toBe(false);
    expect(await kind.opens(token, { realm: 'other', keyring: createKeyring([material], 'other') })).toBe(false);
    expect(await kind.opens(token, { keyring: createKeyring([{ ...other, id: 'k1' }], realm) })).toBe(false);
    expect(await kind.opens(token, { keyring: createKeyring([other], realm) })).toBe(false);
  });

  it('CRY-3: opens while its key is in the ring, first or second', async () => {
    const token = await kind.sign();
    expect(await kind.opens(token, { keyring: createKeyring([material, other], realm) })).toBe(true);
    expect(await kind.opens(token, { keyring: createKeyring([other, material], realm) })).toBe(true);
  });

  it('a minute of tolerance at both ends, and no second more', async () => {
    const token = await kind.sign();
    const life = (kind.claims.exp as number) * 1000 - NOW;
    expect(await kind.opens(token, { now: NOW - 60_000 })).toBe(true);
    expect(await kind.opens(token, { now: NOW - 61_000 })).toBe(false);
    expect(await kind.opens(token, { now: NOW + life + 59_000 })).toBe(true);
    expect(await kind.opens(token, { now: NOW + life + 61_000 })).toBe(false);
  });
});

describe('kinds and places', () => {
  it('T21: every token opens in its own place and in no other', async () => {
    for (const signed of kinds) {
      for (const place of kinds) expect(await place.opens(await signed.sign())).toBe(signed === place);
    }
  });

  it('T36: a pending token holds ids and times, and nothing else', async () => {
    const [, pending] = kinds;
    const [, body = ''] = (await (pending as Kind).sign()).split('.');
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

  it('STO-5: any user id that storage takes comes back', async () => {
    const ids = ['x'.repeat(255), '\u0001'.repeat(255), '"'.repeat(255), '🦊'.repeat(63), '\u2028', '{"a":1}', 'a b'];
    for (const userId of ids) {
      const { token } = await signDeviceToken({ userId, deviceId: 'd'.repeat(22), tokenId: 't'.repeat(22) }, given);
      expect(await openDeviceToken(token, given)).toMatchObject({ valid: true, claims: { userId } });
      expect(token.length).toBeLessThan(3000);
    }
  });
});
