import type { JWTPayload } from 'jose';
// Import jose by path: the whole package is three times as many files to load at startup.
import { jwtVerify } from 'jose/jwt/verify';
import { hmacSha256 } from '../crypto/digest.js';
import type { KeyPurpose, Keyring } from '../crypto/keyring.js';

/** One kind of token: everything that keeps it from being taken for another. */
export interface TokenKind {
  typ: string;
  purpose: KeyPurpose;
  /** Goes into the audience beside the realm. */
  place: string;
  lifetimeSeconds: number;
}

/** What every token of ours says. */
export interface TokenClaims {
  userId: string;
  id: string;
  [claim: string]: unknown;
}

/** Why a token was not accepted. */
export type TokenFault = 'invalid' | 'expired';

const TOLERANCE_SECONDS = 60;
/** One of a user id of 255 bytes that JSON writes as six characters each has 2,500. */
const LONGEST_TOKEN = 3_072;
/** The exact compact form, because the decoder would accept a line end or padding. */
const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
const REGISTERED = ['iss', 'aud', 'sub', 'jti', 'iat', 'nbf', 'exp'];

/**
 * Signs a token with HS256 (RFC 7515) and the writing key.
 *
 * Synchronous, because an HMAC over 300 bytes takes microseconds here, and a trip to the thread pool of Web Crypto takes ten times as long.
 */
export function signToken(
  kind: TokenKind,
  claims: TokenClaims,
  given: { keyring: Keyring; realm: string; now: number },
): { token: string; expiresAt: number } {
  const { keyring, realm, now } = given;
  const key = keyring.bytes(kind.purpose, keyring.currentId);
  if (!key) throw new TypeError('the writing key is in the ring');
  const { userId, id, ...own } = claims;
  const issuedAt = Math.floor(now / 1000);
  const expires = issuedAt + kind.lifetimeSeconds;
  const registered = { iss: realm, aud: audience(realm, kind), sub: userId, jti: id, iat: issuedAt, nbf: issuedAt, exp: expires };
  const header = encodeJson({ alg: 'HS256', typ: kind.typ, kid: keyring.currentId });
  const signed = `${header}.${encodeJson({ ...own, v: 1, ...registered })}`;
  return { token: `${signed}.${hmacSha256(key, signed)}`, expiresAt: expires * 1000 };
}

function encodeJson(value: object): string {
  return Buffer.from(JSON.stringify(value), 'utf8').toString('base64url');
}

/**
 * Checks a token: algorithm, type, key, issuer, audience, every claim (RFC 8725 sections 3.1, 3.8 to 3.12).
 *
 * Refuses other header fields than the three that we write, because such a field could name a key.
 */
export async function verifyToken(
  kind: TokenKind,
  token: unknown,
  given: { keyring: Keyring; realm: string; now: number },
): Promise<{ valid: true; claims: TokenClaims & { expiresAt: number } } | { valid: false; why: TokenFault }> {
  const { keyring, realm, now } = given;
  if (typeof token !== 'string' || token.length > LONGEST_TOKEN || !COMPACT.test(token)) return { valid: false, why: 'invalid' };
  try {
    const { payload, protectedHeader } = await jwtVerify(
      token,
      ({ kid }) => {
        const key = typeof kid === 'string' ? keyring.hmacKey(kind.purpose, kid) : undefined;
        if (!key) throw new TypeError('unknown key id');
        return key;
      },
      {
        algorithms: ['HS256'],
        typ: kind.typ,
        issuer: realm,
        audience: audience(realm, kind),
        requiredClaims: [...REGISTERED, 'v'],
        clockTolerance: TOLERANCE_SECONDS,
        maxTokenAge: kind.lifetimeSeconds,
        currentDate: new Date(now),
      },
    );
    if (Object.keys(protectedHeader).length !== 3) return { valid: false, why: 'invalid' };
    const claims = ownClaims(payload, audience(realm, kind));
    return claims ? { valid: true, claims } : { valid: false, why: 'invalid' };
  } catch (error) {
    const expired = error instanceof Error && 'code' in error && error.code === 'ERR_JWT_EXPIRED';
    return { valid: false, why: expired ? 'expired' : 'invalid' };
  }
}

// Compare for equality, because we never issue a token for two audiences.
function ownClaims(payload: JWTPayload, wantedAudience: string): (TokenClaims & { expiresAt: number }) | null {
  const { aud, sub, jti, iat, nbf, exp, v } = payload;
  const instants = [iat, nbf, exp].every((instant) => Number.isSafeInteger(instant));
  if (!instants || aud !== wantedAudience || v !== 1 || typeof sub !== 'string' || typeof jti !== 'string') return null;
  return { ...payload, userId: sub, id: jti, expiresAt: (exp ?? 0) * 1000 };
}

function audience(realm: string, kind: TokenKind): string {
  return `${realm}/${kind.place}`;
}
