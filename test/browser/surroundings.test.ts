import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { codeAt, keyOf, readQrCode } from '../support/authenticator.js';
import { launchChromium, openPage, PLAIN_HOST, requireChromium } from '../support/browser.js';
import { type DemoApp, startDemoApp } from '../support/demo-app.js';
import { describeWith } from '../support/requires.js';
import { answerWith, enroll, logIn, logOut, nextCode, readManualKey, readRecoveryCodes } from './person.js';

/** What affects the pages from outside: the network, the host's headers and scripts, the browser's permissions. */
describeWith(requireChromium(), 'the pages in their surroundings', (executablePath) => {
  let browser: Browser;
  let app: DemoApp;
  let foreign: { server: Server; origin: string };

  beforeAll(async () => {
    [browser, app, foreign] = await Promise.all([launchChromium(executablePath), startDemoApp(), startForeignSite()]);
    const { page, context } = await openPage(browser);
    await enroll(page, app, 'ada');
    await context.close();
  }, 60_000);
  afterAll(async () => {
    await Promise.all([browser.close(), app.close(), new Promise((resolve) => foreign.server.close(resolve))]);
  });

  it('F43: the forms of the pages work over plain http at an allowed origin that is not localhost', async () => {
    const plain = await startDemoApp('Express', { hostname: PLAIN_HOST });
    const { page, context } = await openPage(browser);
    const posts: (string | undefined)[][] = [];
    page.on('request', async (request) => {
      if (request.method() !== 'POST') return;
      const { origin, 'sec-fetch-site': site } = await request.allHeaders();
      posts.push([origin, site]);
    });
    const ada = await enroll(page, plain, 'ada');
    await logOut(page, plain);
    await logIn(page, plain, 'ada');
    await answerWith(page, await nextCode(plain, ada));
    expect(page.url()).toBe(`${plain.origin}/cases`);
    await page.goto(`${plain.origin}/mfa`);
    await page.getByText('End all other sessions', { exact: true }).click();
    await page.getByRole('button', { name: 'Yes, end them' }).click();
    await page.getByText('All other sessions have ended.').waitFor();
    expect(posts.length).toBeGreaterThan(5);
    expect(new Set(posts.map(String))).toEqual(new Set([`${plain.origin},`]));
    await context.close();
    await plain.close();
  }, 60_000);

  it('F57: a page of another origin cannot read a key under CORS headers of the host, or keep a handle to the window', async () => {
    const { page, context } = await openPage(browser);
    await logIn(page, app, 'grace');
    await page.goto(`${app.origin}/mfa/enroll`);
    const key = await readManualKey(page);
    await page.route('**/mfa/enroll', async (route) => {
      const response = await route.fetch();
      const cors = { 'access-control-allow-origin': foreign.origin, 'access-control-allow-credentials': 'true' };
      await route.fulfill({ response, headers: { ...response.headers(), ...cors } });
    });
    await page.goto(foreign.origin);
    for (const accept of ['application/json', 'text/html']) {
      const read = await page.evaluate(
        async ([url, type]) => (await fetch(String(url), { credentials: 'include', headers: { accept: String(type) } })).text(),
        [`${app.origin}/mfa/enroll`, accept],
      );
      expect(read).toMatch(/another (site|website)/);
      expect(read.replaceAll(' ', '')).not.toContain(key);
    }
    await page.unroute('**/mfa/enroll');
    const [opened] = await Promise.all([
      page.waitForEvent('popup'),
      page.evaluate((url) => void Object.assign(window, { handle: window.open(url) }), `${app.origin}/mfa/enroll`),
    ]);
    await opened.getByText('Trouble scanning?').waitFor();
    expect(await opened.evaluate(() => window.opener)).toBeNull();
    expect(await page.evaluate(() => (window as unknown as { handle: Window }).handle.closed)).toBe(true);
    await context.close();
  });

  it('F57: the page says that the browser refused to copy, and selects the text', async () => {
    const { page, context } = await openPage(browser);
    await logIn(page, app, 'alan');
    // A policy of the host, or the user, refuses.
    await page.addInitScript(() => {
      navigator.clipboard.writeText = () => Promise.reject(new DOMException('refused', 'NotAllowedError'));
    });
    await page.goto(`${app.origin}/mfa/enroll`);
    const failed: Error[] = [];
    page.on('pageerror', (error) => failed.push(error));
    const key = await readManualKey(page);
    await page.getByRole('button', { name: 'Copy key' }).click();
    await page.getByText('Your browser refused to copy.').waitFor();
    expect(await page.evaluate(() => String(getSelection()).replace(/\s/g, ''))).toBe(key);
    await answerWith(page, await codeAt(key, app.now()));
    const codes = await readRecoveryCodes(page);
    await page.getByRole('button', { name: 'Copy', exact: true }).click();
    await page.getByText('Your browser refused to copy.').waitFor();
    expect((await page.evaluate(() => String(getSelection()))).trim().split(/\s+/)).toEqual(codes);
    expect(failed).toEqual([]);
    await context.close();
  });

  it('F48: the QR code is readable under a second policy without data:, in light and dark', async () => {
    const { page, context } = await openPage(browser);
    await page.route('**/mfa/enroll', async (route) => {
      const response = await route.fetch({ maxRedirects: 0 });
      const policy = `${response.headers()['content-security-policy']}, default-src 'self'; img-src 'none'`;
      await route.fulfill({ response, headers: { ...response.headers(), 'content-security-policy': policy } });
    });
    await logIn(page, app, 'grace');
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await page.goto(`${app.origin}/mfa/enroll`);
      const scanned = await readQrCode(await page.screenshot({ fullPage: true }));
      expect(keyOf(scanned)).toBe(await readManualKey(page));
    }
    await context.close();
  });

  it('F49: codes that are pasted, typed or entered with an input method arrive as six digits, or the page says what is wrong', async () => {
    const { page, context } = await openPage(browser);
    const field = await openChallenge(page);
    for (const text of CODES) {
      await field.evaluate((input: HTMLInputElement, data) => {
        input.value = '';
        input.focus();
        document.execCommand('insertText', false, data);
      }, text);
      expect([text, await field.inputValue()]).toEqual([text, '123456']);
      await field.fill('');
      await field.pressSequentially(text);
      expect([text, await field.inputValue()]).toEqual([text, '123456']);
    }
    await field.fill('');
    await field.focus();
    const devtools = await context.newCDPSession(page);
    await devtools.send('Input.imeSetComposition', { text: '１２３４５６', selectionStart: 6, selectionEnd: 6 });
    expect(await field.inputValue()).toBe('１２３４５６');
    await devtools.send('Input.insertText', { text: '１２３４５６' });
    expect(await field.inputValue()).toBe('123456');

    const posts: string[] = [];
    page.on('request', (request) => void (request.method() === 'POST' && posts.push(request.postData() ?? '')));
    for (const code of ['12345', '1234567', '12a456', '']) {
      await field.fill(code);
      await page.getByRole('button', { name: 'Continue' }).click();
      await page.getByText(WRONG).waitFor();
      expect([await field.inputValue(), await field.getAttribute('aria-invalid')]).toEqual([code, 'true']);
      await field.fill('123456');
      expect(await page.getByText(WRONG).count()).toBe(0);
    }
    expect(posts).toEqual([]);
    await field.fill('１２３ ４５６');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('That code did not work').waitFor();
    expect(new URLSearchParams(posts[0]).get('code')).toBe('123456');
    await context.close();
  }, 60_000);

  it('F49: without JavaScript the server accepts spaces, and the page says what is wrong with anything else', async () => {
    const { page, context } = await openPage(browser, { javaScriptEnabled: false });
    const field = await openChallenge(page);
    for (const code of ['１２３４５６', '12345', '123-456']) {
      await field.fill(code);
      await page.getByRole('button', { name: 'Continue' }).click();
      await page.getByText(WRONG).waitFor();
      expect(await field.getAttribute('aria-invalid')).toBe('true');
    }
    await field.fill(' 1 2 3 4 5 6 ');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText('That code did not work').waitFor();
    await context.close();
  }, 60_000);

  it('F44: a form can be submitted again if the page stays', async () => {
    const { page, context } = await openPage(browser);
    await page.clock.install();
    const field = await openChallenge(page);
    const button = page.getByRole('button', { name: 'Continue' });
    const closed = async (): Promise<boolean> => (await button.getAttribute('aria-disabled')) !== null;
    const answers = [
      { status: 200, headers: { 'content-disposition': 'attachment; filename="report.csv"' }, body: 'a,b' },
      { status: 204 },
    ];
    const ways: [string, () => Promise<unknown>][] = [
      ['no response follows', () => page.clock.runFor(4000)],
      ['the user stops it', () => page.keyboard.press('Escape')],
      ['the user continues to type', () => page.keyboard.press('7')],
    ];
    for (const answer of answers) {
      await page.route('**/mfa/verify', (route) => route.fulfill(answer));
      for (const [way, reopen] of ways) {
        await field.fill('123456');
        await field.evaluate((input: HTMLInputElement) => input.form?.requestSubmit());
        expect([way, await closed()]).toEqual([way, true]);
        await reopen();
        expect([way, await closed()]).toEqual([way, false]);
      }
      await page.unroute('**/mfa/verify');
    }
    await context.close();
  }, 60_000);

  it('F10: the form can be submitted again after the wait, in any language of the page', async () => {
    const { page, context } = await openPage(browser);
    const failed: Error[] = [];
    page.on('pageerror', (error) => failed.push(error));
    await page.clock.install();
    await page.route('**/mfa/challenge', async (route) => {
      const response = await route.fetch();
      const html = (await response.text())
        .replace('<html lang="en"', '<html lang="en_US"')
        .replace('<form', '<p>Try again in <b data-wait="90">1:30</b></p><form');
      await route.fulfill({ response, body: html });
    });
    const field = await openChallenge(page);
    await page.getByText(/Try again in 1 minute \d+ seconds/).waitFor();
    expect(await field.isDisabled()).toBe(true);
    await page.clock.runFor(91_000);
    expect(await field.isDisabled()).toBe(false);
    expect(failed).toEqual([]);
    await context.close();
  });

  /** A user with an authenticator at the prompt. No limit applies, because the form is not sent or has no code. */
  async function openChallenge(page: Page): Promise<Locator> {
    await logIn(page, app, 'ada');
    await page.goto(`${app.origin}/mfa/challenge`);
    return page.locator('input.code');
  }
});

const WRONG = 'Enter exactly 6 digits';
const CODES = [
  ' 123 456',
  '1 2 3 4 5 6',
  '123-456',
  '123\u00a0456\u200b',
  '\u200e123\u2013456\u202c',
  '１２３４５６',
  '１２３　４５６',
  '١٢٣٤٥٦',
  '۱۲۳۴۵۶',
  '१२३ ४५६',
  '(123) 456.',
];

/** Another site, at another origin. */
async function startForeignSite(): Promise<{ server: Server; origin: string }> {
  const server = createServer((_req, res) => void res.setHeader('content-type', 'text/html').end('<p>elsewhere'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
