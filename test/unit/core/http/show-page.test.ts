import { guardRequest } from '@mfa-kit/core/http';
import { describe, expect, it } from 'vitest';
import { ada, bob, DAY, wrongCode } from '../../../support/core-fixture.js';
import { createTestApp } from './test-app.js';

const LOOKS = {
  logoUrl: 'https://cdn.example/logo.svg',
  themeUrl: '/theme.css',
  supportUrl: 'mailto:help@acme.example',
};

describe('the pages', () => {
  it('are complete HTML documents that name the account', async () => {
    const { logIn } = await createTestApp({ pages: {} });
    const page = await (await logIn()).page('GET', '/challenge');
    expect([page.status, page.header('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.text).toMatch(/^<!doctype html>\n?<html lang="en"/i);
    expect(page.text).toContain(ada.name);
    expect(page.text).not.toContain('<img');
  });

  it('look as the host configures them', async () => {
    const { logIn } = await createTestApp({
      pages: { ...LOOKS, brand: 'Acme Bank', hiddenFields: (request) => ({ csrf: request }) },
    });
    const page = await (await logIn()).page('GET', '/challenge');
    for (const part of [
      'Acme Bank',
      'src="https://cdn.example/logo.svg"',
      'href="/theme.css"',
      'href="mailto:help@acme.example"',
      '<input type="hidden" name="csrf" value="request">',
    ])
      expect(page.text).toContain(part);
    expect(page.header('content-security-policy')).toContain("img-src 'self' data: https://cdn.example");
  });

  it('use the host’s texts, and English ones where it has none', async () => {
    const { logIn, authenticator, clock, browser, session } = await createTestApp({
      pages: {
        messages: (request) => ({
          logIn: `Anmelden (${request})`,
          challenge: { heading: 'Code eingeben' },
          refusals: { invalid_code: 'Dieser Code stimmt nicht.', session_lost: 'Die Sitzung ist zu Ende.' },
          successes: { sessions_ended: 'Alle anderen Sitzungen sind beendet.' },
        }),
      },
    });
    const client = await logIn();
    const { text } = await client.page('POST', '/verify', { code: wrongCode(authenticator, clock.now()) });
    for (const part of ['Code eingeben', 'Dieser Code stimmt nicht.', 'Continue']) expect(text).toContain(part);
    expect((await browser(ada, session).page('GET', '?notice=sessions_ended')).text).toContain(
      'Alle anderen Sitzungen sind beendet.',
    );
    const lost = (await browser(null).page('POST', '/verify', { code: '123456' })).text;
    for (const part of ['Die Sitzung ist zu Ende.', 'Anmelden (request)']) expect(lost).toContain(part);
  });

  it.each([
    ['en_US', 'en-US'],
    ['PT_br', 'pt-BR'],
    ['zh-hans', 'zh-Hans'],
    ['sr_Latn_RS', 'sr-Latn-RS'],
    ['de', 'de'],
    [undefined, 'en'],
    [null, 'en'],
  ])('F10: turn the language %j of the texts into the tag %s', async (lang, tag) => {
    const { logIn } = await createTestApp({ pages: { messages: () => ({ lang: lang as string }) } });
    expect((await (await logIn()).page('GET', '/challenge')).text).toContain(`<html lang="${tag}"`);
  });

  it.each(['', ' ', 'e', 'en US', 'de_DE.UTF-8', 'en-', '*', '"><script>', 5, ['de'], {}])(
    'F10: refuse %j as a language on the server',
    async (lang) => {
      const { logIn } = await createTestApp({ pages: { messages: () => ({ lang: lang as string }) } });
      await expect((await logIn()).page('GET', '/challenge')).rejects.toMatchObject({
        code: 'host_callback_failed',
        message: expect.stringContaining('"pages.messages" must return a BCP 47 language tag as lang, such as "en-US"'),
      });
    },
  );

  it('may be rendered by the host, which gets the page, its frame, the texts and its request', async () => {
    const drawn: unknown[][] = [];
    const { logIn, clock } = await createTestApp({
      pages: {
        ...LOOKS,
        render: async (...given) => {
          drawn.push(given);
          return 'drawn';
        },
        messages: () => ({ logIn: 'Anmelden' }),
      },
    });
    const page = await (await logIn()).page('GET', '/challenge');
    expect([page.status, page.text, page.header('content-type')]).toEqual([200, 'drawn', 'text/html; charset=utf-8']);
    const frame = { ...LOOKS, basePath: '/mfa', brand: 'Acme', hiddenFields: {}, now: clock.now(), account: ada.name };
    expect(drawn).toEqual([
      [expect.objectContaining({ name: 'challenge' }), frame, expect.objectContaining({ logIn: 'Anmelden' }), 'request'],
    ]);
  });

  it('use the paths that a proxy adds', async () => {
    const { logIn, browser } = await createTestApp({ path: '/mfa', publicPath: '/app/mfa', pages: {} });
    const client = await logIn();
    expect((await client.page('GET', '/challenge')).text).toContain('action="/app/mfa/verify"');
    expect((await client.page('GET', '')).header('location')).toBe('/app/mfa/challenge?rememberedDevice=no');
    expect(client.way).toBe('/app/mfa');
    expect((await (await logIn(bob)).page('GET', '')).header('location')).toBe('/app/mfa/enroll');
    expect((await (await logIn(bob)).page('POST', '/enroll')).header('location')).toBe('/app/mfa/enroll');
    expect((await browser(null).page('GET', '')).header('location')).toBe('/login');
  });
});

describe('a page that says why a request was refused', () => {
  const html = { accept: 'text/html' };
  const shown = (outcome: Awaited<ReturnType<typeof guardRequest>>) => {
    if (outcome.allowed) throw new Error('allowed');
    const header = (name: string) => outcome.answer.headers.find(([key]) => key === name)?.[1];
    return { status: outcome.answer.status, header, ...JSON.parse(outcome.answer.body) };
  };

  it('names the account, and offers no login if a login would not help', async () => {
    const { kit, browser } = await createTestApp();
    const client = browser({ ...bob, enrolled: true });
    const page = shown(await guardRequest(kit, client.exchange({ url: '/cases', headers: html })));
    expect([page.status, page.page]).toEqual([
      403,
      {
        name: 'message',
        heading: 'MFA settings not found',
        text: 'We cannot find the MFA settings of your account. Contact support to set them up again.',
      },
    ]);
    expect([page.frame.account, page.header('Retry-After')]).toEqual([bob.name, undefined]);
  });

  it('says how long to wait', async () => {
    const { kit, browser, session, faults } = await createTestApp();
    faults.readsLeft = 0;
    const page = shown(await guardRequest(kit, browser(ada, session).exchange({ url: '/cases', headers: html })));
    expect([page.status, page.page.heading, page.header('Retry-After')]).toEqual([
      503,
      'Temporarily unavailable',
      expect.stringMatching(/^\d+$/),
    ]);
  });

  it('says that the policy does not allow it', async () => {
    const { kit, logIn } = await createTestApp();
    const client = await logIn({ ...bob, mayEnroll: false });
    const page = shown(await guardRequest(kit, client.exchange({ url: '/cases', headers: html })));
    expect([page.status, page.page.heading]).toEqual([403, 'Not allowed']);
  });
});

describe('a guard', () => {
  it('tells a client that asked for no page until when to enroll', async () => {
    const { kit, logIn, clock } = await createTestApp();
    const client = await logIn({ ...bob, enrollBy: clock.now() + DAY });
    expect(await guardRequest(kit, client.exchange({ url: '/cases' }))).toMatchObject({
      allowed: true,
      decision: { via: 'grace' },
    });
    clock.advance(DAY);
    const outcome = await guardRequest(kit, client.exchange({ url: '/cases' }));
    if (outcome.allowed) throw new Error('allowed');
    const enrollBy = clock.now();
    expect(JSON.parse(outcome.answer.body)).toMatchObject({ status: 403, reason: 'enroll', enrollBy });
  });
});
