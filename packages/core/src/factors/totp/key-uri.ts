/**
 * A URI of this length fits in a QR code of 85 by 85 modules at level M, which cameras of phones still read from a screen. The
 * largest code would hold 2331 bytes.
 */
const LONGEST_URI = 504;
/** The issuer stands in the URI twice, and leaves at least as much room for the name. */
const LONGEST_ISSUER = 108;
/** Longer texts are cut before anything else looks at them. */
const READ_AT_MOST = 4096;
const ISSUER_FALLBACK = 'MFA';
const NAME_FALLBACK = 'Account';

/** What the authenticator app shows. */
export interface KeyUriAccount {
  issuer: string;
  name: string;
}

/**
 * The key URI of a TOTP secret, as the "Key Uri Format" of Google Authenticator has it.
 *
 * The label has one colon, between issuer and name. Apps disagree about any other, encoded or not: FreeOTP refuses the QR code, others
 * split at the wrong place. So a colon is shown as a hyphen. Issuer and name are shortened so that the QR code always fits.
 */
export function keyUri(secret: string, account: KeyUriAccount, stepSeconds: number): string {
  // The same text in the label and as parameter: apps compare them.
  const issuer = encodeShort(labelText(account.issuer) || ISSUER_FALLBACK, LONGEST_ISSUER);
  const parameters = `secret=${secret}&issuer=${issuer}&algorithm=SHA1&digits=6&period=${stepSeconds}`;
  const room = LONGEST_URI - `otpauth://totp/${issuer}:?${parameters}`.length;
  const name = encodeShort(labelText(account.name) || NAME_FALLBACK, room);
  return `otpauth://totp/${issuer}:${name}?${parameters}`;
}

/** A text that every app shows in one line and splits at no place. */
function labelText(text: string): string {
  const cut = text.slice(0, READ_AT_MOST);
  return (
    wellFormed(cut)
      .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
      // Marks of direction and characters without width. The joiners stay: emoji, Persian and Indic scripts need them.
      .replace(/[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g, '')
      // Last, because what was dropped may have stood in the middle of it. An encoded colon would appear in apps that decode twice.
      .replace(/:|%(?:25)*3a/gi, '-')
      .trim()
  );
}

/** The text in percent encoding; one that is too long ends with an ellipsis, and no character is cut in two. */
function encodeShort(text: string, longest: number): string {
  const encoded = encodeURIComponent(text);
  if (encoded.length <= longest) return encoded;
  const end = encodeURIComponent('…');
  const room = longest - end.length;
  // One character with many combining marks may take more than all the room there is: then its code points count.
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
