// Import otplib in parts, because the whole package loads a second implementation of its hashes and takes 1.5 times as long for a code.
import { generateSync } from '@otplib/hotp';
import { ScureBase32Plugin } from '@otplib/plugin-base32-scure';
import { equalBytes } from '../../crypto/digest.js';
import type { Checked, Factor, FactorContext } from '../factor.js';
import { type ClosedRange, closeSteps, isClosed, lastClosed } from './closed-steps.js';
import { keyUri } from './key-uri.js';
import { otplibCrypto } from './otplib-crypto.js';
import { qrSvg } from './qr.js';

/** Length of a time step, in seconds. */
export const STEP_SECONDS = 30;
/** Length of a secret: 160 bits (RFC 4226 section 4, R6). */
export const SECRET_BYTES = 20;

const base32 = new ScureBase32Plugin();

/** What is stored of a TOTP authenticator. */
export interface TotpData {
  /** Base32 without padding. */
  secret: string;
  /** Steps that are never accepted again. */
  closed: ClosedRange[];
}

/** What is shown at enrollment. */
export interface TotpShown {
  /** Key URI (`otpauth://totp/...`), for the QR code. */
  uri: string;
  /** The same key for typing, base32 in groups of four. */
  manualKey: string;
}

/** What a screen shows in addition. */
export interface TotpDrawn {
  /** The key URI as a QR code, an SVG element. */
  qrSvg: string;
}

/**
 * TOTP as every authenticator app supports it: SHA-1, 6 digits, 30 seconds (RFC 6238).
 *
 * Accepting step s at clock step t closes the steps [t - window ... s] for ever.
 */
export const totpFactor = {
  kind: 'totp',
  bodyField: 'code' as const,
  traits: { guessable: true, phishable: true, standsAlone: true, endsRememberedDevices: false },
  enroll: {
    defaultName: 'Authenticator app',
    begin: (random) => ({ secret: base32.encode(random(SECRET_BYTES), { padding: false }), closed: [] }),
    show: (data, account) => ({ uri: keyUri(data.secret, account, STEP_SECONDS), manualKey: inGroups(data.secret) }),
    draw: async ({ uri }) => ({ qrSvg: await qrSvg(uri) }),
    confirm: checkCode,
  },
  page: async () => (await import('./page.js')).totpPage,
  proofFrom: (code) => ({ code }),
  parse: ({ code }: { code: unknown }) => parseCode(code),
  check: checkCode,
  useUp: closeWindow,
} satisfies Factor<TotpData, TotpData, TotpShown, string, TotpDrawn>;

/** Returns six ASCII digits after removing U+0020, or null. Leading zeros stay, so a code is always a string. */
export function parseCode(input: unknown): string | null {
  if (typeof input !== 'string' || input.length > 32) return null;
  const code = input.replaceAll(' ', '');
  return /^[0-9]{6}$/.test(code) ? code : null;
}

/** Returns the bytes of a key as it appears in the URI or in the manual entry. */
export function parseKey(key: string): Uint8Array {
  return base32.decode(key.replaceAll(' ', ''));
}

/** Returns the data with every step closed whose code would be accepted now, because those codes may have been used. */
function closeWindow(data: TotpData, { now, options: { windowSteps } }: FactorContext): TotpData {
  const step = stepAt(now);
  return { ...data, closed: closeSteps(data.closed, { from: step - windowSteps, to: step + windowSteps }) };
}

/** Returns the time step of an instant. */
export function stepAt(now: number): number {
  return Math.floor(now / 1000 / STEP_SECONDS);
}

function checkCode(data: TotpData, code: string, { now, options: { windowSteps } }: FactorContext): Checked<TotpData> {
  const clockStep = stepAt(now);
  const secret = base32.decode(data.secret);
  const first = clockStep - windowSteps;
  // One bit for each step of the window. Every step is computed, compared and looked up, and no branch is taken at a match, so the time
  // does not reveal which step matched or whether it was used.
  let matched = 0;
  let closed = 0;
  for (let place = 0; place <= 2 * windowSteps; place++) {
    const step = first + place;
    const expected = generateSync({ secret, counter: Math.max(step, 0), crypto: otplibCrypto });
    matched |= (Number(equalBytes(Buffer.from(expected), Buffer.from(code))) & Number(step >= 0)) << place;
    closed |= Number(isClosed(data.closed, step)) << place;
  }
  // Also computed for a wrong code, for the same reason; the result is then discarded.
  const last = first + 31 - Math.clz32(matched | 1);
  const spent = { ...data, closed: closeSteps(data.closed, { from: first, to: last }) };
  const ahead = (lastClosed(data.closed) - (clockStep + windowSteps)) * STEP_SECONDS;
  const anomaly = ahead > 0 ? { aheadSeconds: ahead } : {};
  if (matched & closed) return { outcome: 'replayed', data, ...anomaly };
  if (!matched) return { outcome: 'wrong', data, ...anomaly };
  return { outcome: 'accepted', data: spent, ...anomaly };
}

function inGroups(secret: string): string {
  return secret.match(/.{1,4}/g)?.join(' ') ?? secret;
}
