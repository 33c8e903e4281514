import { createHmac } from 'node:crypto';
import { UnsecuredJWT } from 'jose';

type Json = Record<string, unknown>;

/** A token to change: its claims, and the keys that a forger might have. */
export interface TokenToMutate {
  token: string;
  header: Json;
  claims: Json;
  realm: string;
  /** The key that signed it. */
  key: Uint8Array;
  /** The key of the other kind of token, the secret from which all keys are derived, and an unknown secret. */
  otherKindKey: Uint8Array;
  secret: Uint8Array;
  foreignSecret: Uint8Array;
}

/** More than seventy invalid tokens with their names. Only a holder of the key could make some of them. */
export function tokenMutants(given: TokenToMutate): [string, unknown][] {
  const { token, header, claims, realm, key, otherKindKey, secret, foreignSecret } = given;
  const seconds = claims.iat as number;
  const kid = header.kid as string;
  const [head = '', body = '', mac = ''] = token.split('.');
  const lifetime = (claims.exp as number) - seconds;
  const withHeader = (name: string, change: Json): [string, string] => [name, forge({ ...header, ...change }, claims, key)];
  const withClaims = (name: string, change: Json): [string, string] => [name, forge(header, { ...claims, ...change }, key)];
  return [
    ['alg none', new UnsecuredJWT(claims).encode()],
    ...['none', 'None', 'NONE', ''].map((alg): [string, string] => [
      `alg ${JSON.stringify(alg)} without a signature`,
      `${encode({ ...header, alg })}.${encode(claims)}.`,
    ]),
    withHeader('alg none with a signature', { alg: 'none' }),
    ['alg HS512 by our key', forge({ ...header, alg: 'HS512' }, claims, key, 'sha512')],
    ['alg HS384 by our key', forge({ ...header, alg: 'HS384' }, claims, key, 'sha384')],
    withHeader('alg RS256', { alg: 'RS256' }),
    withHeader('alg in lower case', { alg: 'hs256' }),
    ['no alg', forge(without(header, 'alg'), claims, key)],
    ['no typ', forge(without(header, 'typ'), claims, key)],
    withHeader('typ JWT', { typ: 'JWT' }),
    withHeader('typ of an access token', { typ: 'at+jwt' }),
    withHeader('typ in a list', { typ: [header.typ] }),
    ['no kid', forge(without(header, 'kid'), claims, key)],
    ...['k2', '', '../../dev/null', `${kid}' OR '1'='1`, '__proto__', `x${kid}`, `${kid} `].map((other) =>
      withHeader(`kid ${other}`, { kid: other }),
    ),
    withHeader('kid in a list', { kid: [kid] }),
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
      forge(header, without(claims, name), key),
    ]),
    withClaims('expired', { iat: seconds - lifetime - 61, nbf: seconds - lifetime - 61, exp: seconds - 61 }),
    withClaims('not yet valid', { nbf: seconds + 61 }),
    withClaims('issued in the future', { iat: seconds + 61 }),
    withClaims('issued far in the future', { iat: seconds + 1e9, exp: seconds + 2e9 }),
    withClaims('older than its lifetime, regardless of exp', { iat: seconds - lifetime - 120, nbf: seconds - lifetime - 120 }),
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
    ['another key with our key id', forge(header, claims, foreignSecret)],
    ['the secret itself instead of the derived key', forge(header, claims, secret)],
    ['the other kind’s key', forge(header, claims, otherKindKey)],
    ['an empty key', forge(header, claims, new Uint8Array())],
    ['its claims replaced', `${head}.${encode({ ...claims, sub: 'admin' })}.${mac}`],
    ['its header replaced', `${encode({ ...header, kid: 'k2' })}.${body}.${mac}`],
    ['no signature', `${head}.${body}.`],
    ['two parts', `${head}.${body}`],
    ['four parts', `${token}.x`],
    ['five parts', `${head}.${body}.${mac}.${head}.${body}`],
    ['padded', `${token}==`],
    ['standard base64 in the signature', `${head}.${body}.${mac.replaceAll('-', '+').replaceAll('_', '/')}!`],
    ['a space before', ` ${token}`],
    ['a space before, signed with it', signed(` ${head}.${body}`, key)],
    ['a line end between, signed with it', signed(`${head}\n.${body}`, key)],
    ['a line end after', `${token}\n`],
    ['quoted', `"${token}"`],
    ['claims that are a list', forge(header, [claims], key)],
    ['claims that are null', forge(header, 'null', key)],
    ['claims that are not JSON', forge(header, '{', key)],
    ['a header that is not JSON', forge('{', claims, key)],
    ['a header that is a list', forge([header], claims, key)],
    [
      'a repeated key in the claims',
      forge(header, JSON.stringify(claims).replace('{', '{"sub":"admin",').replace('"v":1', '"v":1,"v":2'), key),
    ],
    ['8 KB', `${token}${'A'.repeat(8192)}`],
    ['nothing', ''],
    ['undefined', undefined],
    ['a list', [token]],
    ['an object', { token }],
    ['bytes', Buffer.from(token)],
  ];
}

/** Signs by hand, so that there are tokens which only a holder of the key could make. */
export function forge(header: unknown, claims: unknown, key: Uint8Array, hash = 'sha256'): string {
  return signed(`${encode(header)}.${encode(claims)}`, key, hash);
}

function signed(text: string, key: Uint8Array, hash = 'sha256'): string {
  return `${text}.${createHmac(hash, key).update(text).digest('base64url')}`;
}

function encode(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
}

function without(from: Json, name: string): Json {
  const { [name]: _, ...rest } = from;
  return rest;
}
