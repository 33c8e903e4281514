import { describe, expect, it } from 'vitest';
import { fillText, html, safeUrl, toMarkup } from '../../../../packages/core/src/html/html.js';
import { englishMessages } from '../../../../packages/core/src/pages/english.js';
import type { MfaPage, PageFrame } from '../../../../packages/core/src/pages/page.js';
import { renderPage } from '../../../../packages/core/src/pages/render.js';
import { challenge, enroll, frame, overview, recoveryCodes, recoveryCodesOffer, tagsOf } from './samples.js';

const HOSTILE = `"><img src=x onerror=alert(1)>'</title></textarea><script>alert(2)</script>&lt;\u202E\uFDD0🦊`;

/** Replaces every text in the value, except those that select the kind of page. */
function poison<Value>(value: Value, keep: readonly string[], key = ''): Value {
  if (typeof value === 'string') return (keep.includes(key) ? value : HOSTILE) as Value;
  if (Array.isArray(value)) return value.map((inner) => poison(inner, keep, key)) as Value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, poison(inner, keep, name)])) as Value;
}

const hostileFrame: PageFrame = {
  ...poison({ ...frame, logoUrl: 'x', themeUrl: 'x' }, ['basePath']),
  hiddenFields: { [HOSTILE]: HOSTILE },
  notice: { tone: 'info', text: HOSTILE },
};
const pages: MfaPage[] = [
  enroll,
  challenge,
  { ...challenge, kind: 'recovery-code' },
  recoveryCodes,
  recoveryCodesOffer,
  overview,
  { name: 'message', heading: 'h', text: 't', action: { href: '/', text: 'a' } },
];

describe('text of users and hosts', () => {
  it.each(pages.map((page) => ({ page })))('stays text on the page $page.name', async ({ page }) => {
    const document = await renderPage(
      poison(page, ['name', 'because', 'kind', 'factors', 'qrSvg']),
      hostileFrame,
      englishMessages,
    );
    const harmless = await renderPage(
      page,
      { ...hostileFrame, ...frame, logoUrl: '/l', themeUrl: '/t', notice: { tone: 'info', text: 'n' } },
      englishMessages,
    );
    expect(document).not.toMatch(/<img src=x|<script>|<\/textarea>/);
    const shape = (markup: string): string[] =>
      tagsOf(markup)
        .filter(({ attributes }) => attributes.type !== 'hidden')
        .map(({ name, attributes }) => `${name} ${Object.keys(attributes).join(' ')}`);
    const structure = (markup: string): string[] =>
      shape(markup.replace(/<form method="get".*?<\/form>|<p><a class="primary".*?<\/p>/gs, ''));
    expect(structure(document)).toEqual(structure(harmless));
  });

  it('stays text in the URL of a link', async () => {
    expect(safeUrl('javascript:alert(1)')).toBe('#');
    expect(safeUrl(' javascript:alert(1)')).toBe('#');
    expect(safeUrl('data:text/html,x')).toBe('#');
    expect(['/a?b=c', 'https://a.example', 'mailto:a@b.example', 'tel:1'].map(safeUrl)).toEqual([
      '/a?b=c',
      'https://a.example',
      'mailto:a@b.example',
      'tel:1',
    ]);
  });
});

describe('the template tag', () => {
  it('escapes values and prints nothing for undefined and false', async () => {
    expect(toMarkup(html`<p title="${`"'`}">${'<&>'}${undefined}${false}${0}</p>`)).toBe(
      '<p title="&quot;&#39;">&lt;&amp;&gt;0</p>',
    );
  });

  it('accepts its own markup, alone and in lists', async () => {
    const item = html`<li>${'&'}</li>`;
    expect(toMarkup(html`<ul>${[item, item]}</ul>`)).toBe('<ul><li>&amp;</li><li>&amp;</li></ul>');
  });

  it('does not accept a forged object as markup', async () => {
    const forged = { markup: '<script>', toString: () => '<script>' } as never;
    expect(() => toMarkup(html`${forged}`)).toThrow();
  });

  it('puts markup into the variable part of a text, and escapes the text around it', async () => {
    const markup = html`<b>${'<'}</b>`;
    expect(toMarkup(fillText((value) => `<i> ${value} & ${value}`, markup))).toBe('&lt;i&gt; <b>&lt;</b> &amp; <b>&lt;</b>');
  });
});
