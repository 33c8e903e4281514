import type { DeviceGrant } from '../../mfa.js';
import { parseCookies, type SameSite, serializeCookie } from './cookies.js';

/** How this exchange's device cookies look. `secure: false` is for development over plain http. */
export interface DeviceCookieStyle {
  secure: boolean;
  sameSite: SameSite;
}

/** The suffixes of one user's cookie names: first the one for writing, then those of older keys. */
export interface UserCookies extends DeviceCookieStyle {
  suffixes: readonly string[];
}

const MAX_TOKENS = 4;
/** For all users together: Node answers 431 to a browser with 45 of them, nginx to one with 21. */
const MAX_COOKIES = 5;
const MAX_AGE_SECONDS = 90 * 86_400;
const TOKEN = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

/** Returns the device tokens that the browser sent for this user, duplicates included, at most four. */
export function readDeviceTokens(cookieHeader: string | undefined, user: UserCookies): string[] {
  const sent = parseCookies(cookieHeader);
  const tokens = user.suffixes.flatMap((suffix) => {
    const name = cookieName(suffix, user.secure);
    return sent.filter((cookie) => cookie.name === name && TOKEN.test(cookie.value)).map((cookie) => cookie.value);
  });
  return [...new Set(tokens)].slice(0, MAX_TOKENS);
}

/**
 * The `Set-Cookie` lines that give the browser a token. They also end this user's cookies under older keys, and the oldest cookies
 * of other users if there are more than five.
 *
 * The age of a token is not verified; it only decides which copy the browser drops.
 */
export function deviceCookieLines(
  cookieHeader: string | undefined,
  input: UserCookies & { grant: DeviceGrant; now: number },
): string[] {
  const [current, ...older] = input.suffixes.map((suffix) => cookieName(suffix, input.secure));
  if (current === undefined) return [];
  const sent = parseCookies(cookieHeader).filter((cookie) => isDeviceCookie(cookie.name, input.secure));
  const own = new Set([current, ...older]);
  const dropped = sent
    .filter((cookie) => !own.has(cookie.name))
    .sort((one, other) => issuedAt(other.value) - issuedAt(one.value))
    .map((cookie) => cookie.name);
  const names = [...new Set(dropped)].slice(MAX_COOKIES - 1);
  const ended = [...older.filter((name) => sent.some((cookie) => cookie.name === name)), ...names];
  const lifeSeconds = Math.floor((input.grant.expiresAt - input.now) / 1000);
  return [
    serializeCookie(current, input.grant.token, { ...input, maxAgeSeconds: Math.max(0, Math.min(lifeSeconds, MAX_AGE_SECONDS)) }),
    ...ended.map((name) => serializeCookie(name, '', { ...input, maxAgeSeconds: 0 })),
  ];
}

/** The device ids in the tokens, unverified. Use them to mark a row in a list, and for nothing else. */
export function claimedDeviceIds(tokens: readonly string[]): string[] {
  return tokens.map((token) => claimsOf(token).device).filter((id) => typeof id === 'string');
}

/** The `__Host-` prefix makes the browser refuse a cookie that a sibling domain or plain http tries to set. */
function cookieName(suffix: string, secure: boolean): string {
  return `${secure ? '__Host-' : ''}mfa_device_${suffix}`;
}

function isDeviceCookie(name: string, secure: boolean): boolean {
  return (secure ? /^__Host-mfa_device_[0-9a-f]{12}$/ : /^mfa_device_[0-9a-f]{12}$/).test(name);
}

function issuedAt(token: string): number {
  const { iat } = claimsOf(token);
  return typeof iat === 'number' && Number.isFinite(iat) ? iat : 0;
}

/** The claims of a token, unverified. */
function claimsOf(token: string): Record<string, unknown> {
  try {
    const payload: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    return typeof payload === 'object' && payload !== null ? { ...payload } : {};
  } catch {
    return {};
  }
}
