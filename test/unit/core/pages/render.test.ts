import { describe, expect, it } from 'vitest';
import { englishMessages } from '../../../../packages/core/src/pages/english.js';
import { renderPage } from '../../../../packages/core/src/pages/render.js';
import {
  challenge,
  DAY,
  englishDocuments,
  enroll,
  frame,
  NOW,
  overview,
  recoveryCodes,
  recoveryCodesOffer,
  tagsOf,
} from './samples.js';

const VOID = new Set(['meta', 'link', 'input', 'img']);

describe.each(await englishDocuments())('the page "$title"', ({ document }) => {
  const tags = tagsOf(document);

  it('is well formed: every tag is known, and tags close in order', async () => {
    expect(document.match(/<[a-z]/g)?.length).toBe(tags.length);
    const open: string[] = [];
    for (const [, close, name = ''] of document.matchAll(/<(\/?)([a-z][a-z0-9]*)\b[^>]*>/g)) {
      if (VOID.has(name)) continue;
      if (close === '') open.push(name);
      else expect(open.pop()).toBe(name);
    }
    expect(open).toEqual([]);
  });

  it('needs no inline script, style or handler', async () => {
    expect(tags.filter(({ name }) => name === 'style')).toEqual([]);
    expect(tags.filter(({ name, attributes }) => name === 'script' && attributes.src === undefined)).toEqual([]);
    const names = tags.flatMap(({ attributes }) => Object.keys(attributes));
    expect(names.filter((name) => name === 'style' || name.startsWith('on'))).toEqual([]);
    expect(document).not.toMatch(/javascript:/i);
  });

  it('posts every change inside the base path, with the host’s hidden fields', async () => {
    for (const [form] of document.matchAll(/<form[^>]*>.*?<\/form>/gs)) {
      const [tag] = tagsOf(form);
      if (tag?.attributes.method === 'get') continue;
      expect(tag?.attributes.method).toBe('post');
      expect(tag?.attributes.action).toMatch(/^\/auth\/mfa\/[a-z/-]+$/);
      expect(form).toContain('<input type="hidden" name="_csrf" value="csrf-1">');
      expect(form).toContain('<input type="hidden" name="tenant" value="t&quot;1">');
    }
  });

  it('has unique ids, and every reference finds its id', async () => {
    const ids = tags.flatMap(({ attributes }) => attributes.id ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    const references = tags.flatMap(({ attributes }) =>
      ['for', 'aria-describedby', 'aria-labelledby', 'data-copy'].flatMap((name) => attributes[name]?.split(' ') ?? []),
    );
    expect(references.filter((id) => !ids.includes(id))).toEqual([]);
  });

  it('labels every input and names the account, the language and one heading', async () => {
    const labelled = tags.flatMap(({ attributes }) => attributes.for ?? []);
    const inputs = tags.filter(({ name, attributes }) => name === 'input' && attributes.type !== 'hidden');
    expect(inputs.filter(({ attributes }) => !labelled.includes(attributes.id ?? ''))).toEqual([]);
    expect(document).toContain('<bdi>ada@example.com</bdi>');
    expect(document).toContain('<html lang="en" dir="ltr">');
    expect(document.match(/<h1>/g)?.length).toBe(1);
  });
});

describe('the challenge', () => {
  it('ties a refused code to its input, not to the top of the page', async () => {
    const document = await renderPage(
      challenge,
      { ...frame, notice: { tone: 'error', text: englishMessages.refusals.invalid_code, field: 'code' } },
      englishMessages,
    );
    expect(document).toContain('<title>Error: ');
    expect(document).toContain('aria-describedby="code-error purpose"');
    expect(document).toContain('aria-invalid="true"');
    expect(document.split(englishMessages.refusals.invalid_code).length).toBe(2);
  });

  it('shows the wait of a throttled user instead of the notice', async () => {
    const notice = { tone: 'error', text: englishMessages.refusals.throttled(90) } as const;
    const document = await renderPage({ ...challenge, waitSeconds: 90 }, { ...frame, notice }, englishMessages);
    expect(document).toContain('Try again in <b data-wait="90">1 minute 30 seconds</b>.');
    expect(document).not.toContain(notice.text);
    expect(document).toContain('<title>Error: ');
  });

  it('offers a recovery code only if the user has one, and no checkbox for zero days', async () => {
    const document = await renderPage({ ...challenge, factors: ['totp'], rememberDays: 0 }, frame, englishMessages);
    expect(document).not.toContain('use=recovery-code');
    expect(document).not.toContain('rememberDevice');
  });
});

describe('the enrollment', () => {
  it('F48: draws the QR code as an inline SVG element with its quiet zone, which no policy blocks', async () => {
    const document = await renderPage(enroll, frame, englishMessages);
    expect(document).not.toContain('data:');
    expect(document).toContain(
      '<path fill="#fff" d="M0 0h29v29H0z"></path><path stroke="#000" d="M4 4.5h7m1 0h1m-9 1h1"></path></svg>',
    );
    expect(document).toContain(`role="img" aria-label="${englishMessages.enroll.qrAlt}"`);
    expect(document).toContain('<details class="trouble"><summary>');
  });

  it.each(['', '<svg><script>alert(1)</script></svg>', `${enroll.qrSvg.replace('M4', 'M4"><script>alert(1)</script>')}`])(
    'F48: shows the key immediately if there is no valid drawing: %s',
    async (qrSvg) => {
      const document = await renderPage({ ...enroll, qrSvg }, frame, englishMessages);
      expect(document).not.toMatch(/alert\(|<svg/);
      expect(document).toContain('<details class="trouble" open><summary>');
    },
  );

  it('offers to cancel if there is a page to return to, otherwise to start over', async () => {
    expect(await renderPage({ ...enroll, additional: true }, frame, englishMessages)).toContain(
      'action="/auth/mfa/enroll/cancel"',
    );
    expect(await renderPage(enroll, frame, englishMessages)).toContain('action="/auth/mfa/enroll"');
  });
});

describe('the recovery codes', () => {
  it('F84: continue only with the box checked, by a form that confirms that they are saved', async () => {
    const document = await renderPage(recoveryCodes, frame, englishMessages);
    expect(document).toContain('<form method="post" action="/auth/mfa/recovery-codes/saved">');
    expect(document).toContain('name="_csrf" value="csrf-1"');
    expect(document).toContain('name="id" value="set-1"><input type="hidden" name="continueTo" value="/cases?tab=2&amp;tab=3">');
    expect(document).toContain('<input type="checkbox" id="saved" required>');
  });

  it('F84: are offered again if they may not have been seen, and the user may decline', async () => {
    const document = await renderPage(recoveryCodesOffer, frame, englishMessages);
    for (const action of ['/auth/mfa/recovery-codes', '/auth/mfa/recovery-codes/saved']) {
      expect(document).toContain(`<form method="post" action="${action}">`);
    }
    expect(document).toContain('name="id" value="set-1"><input type="hidden" name="continueTo"');
    expect(document).toContain('<a href="/cases?tab=2&amp;tab=3">Not now</a>');
    expect(document).toContain('If you create new codes, the ones you may have stop working.');
    expect(await renderPage(overview, frame, englishMessages)).not.toContain('You may not have seen these codes');
  });

  it('never link to another origin', async () => {
    for (const continueTo of ['//evil.example/x', '/\\evil.example', '/.//evil.example', 'javascript:alert(1)']) {
      for (const page of [recoveryCodes, recoveryCodesOffer]) {
        const document = await renderPage({ ...page, continueTo }, frame, englishMessages);
        expect(document).not.toMatch(/(?:action|href)="(?:\/\/|\/\\|javascript:)/);
      }
    }
  });
});

describe('the end of a proof', () => {
  it('F79: names the page that an external link requested, shortened if it is long, and links to the home page', async () => {
    const path = `/cases/${'a'.repeat(200)}`;
    const document = await renderPage(
      { name: 'done', continueTo: path, leads: 'link', homeUrl: '/home' },
      frame,
      englishMessages,
    );
    expect(document).toContain(`href="${path}"><span>Continue to <bdi>/cases/${'a'.repeat(73)}…</bdi></span>`);
    expect(document).toContain('<a href="/home">Go to Acme</a>');
  });
});

describe('the overview', () => {
  it('does not offer to remove the last authenticator if it must stay', async () => {
    const last = { ...overview, authenticators: overview.authenticators.slice(0, 1) };
    expect(await renderPage(last, frame, englishMessages)).not.toContain('/authenticators/remove');
    expect(await renderPage({ ...last, mayRemoveLast: true }, frame, englishMessages)).toContain('/authenticators/remove');
  });

  it('formats dates unambiguously', async () => {
    const document = await renderPage({ ...overview, devices: [] }, frame, englishMessages);
    expect(document).toContain(`Added <time datetime="${new Date(NOW - 9 * DAY).toISOString()}">15 Nov 2026</time>`);
  });
});

it('F48, F43: each page tells Turbo to load it completely, and keeps its own referrer policy', async () => {
  for (const { document } of await englishDocuments()) {
    expect(document).toContain('<meta name="turbo-visit-control" content="reload">');
    expect(document).toContain('<meta name="referrer" content="same-origin">');
  }
});

it('F49: no input for a code drops characters', async () => {
  for (const page of [enroll, challenge, { ...challenge, kind: 'recovery-code' as const }]) {
    expect(/<input class="[^>]*>/.exec(await renderPage(page, frame, englishMessages))?.[0]).not.toMatch(/maxlength|pattern/);
  }
});

it('F90: an inner element underlines what looks like a link', async () => {
  const pages = [enroll, { ...enroll, additional: true }];
  const document = (await Promise.all(pages.map((page) => renderPage(page, frame, englishMessages)))).join('');
  for (const [element] of document.matchAll(/<(?:button class="quiet"|details class="trouble"><summary)[^>]*>.{6}/g)) {
    expect(element).toMatch(/><span>$/);
  }
  expect(document.match(/<button class="quiet"/g)).toHaveLength(2);
});
