import { readFileSync } from 'node:fs';
import path from 'node:path';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { assets, assetUrl } from '../../../../packages/core/src/pages/assets/assets.js';
import { root } from '../../../house/sources.js';
import { englishDocuments } from './samples.js';

const style = assets['page.css'].text;
const script = assets['page.js'].text;

describe('the assets', () => {
  it('equal page.css and page.js; npm run build updates them', async () => {
    const folder = path.join(root, 'packages/core/src/pages/assets');
    expect(style).toBe(readFileSync(path.join(folder, 'page.css'), 'utf8'));
    expect(script).toBe(readFileSync(path.join(folder, 'page.js'), 'utf8'));
  });

  it('have a URL that changes only with their content', async () => {
    expect(assetUrl('/mfa', 'page.css')).toMatch(/^\/mfa\/assets\/page\.css\?v=[0-9a-f]{8}$/);
    expect(assetUrl('/mfa', 'page.js')).toBe(assetUrl('/mfa', 'page.js'));
    expect(assetUrl('', 'page.js').split('=')[1]).not.toBe(assetUrl('', 'page.css').split('=')[1]);
  });

  it('are linked from every page', async () => {
    for (const { document } of await englishDocuments()) {
      expect(document).toContain(`<link rel="stylesheet" href="${assetUrl('/auth/mfa', 'page.css')}">`);
      expect(document).toContain(`<script src="${assetUrl('/auth/mfa', 'page.js')}" defer></script>`);
    }
  });

  it('load nothing from other origins', async () => {
    expect(style.match(/url\("(?!data:)|@import|https?:\/\/(?!www\.w3\.org\/2000\/svg)/g)).toBeNull();
    expect(script.match(/https?:|fetch\(|XMLHttpRequest|import\(/g)).toBeNull();
  });

  it('are a script that parses and a style sheet whose braces match', async () => {
    expect(() => runInNewContext(`(function () {${script}\n})`)).not.toThrow();
    expect(style.match(/\{/g)?.length).toBe(style.match(/\}/g)?.length);
    expect(style).not.toContain('undefined');
  });

  it('style every class that the pages use', async () => {
    const used = (await englishDocuments()).flatMap(({ document }) =>
      [...document.matchAll(/ class="([^"]*)"/g)].flatMap(([, names = '']) => names.split(' ')),
    );
    const plain = ['success', 'disclosed'];
    const missing = [...new Set(used)].filter((name) => !style.includes(`.${name}`) && !plain.includes(name));
    expect(missing).toEqual([]);
  });

  it('F90: underline in a way that WebKit supports, which drops a shorthand with a thickness', async () => {
    expect(style.match(/text-decoration: (?!none;|underline;)[^;]*/g)).toBeNull();
    expect(style).toMatch(/> span \{\s+text-decoration: underline;/);
  });

  it('let the script write no style attribute and no markup', async () => {
    expect(script).not.toMatch(/innerHTML|outerHTML|insertAdjacent|document\.write|setAttribute\('style'|eval\(/);
  });

  it('match the documented custom properties', async () => {
    for (const name of [
      'accent',
      'on-accent',
      'background',
      'surface',
      'text',
      'muted',
      'line',
      'field-line',
      'danger',
      'radius',
      'font',
      'mono',
    ]) {
      expect(style).toContain(`--mfa-${name}:`);
    }
  });
});
