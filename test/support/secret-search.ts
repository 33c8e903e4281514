/** A secret that must not appear anywhere: its name in the report, and its bytes. */
export interface Secret {
  name: string;
  bytes: Buffer;
}

/** A secret that people and programs handle as text. */
export function textSecret(name: string, text: string): Secret {
  return { name, bytes: Buffer.from(text) };
}

/** The bytes behind a base32 key. */
export function base32Secret(name: string, key: string): Secret {
  const bits = [...key.replaceAll(' ', '')].map((character) => BASE32.indexOf(character).toString(2).padStart(5, '0')).join('');
  const bytes = bits.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? [];
  return { name, bytes: Buffer.from(bytes) };
}

/** Finds the secrets in the bytes: raw, as UTF-16, hex, base32, base64 or base64url, at any alignment. */
export function findSecrets(haystack: Buffer, secrets: readonly Secret[]): string[] {
  const text = haystack.toString('latin1');
  const folded = text.toLowerCase();
  return secrets.flatMap(({ name, bytes }) => {
    const found: string[] = [];
    if (occursRaw(text, bytes)) found.push(`${name} (raw)`);
    if (haystack.includes(Buffer.from(bytes.toString('latin1'), 'utf16le'))) found.push(`${name} (UTF-16)`);
    if (folded.includes(bytes.toString('hex'))) found.push(`${name} (hex)`);
    for (const form of shifted(bytes, 3, (part) => part.toString('base64').replace(/=+$/, ''))) {
      if (text.includes(form) || text.includes(form.replaceAll('+', '-').replaceAll('/', '_'))) found.push(`${name} (base64)`);
    }
    for (const form of shifted(bytes, 5, toBase32)) {
      if (folded.includes(form.toLowerCase())) found.push(`${name} (base32)`);
    }
    return found;
  });
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function occursRaw(text: string, bytes: Buffer): boolean {
  const raw = bytes.toString('latin1');
  // Six digits within a longer number, for example a timestamp, are not a code.
  if (/^\d{6}$/.test(raw)) return new RegExp(`(?<![0-9.])${raw}(?!\\d)`).test(text);
  return text.includes(raw);
}

/** The encoded middle of the bytes for each offset within a group, without the characters that depend on neighbors. */
function shifted(bytes: Buffer, group: number, encode: (part: Buffer) => string): string[] {
  const forms: string[] = [];
  for (let offset = 0; offset < group; offset += 1) {
    const part = bytes.subarray(offset);
    const whole = part.subarray(0, part.length - (part.length % group));
    // Fewer characters would match by chance.
    if (whole.length >= 6) forms.push(encode(whole));
  }
  return forms;
}

function toBase32(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{5}/g) ?? []).map((group) => BASE32[Number.parseInt(group, 2)]).join('');
}
