/// <reference path="./qrcode-parts.d.ts" />
import type { QRCode } from 'qrcode';

/** Four modules of quiet zone, as ISO/IEC 18004 requires. Black on white even on a dark page, because scanners need it. */
const MARGIN = 4;
const COLOR = { dark: '#000000ff', light: '#ffffffff' };
/** Pixels of a PNG for one module. */
const SCALE = 6;

/**
 * Draws the QR code of a key URI as an SVG element, locally: no third party sees the URI.
 *
 * The SVG has attributes only, neither style nor script, so it may be inline under a strict Content-Security-Policy.
 */
export async function qrSvg(uri: string): Promise<string> {
  const code = await encode(uri);
  const { default: renderer } = await import('qrcode/lib/renderer/svg-tag.js');
  return renderer.render(code, { margin: MARGIN, color: COLOR }).trim();
}

/** Draws the same QR code as a PNG in a `data:` URL, for mail clients and native views. It costs more than {@link qrSvg}. */
export async function qrPngDataUrl(uri: string): Promise<string> {
  const { modules } = await encode(uri);
  const { crc32, deflateSync } = await import('node:zlib');
  const width = (modules.size + 2 * MARGIN) * SCALE;
  // One bit per pixel, 1 is white. Each row begins with a byte that says that it is not filtered.
  const stride = 1 + Math.ceil(width / 8);
  const rows = Buffer.alloc(stride * width, 0xff);
  for (let y = 0; y < width; y++) {
    rows[y * stride] = 0;
    for (let x = 0; x < width; x++) {
      if (!isDark(modules, Math.floor(x / SCALE) - MARGIN, Math.floor(y / SCALE) - MARGIN)) continue;
      const byte = y * stride + 1 + (x >> 3);
      rows[byte] = (rows[byte] ?? 0) & ~(0x80 >> (x & 7));
    }
  }

  function chunk(type: string, data: Buffer): Buffer {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    return Buffer.concat([uint32(data.length), body, uint32(crc32(body))]);
  }
  // Bit depth 1, grayscale, and the only methods of compression, filtering and interlacing that PNG defines.
  const header = Buffer.concat([uint32(width), uint32(width), Buffer.from([1, 0, 0, 0, 0])]);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const data = deflateSync(rows);
  const png = Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', data), chunk('IEND', Buffer.alloc(0))]);
  return `data:image/png;base64,${png.toString('base64')}`;
}

/**
 * Imports a part of the package, which is plain computation. The package's main entry also loads a PNG encoder that requires Node modules,
 * which does not work in an ESM bundle.
 */
async function encode(uri: string): Promise<QRCode> {
  const { default: core } = await import('qrcode/lib/core/qrcode.js');
  return core.create(uri, { errorCorrectionLevel: 'M' });
}

function isDark({ size, data }: QRCode['modules'], column: number, row: number): boolean {
  if (column < 0 || row < 0 || column >= size || row >= size) return false;
  return data[row * size + column] === 1;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
