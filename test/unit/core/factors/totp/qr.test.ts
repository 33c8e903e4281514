import { qrPngDataUrl, qrSvg } from '@mfa-kit/core';
import { describe, expect, it } from 'vitest';

const URI = 'otpauth://totp/Acme:ada%40example.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Acme';

describe('HTTP-8: the QR code', () => {
  it('is one SVG element with attributes only, which a strict policy allows', async () => {
    const svg = await qrSvg(URI);
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"[^>]*>.*<\/svg>$/s);
    expect(svg).not.toMatch(/style|script|href|url\(|\son\w+=/i);
    expect(svg).not.toContain('JBSWY3DP');
  });

  it('has four modules of quiet zone, dark on light', async () => {
    const svg = await qrSvg(URI);
    const [, width = '0'] = /viewBox="0 0 (\d+) \1"/.exec(svg) ?? [];
    expect((Number(width) - 8 - 17) % 4).toBe(0);
    expect(svg).toContain('fill="#ffffff"');
    expect(svg).toContain('M4 4.5h7');
  });

  it('has the same modules as a PNG', async () => {
    const url = await qrPngDataUrl(URI);
    expect(url).toMatch(/^data:image\/png;base64,/);
    expect(
      Buffer.from(url.split(',')[1] ?? '', 'base64')
        .subarray(1, 4)
        .toString(),
    ).toBe('PNG');
  });

  it('contains a name with markup as text', async () => {
    expect(await qrSvg(`${URI}&x=<script>alert(1)</script>`)).not.toContain('<script');
  });
});
