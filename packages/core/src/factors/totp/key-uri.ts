/**
 * A URI of this length fits in a QR code of 85 by 85 modules at level M, which phone cameras can still read from a screen. The largest QR
 * code would hold 2331 bytes.
 */
const MAX_URI_LENGTH = 504;
/** The issuer appears in the URI twice, and must leave at least as much room for the name. */
const MAX_ISSUER_LENGTH = 108;
/** Longer texts are cut before they are processed. */
const MAX_INPUT_LENGTH = 4096;
const ISSUER_FALLBACK = 'MFA';
const NAME_FALLBACK = 'Account';

/** What the authenticator app shows. */
export interface KeyUriAccount {
  issuer: string;
  name: string;
}

/**
 * Builds the key URI of a TOTP secret in the "Key Uri Format" of Google Authenticator.
 *
 * The label has one colon, between issuer and name. Apps disagree about any other colon, encoded or not: FreeOTP refuses the QR code,
 * others split at the wrong place. So other colons become hyphens. Issuer and name are shortened so that the QR code always fits.
 */
export function keyUri(secret: string, account: KeyUriAccount, stepSeconds: number): string {
  // Use the same text in the label and in the parameter, because apps compare them.
  const issuer = encodeShort(labelText(account.issuer) || ISSUER_FALLBACK, MAX_ISSUER_LENGTH);
  const parameters = `secret=${secret}&issuer=${issuer}&algorithm=SHA1&digits=6&period=${stepSeconds}`;
  const room = MAX_URI_LENGTH - `otpauth://totp/${issuer}:?${parameters}`.length;
  const name = encodeShort(labelText(account.name) || NAME_FALLBACK, room);
  return `otpauth://totp/${issuer}:${name}?${parameters}`;
}

/** Returns a text that every app shows in one line and never splits. */
function labelText(text: string): string {
  const cut = text.slice(0, MAX_INPUT_LENGTH);
  return (
    wellFormed(cut)
      .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
      // Direction marks and zero-width characters. The joiners stay: emoji, Persian and Indic scripts need them.
      .replace(/[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g, '')
      // Run this last, because the characters removed above may have stood inside the match. An encoded colon would appear in apps that
      // decode twice.
      .replace(/:|%(?:25)*3a/gi, '-')
      .trim()
  );
}

/** Percent-encodes the text. If it is too long, ends it with an ellipsis, without cutting a character in two. */
function encodeShort(text: string, longest: number): string {
  const encoded = encodeURIComponent(text);
  if (encoded.length <= longest) return encoded;
  const end = encodeURIComponent('…');
  const room = longest - end.length;
  // One character with many combining marks may need all the room. Then count its code points.
  return (fill(graphemesOf(text), room) || fill(text, room)) + end;
}

function fill(characters: Iterable<string>, longest: number): string {
  let filled = '';
  for (const character of characters) {
    const next = filled + encodeURIComponent(character);
    if (next.length > longest) break;
    filled = next;
  }
  return filled;
}

function* graphemesOf(text: string): Generator<string> {
  for (const { segment } of new Intl.Segmenter().segment(text)) yield segment;
}

function wellFormed(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}
