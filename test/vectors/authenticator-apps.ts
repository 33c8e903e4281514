/** What an authenticator app takes for issuer and account. */
export interface AppLabel {
  issuer: string;
  account: string;
}

/**
 * Reads the label as FreeOTP 2 for Android does: the whole decoded path has to match its pattern, or the QR code is refused.
 * Written from the behavior, not from the code.
 */
export function readAsFreeOtp(uri: string): AppLabel {
  const path = decodeURIComponent(pathOf(uri));
  const match = /^\/(?:([^:]+):)?([^:]+)$/.exec(path);
  if (!match) throw new Error(`FreeOTP refuses the label ${JSON.stringify(path)}`);
  return { issuer: match[1] ?? '', account: match[2] ?? '' };
}

/**
 * Reads the label as pyotp does: it splits the decoded path at the first colon, or at what still looks like an encoded one, and
 * refuses a URI whose parameter names another issuer.
 */
export function readAsPyotp(uri: string): AppLabel {
  const label = decodeURIComponent(pathOf(uri)).slice(1);
  const split = /:|%3A/.exec(label);
  const issuer = split ? label.slice(0, split.index) : '';
  const account = split ? label.slice(split.index + split[0].length) : label;
  const query = new URLSearchParams(uri.slice(uri.indexOf('?')));
  if (split && query.get('issuer') !== issuer) throw new Error('pyotp: the issuers of label and parameter differ');
  return { issuer, account };
}

/** Reads the label as apps do that decode it twice before they split it at the first colon. */
export function readTwiceDecoded(uri: string): AppLabel {
  const once = decodeURIComponent(pathOf(uri)).slice(1);
  const twice = once.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  const at = twice.indexOf(':');
  return { issuer: twice.slice(0, at), account: twice.slice(at + 1) };
}

function pathOf(uri: string): string {
  const path = /^otpauth:\/\/totp(\/[^?#]*)\?/.exec(uri)?.[1];
  if (path === undefined) throw new Error('not a key URI');
  return path;
}
