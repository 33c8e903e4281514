import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { codeAt } from '../support/authenticator.js';
import { launchChromium, openPage, requireChromium } from '../support/browser.js';
import { type DemoApp, SECOND, STEP, startDemoApp } from '../support/demo-app.js';
import { describeWith } from '../support/requires.js';
import { answerWith, enroll, logIn, logOut, nextCode, readManualKey, wrongCode } from './person.js';

describeWith(requireChromium(), 'messages about problems', (executablePath) => {
  let browser: Browser;
  let app: DemoApp;
  let page: Page;
  let context: BrowserContext;

  beforeAll(async () => {
    browser = await launchChromium(executablePath);
  });
  afterAll(() => browser.close());
  beforeEach(async () => {
    app = await startDemoApp();
    ({ page, context } = await openPage(browser));
  });
  afterEach(async () => {
    await context.close();
    await app.close();
  });

  const alert = (): Promise<string> => page.getByRole('alert').first().innerText();

  it('show the same text for a wrong and a used code, next to the focused field', async () => {
    const ada = await enroll(page, app, 'ada');
    await logOut(page, app);
    await logIn(page, app, 'ada');
    await answerWith(page, await wrongCode(app, ada));
    const wrong = await alert();
    expect(wrong).toContain('That code did not work');
    const field = page.getByLabel('6-digit code');
    expect(await field.getAttribute('aria-invalid')).toBe('true');
    expect(await field.getAttribute('aria-describedby')).toContain('code-error');
    expect(await field.evaluate((input) => input === document.activeElement)).toBe(true);
    expect(await page.title()).toMatch(/^Error: /);

    const code = await nextCode(app, ada);
    await answerWith(page, code);
    await logOut(page, app);
    await logIn(page, app, 'ada');
    await answerWith(page, code);
    expect(await alert()).toBe(wrong);
  });

  it('say how long to wait after too many wrong codes, and then the right code works', async () => {
    const ada = await enroll(page, app, 'ada');
    await context.clearCookies();
    await logIn(page, app, 'ada');
    for (let guess = 0; guess < 5; guess += 1) await answerWith(page, await wrongCode(app, ada));
    expect(await alert()).toContain('Too many wrong codes');
    await page.getByText('Try again in 30 seconds.').waitFor();
    // A user who returns to the page sees it too.
    await page.goto(`${app.origin}/mfa/challenge`);
    expect(await alert()).toContain('Too many wrong codes');
    app.advance(STEP + SECOND);
    await page.goto(`${app.origin}/mfa/challenge`);
    expect(await page.getByRole('alert').count()).toBe(0);
    await answerWith(page, await nextCode(app, ada));
    expect(page.url()).toBe(`${app.origin}/cases`);
  });

  it('restart an enrollment that took too long, with a new key', async () => {
    await logIn(page, app, 'ada');
    const key = await readManualKey(page);
    app.advance(600 * SECOND + SECOND);
    await answerWith(page, await codeAt(key, app.now()));
    expect(await alert()).toContain('expired');
    await page.goto(`${app.origin}/mfa/enroll`);
    const another = await readManualKey(page);
    expect(another).not.toBe(key);
    await answerWith(page, await codeAt(another, app.now()));
    await page.getByRole('heading', { name: 'Save your recovery codes' }).waitFor();
  });

  it('link to the login after a lost session', async () => {
    await enroll(page, app, 'ada');
    await logOut(page, app);
    await logIn(page, app, 'ada');
    await context.clearCookies();
    await answerWith(page, '123456');
    await page.getByText('Your session has ended').first().waitFor();
    await page.getByRole('link', { name: /log in/i }).click();
    expect(page.url()).toBe(`${app.origin}/login`);
  });

  it('ask for a new login if it is too old to set up a first authenticator', async () => {
    await logIn(page, app, 'ada');
    app.advance(16 * 60 * SECOND);
    await page.goto(`${app.origin}/mfa/enroll`);
    await page.getByRole('heading', { name: /log in/i }).waitFor();
  });

  it('show the first answer if a code is sent twice', async () => {
    const ada = await enroll(page, app, 'ada');
    await logOut(page, app);
    await logIn(page, app, 'ada');
    await page.getByLabel('6-digit code').fill(await nextCode(app, ada));
    await page.getByRole('button', { name: 'Continue' }).dblclick();
    await page.waitForURL(`${app.origin}/cases`);
  });
});
