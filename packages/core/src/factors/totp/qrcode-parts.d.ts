// The two parts of the package "qrcode" that the kit uses. Its own types describe only the whole package.
declare module 'qrcode/lib/core/qrcode.js' {
  import type { create } from 'qrcode';

  const core: { create: typeof create };
  export = core;
}

declare module 'qrcode/lib/renderer/svg-tag.js' {
  import type { QRCode, QRCodeRenderersOptions } from 'qrcode';

  const renderer: { render(qrCode: QRCode, options: QRCodeRenderersOptions): string };
  export = renderer;
}
