/** Four modules of quiet zone, as ISO/IEC 18004 asks for; black on white also on a dark page, since scanners need it. */
const LOOK = { margin: 4, errorCorrectionLevel: 'M', color: { dark: '#000000ff', light: '#ffffffff' } } as const;

/**
 * The QR code of a key URI as an SVG element, made locally: no third party sees the URI.
 *
 * It has attributes only, neither style nor script, so it may stand inline under a strict Content-Security-Policy.
 */
export async function qrSvg(uri: string): Promise<string> {
  const { default: QRCode } = await import('qrcode');
  const svg = await QRCode.toString(uri, { ...LOOK, type: 'svg' });
  return svg.trim();
}

/** The same as a PNG in a `data:` URL, for mail clients and native views. Six times as costly as {@link qrSvg}. */
export async function qrPngDataUrl(uri: string): Promise<string> {
  const { default: QRCode } = await import('qrcode');
  return QRCode.toDataURL(uri, { ...LOOK, type: 'image/png', scale: 6 });
}
