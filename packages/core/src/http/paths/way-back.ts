import type { MfaSettings } from '../../mfa.js';
import { parseCookies, serializeCookie } from '../device/cookies.js';
import type { Navigation } from './navigation.js';
import { sameOriginPath } from './return-to.js';

/** Where a browser goes after a proof. */
export interface WayBack {
  path: string;
  navigation: Navigation;
  /** When the request was refused, in epoch milliseconds. */
  since: number;
}

/** The user whom a way back is for; null if nobody was logged in. */
export type WayBackUser = string | null;

type Macs = Pick<MfaSettings, 'wayBackMac' | 'isWayBackMac' | 'now'>;

const LIFE_SECONDS = 600;
const CLOCK_TOLERANCE_SECONDS = 60;
const MAX_COOKIES = 4;
const MARKS: Record<Navigation, string> = { follow: 'f', offer: 'o' };

/** Returns the `Set-Cookie` line that keeps a way back for ten minutes. Only this server can create one, and only this user can use it. */
export function wayBackLine(
  { wayBackMac, now }: Macs,
  { user, path, navigation, secure }: { user: WayBackUser; path: string; navigation: Navigation; secure: boolean },
): string {
  const end = String(Math.floor(now() / 1000) + LIFE_SECONDS);
  const mac = wayBackMac(macParts({ user, path, end, mark: MARKS[navigation] }));
  const value = [MARKS[navigation], end, Buffer.from(path).toString('base64url'), mac].join('.');
  return serializeCookie(cookieName(secure), value, { secure, sameSite: 'lax', maxAgeSeconds: LIFE_SECONDS });
}

/** Returns the way back that the browser sent for this user; undefined if it is not valid. */
export function readWayBack(
  settings: Macs,
  cookieHeader: string | undefined,
  { user, secure }: { user: WayBackUser; secure: boolean },
): WayBack | undefined {
  const name = cookieName(secure);
  const sent = parseCookies(cookieHeader).filter((cookie) => cookie.name === name);
  for (const { value } of sent.slice(0, MAX_COOKIES)) {
    const way = openWayBack(settings, value, user);
    if (way) return way;
  }
  return undefined;
}

/** Whether the browser sent a way back, valid or not. */
export function isWayBackSent(cookieHeader: string | undefined, { secure }: { secure: boolean }): boolean {
  return parseCookies(cookieHeader).some((cookie) => cookie.name === cookieName(secure));
}

/** Returns the `Set-Cookie` line that deletes the way back. */
export function droppedWayBackLine({ secure }: { secure: boolean }): string {
  return serializeCookie(cookieName(secure), '', { secure, sameSite: 'lax', maxAgeSeconds: 0 });
}

function openWayBack({ isWayBackMac, now }: Macs, value: string, user: WayBackUser): WayBack | undefined {
  const [, mark, end = '', encoded = '', mac = ''] = /^([fo])\.([1-9]\d{9,11})\.([\w-]{1,1400})\.([\w-]{43})$/.exec(value) ?? [];
  const left = Number(end) - now() / 1000;
  if (mark === undefined || !(left > 0 && left <= LIFE_SECONDS + CLOCK_TOLERANCE_SECONDS)) return undefined;
  const path = Buffer.from(encoded, 'base64url').toString('utf8');
  if (!isWayBackMac(macParts({ user, path, end, mark }), mac) || sameOriginPath(path) !== path) return undefined;
  return { path, navigation: mark === MARKS.follow ? 'follow' : 'offer', since: (Number(end) - LIFE_SECONDS) * 1000 };
}

function macParts({ user, path, end, mark }: { user: WayBackUser; path: string; end: string; mark: string }): string[] {
  return [mark, end, path, ...(user === null ? [] : [user])];
}

/** The `__Host-` prefix makes the browser refuse a cookie that a sibling domain or plain http tries to set. */
function cookieName(secure: boolean): string {
  return `${secure ? '__Host-' : ''}mfa_return`;
}
