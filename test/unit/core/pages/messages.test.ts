import { describe, expect, it } from 'vitest';
import { mergeMessages } from '../../../../packages/core/src/http/page-messages.js';
import { englishMessages } from '../../../../packages/core/src/pages/english.js';
import { refusalPage, refusalText } from '../../../../packages/core/src/pages/refusals.js';
import { renderPage } from '../../../../packages/core/src/pages/render.js';
import type { Messages } from '../../../../packages/core/src/pages/texts.js';
import { samples } from './samples.js';

const marked: Messages = { ...(mark(englishMessages, '') as Messages), lang: 'de', dir: 'rtl' };
const data =
  /⟦[^⟧]*⟧|ada@example\.com|Acme|NOTICE|HEADING|TEXT|ACTION|PHONE|TABLET|FIREFOX|CHROME|\b(?:[0-9A-Z]{4}[- ]*){2,6}|totp/g;

describe('the messages', () => {
  it.each(samples(marked))('contain every text of the page "$title"', async ({ page, frame }) => {
    const document = await renderPage(page, frame, marked);
    const texts = document.replace(/<[^>]*>/g, ' ');
    const spoken = [
      ...document.matchAll(/(?:alt|title|aria-label|data-done|data-format|data-not-copied|data-text|data-wait-over)="([^"]*)"/g),
    ].map(([, text]) => text);
    const rest = [texts, ...spoken].join(' ').replace(/&[#a-z0-9]+;/g, ' ');
    expect(rest.replace(data, ' ').match(/[a-z]{2,}/gi) ?? []).toEqual([]);
    expect(document).toContain('<html lang="de" dir="rtl">');
  });

  it('are completed if a host replaces only some', async () => {
    const merged = mergeMessages({
      support: 'Call us',
      challenge: { heading: 'Your code, please' },
      refusals: { busy: 'Again!' },
    });
    expect(merged.support).toBe('Call us');
    expect(merged.challenge).toEqual({ ...englishMessages.challenge, heading: 'Your code, please' });
    expect(merged.refusals.busy).toBe('Again!');
    expect(merged.refusals.unavailable).toBe(englishMessages.refusals.unavailable);
  });

  it('stay complete if a host passes undefined or an unknown group', async () => {
    const overrides = { support: undefined, code: { label: undefined }, nonsense: { a: 'b' } } as never;
    expect(mergeMessages(overrides)).toEqual(englishMessages);
    expect(mergeMessages(undefined)).toEqual(englishMessages);
  });

  it('say for every refusal what happened and what to do', async () => {
    expect(Object.keys(englishMessages.headings).sort()).toEqual(Object.keys(englishMessages.refusals).sort());
    expect(refusalText(englishMessages, 'throttled', 3600)).toBe('Too many wrong codes. Try again in 1 hour.');
    expect(refusalPage(englishMessages, { reason: 'throttled', retryAfterSeconds: 61 }, { href: '/', text: 'Home' })).toEqual({
      name: 'message',
      heading: 'Too many wrong codes',
      text: 'Too many wrong codes. Try again in 1 minute 1 second.',
      action: { href: '/', text: 'Home' },
    });
  });

  it('use the agreed terms', async () => {
    const texts = JSON.stringify(mark(englishMessages, '', (text) => text));
    expect(texts).not.toMatch(/backup code|trusted browser|2fa|two-factor|\btoken/i);
  });

  it('format numbers as text', async () => {
    const { duration, successes, overview, code, date } = englishMessages;
    expect([0, 1, 59, 60, 3600, 3661].map(duration)).toEqual([
      '0 seconds',
      '1 second',
      '59 seconds',
      '1 minute',
      '1 hour',
      '1 hour 1 minute',
    ]);
    expect([0, 1, 2].map(overview.recoveryCodesLeft)).toEqual(['No codes left', '1 code left', '2 codes left']);
    expect([0, 1, 2].map(successes.recovery_code_used).map((text) => text.slice(26))).toEqual([
      'None is left.',
      '1 is left.',
      '2 are left.',
    ]);
    expect(code.remember(1)).toBe('Remember this device for 1 day');
    expect(date(Date.UTC(2026, 8, 1))).toBe('1 Sep 2026');
  });
});

/** Replaces every text by its key in brackets. */
function mark(value: unknown, key: string, write = (_text: string, path: string): string => `⟦${path}⟧`): unknown {
  if (typeof value === 'string') return write(value, key);
  if (typeof value === 'function') return (...values: unknown[]) => `⟦${key}⟧${values.join(' ')}⟦⟧`;
  return Object.fromEntries(Object.entries(value as object).map(([name, inner]) => [name, mark(inner, `${key}.${name}`, write)]));
}
