import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { codeAt } from '../support/authenticator.js';
import { launchChromium, openPage, requireChromium } from '../support/browser.js';
import { type DemoApp, SECOND, STEP, startDemoApp } from '../support/demo-app.js';
import { describeWith } from '../support/requires.js';
import { answerWith, enroll, logIn, logOut, nextCode, readManualKey, wrongCode } from './person.js';

describeWith(requireChromium(), 'what went wrong is said', (executablePath) => {
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

  it('a wrong code and a used one, in the same words, beside the field that has the focus', async () => {
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

  it('too many wrong codes: how long to wait; and then the right code is in', async () => {
    const ada = await enroll(page, app, 'ada');
    await context.clearCookies();
    await logIn(page, app, 'ada');
    for (let guess = 0; guess < 5; guess += 1) await answerWith(page, await wrongCode(app, ada));
    expect(await alert()).toContain('Too many wrong codes');
    await page.getByText('Try again in 30 seconds.').waitFor();
    // Someone who comes back to the page is told so too.
    await page.goto(`${app.origin}/mfa/challenge`);
    expect(await alert()).toContain('Too many wrong codes');
    app.advance(STEP + SECOND);
    await page.goto(`${app.origin}/mfa/challenge`);
    expect(await page.getByRole('alert').count()).toBe(0);
    await answerWith(page, await nextCode(app, ada));
    expect(page.url()).toBe(`${app.origin}/cases`);
  });

  it('a set-up that took too long: it starts again with a new key', async () => {
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

  it('a lost session: log in again, and the way there', async () => {
    await enroll(page, app, 'ada');
    await logOut(page, app);
    await logIn(page, app, 'ada');
    await context.clearCookies();
    await answerWith(page, '123456');
    await page.getByText('Your session has ended').first().waitFor();
    await page.getByRole('link', { name: /log in/i }).click();
    expect(page.url()).toBe(`${app.origin}/login`);
  });

  it('a login that is too old to set up a first authenticator: log in again', async () => {
    await logIn(page, app, 'ada');
    app.advance(16 * 60 * SECOND);
    await page.goto(`${app.origin}/mfa/enroll`);
    await page.getByRole('heading', { name: /log in/i }).waitFor();
  });

  it('a code sent twice: the second answer is the first one’s', async () => {
    const ada = await enroll(page, app, 'ada');
    await logOut(page, app);
    await logIn(page, app, 'ada');
    await page.getByLabel('6-digit code').fill(await nextCode(app, ada));
    await page.getByRole('button', { name: 'Continue' }).dblclick();
    await page.waitForURL(`${app.origin}/cases`);
  });
});
