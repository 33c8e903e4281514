/** What an authenticator app reads from a key URI. */
export interface ParsedKeyUri {
  type: string;
  issuer: string;
  account: string;
  parameters: Map<string, string>;
}

/**
 * Reads a key URI by the letter of the "Key Uri Format" (google-authenticator wiki): type, label of `issuer:account`, parameters.
 * Written from the format and without URL or URLSearchParams, which forgive what some apps do not.
 */
export function parseKeyUri(uri: string): ParsedKeyUri {
  const parts = /^otpauth:\/\/([a-z]+)\/([^/?#]+)\?([^?#]+)$/.exec(uri);
  if (!parts) throw new Error('not a key URI');
  if (!/^[A-Za-z0-9\-._~!'()*:/?=&%]+$/.test(uri)) throw new Error('a character that must be encoded stands in the URI');
  const [, type = '', label = '', query = ''] = parts;
  const colons = label.split(':');
  if (colons.length !== 2) throw new Error('the label must have one literal colon');
  const [issuer = '', account = ''] = colons.map(decodePercent);
  const parameters = new Map<string, string>();
  for (const pair of query.split('&')) {
    const [name = '', value, ...more] = pair.split('=');
    if (value === undefined || more.length > 0 || parameters.has(name)) throw new Error('a parameter is malformed or repeated');
    parameters.set(name, decodePercent(value));
  }
  return { type, issuer, account, parameters };
}

function decodePercent(text: string): string {
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at++) {
    if (text[at] !== '%') bytes.push(text.charCodeAt(at));
    else {
      const hex = text.slice(at + 1, at + 3);
      if (!/^[0-9A-F]{2}$/i.test(hex)) throw new Error('a percent sign without two digits');
      bytes.push(Number.parseInt(hex, 16));
      at += 2;
    }
  }
  return new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array(bytes));
}
