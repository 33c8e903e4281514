import { equalBytes, keyedDigest } from '../../crypto/digest.js';
import type { EventDetail } from '../../events.js';
import type { RecoveryCodeSet } from '../../profile/recovery-code-set.js';
import type { Factor } from '../factor.js';

/** Crockford's base32: no I, L, O, U. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** 24 characters of 5 bits: 120 bits, which cannot be guessed, so a keyed digest is enough (NIST SP 800-63B-4 3.1.2.2). */
const LENGTH = 24;
/** Random bytes that one code takes. */
export const RECOVERY_CODE_BYTES = LENGTH;
/** Random bytes of a set's digest key. */
export const RECOVERY_KEY_BYTES = 32;
const SET_ID_BYTES = 16;

/** A used code that is sent again within this time counts as the same form sent twice. */
const SAME_MOMENT = 10_000;

/** Creates a set, and returns its codes in groups of four, to be shown once. */
export function createRecoveryCodes(
  count: number,
  random: (length: number) => Uint8Array,
  now: number,
): { set: RecoveryCodeSet & { id: string }; codes: string[] } {
  // Draw all bytes at once: each call of the generator costs more than the rest of a code.
  const bytes = Buffer.from(random(RECOVERY_KEY_BYTES + SET_ID_BYTES + count * RECOVERY_CODE_BYTES));
  const key = bytes.subarray(0, RECOVERY_KEY_BYTES);
  const id = bytes.toString('base64url', RECOVERY_KEY_BYTES, RECOVERY_KEY_BYTES + SET_ID_BYTES);
  const digests: string[] = [];
  const codes: string[] = [];
  for (let at = RECOVERY_KEY_BYTES + SET_ID_BYTES; at < bytes.byteLength; at += RECOVERY_CODE_BYTES) {
    const code = encode(bytes.subarray(at, at + RECOVERY_CODE_BYTES));
    digests.push(digest(key, code));
    codes.push(inGroups(code));
  }
  const unsaved = { createdAt: now, codes: count };
  return { set: { key: key.toString('base64url'), digests, createdAt: now, id, unsaved }, codes };
}

/** Whether the answer that showed the codes may have been lost: the user has not confirmed them, and none was used. */
export function isUnsaved(set: RecoveryCodeSet | null): boolean {
  const unsaved = set?.unsaved;
  return unsaved !== undefined && unsaved.createdAt === set?.createdAt && unsaved.codes === set.digests.length;
}

/** Returns the set after its user has confirmed that the codes are saved. */
export function withSaved({ unsaved: _, ...set }: RecoveryCodeSet): RecoveryCodeSet {
  return set;
}

/**
 * Returns the normal form of the input: upper case, without spaces and hyphens, with look-alikes read as the digits they resemble. ASCII
 * only. Null if it cannot be a code.
 */
export function parseRecoveryCode(input: unknown): string | null {
  if (typeof input !== 'string' || input.length > 128) return null;
  const code = input
    .replace(/[\t\r\n -]/g, '')
    .replace(/[a-z]/g, (letter) => letter.toUpperCase())
    .replaceAll('O', '0')
    .replace(/[IL]/g, '1');
  return code.length === LENGTH && [...code].every((character) => ALPHABET.includes(character)) ? code : null;
}

/**
 * Returns the set without the code, or null if the code is not in it. Runs in constant time: it compares every digest and takes no branch
 * at the match. The last digest replaces the removed one. For a code that is not in the set it replaces a dummy before the first.
 */
export function takeRecoveryCode(set: RecoveryCodeSet, code: string, now: number): RecoveryCodeSet | null {
  const used = digest(Buffer.from(set.key, 'base64url'), code);
  const wanted = Buffer.from(used);
  let position = 0;
  set.digests.forEach((candidate, index) => {
    position |= -Number(equalBytes(Buffer.from(candidate), wanted)) & (index + 1);
  });
  const rest = ['', ...set.digests];
  rest[position] = rest[rest.length - 1] as string;
  const left = { ...set, digests: rest.slice(1, -1), lastUsed: { digest: used, at: now } };
  return position === 0 ? null : left;
}

/** Recovery codes: single use, and too long to be guessed, so only the number of writes is limited. */
export const recoveryCodeFactor = {
  kind: 'recovery-code',
  bodyField: 'recoveryCode' as const,
  traits: { guessable: false, phishable: true, standsAlone: false, endsRememberedDevices: true },
  store: {
    read: (profile) => profile.recoveryCodes,
    write: (profile, recoveryCodes) => ({ ...profile, recoveryCodes }),
    isEmpty: (set) => set.digests.length === 0,
  },
  isSwitchedOff: ({ recoveryCodeCount }) => recoveryCodeCount === 0,
  page: async () => (await import('./page.js')).recoveryCodePage,
  proofFrom: (code) => ({ code }),
  parse: ({ code }: { code: unknown }) => parseRecoveryCode(code),
  check(set, code, { now }) {
    const left = takeRecoveryCode(set, code, now);
    if (left) return { outcome: 'accepted', data: left };
    return { outcome: isUsedAgain(set, code, now) ? 'repeated' : 'wrong', data: set };
  },
  report({ digests }, { options: { recoveryCodesLowAt } }) {
    const recoveryCodesLeft = digests.length;
    const events: EventDetail[] = [{ name: 'recovery_code_used', recoveryCodesLeft }];
    if (recoveryCodesLeft <= recoveryCodesLowAt) events.push({ name: 'recovery_codes_low', recoveryCodesLeft });
    return { fields: { recoveryCodesLeft }, events };
  },
} satisfies Factor<never, RecoveryCodeSet, never, string>;

/** Whether this is the code that was used a moment ago. */
export function isUsedAgain(set: RecoveryCodeSet, code: string, now: number): boolean {
  const { lastUsed } = set;
  if (!lastUsed || Math.abs(now - lastUsed.at) > SAME_MOMENT) return false;
  return equalBytes(Buffer.from(lastUsed.digest), Buffer.from(digest(Buffer.from(set.key, 'base64url'), code)));
}

function digest(key: Uint8Array, code: string): string {
  return keyedDigest(key, ['recovery-code', code], 'base64url');
}

function encode(random: Uint8Array): string {
  let code = '';
  // 256 is a multiple of 32, so the low five bits of a byte are uniform.
  for (const byte of random) code += ALPHABET[byte % 32];
  return code;
}

function inGroups(code: string): string {
  let groups = code.slice(0, 4);
  for (let at = 4; at < LENGTH; at += 4) groups += `-${code.slice(at, at + 4)}`;
  return groups;
}
