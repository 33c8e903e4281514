import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { codeAt, keyOf, readQrCode } from '../support/authenticator.js';
import { launchChromium, openPage, requireChromium } from '../support/browser.js';
import { DAY, EXAMPLES, SECOND, startDemoApp } from '../support/demo-app.js';
import { describeWith } from '../support/requires.js';
import { answerWith, enroll, leaveRecoveryCodes, logIn, logOut, nextCode, readManualKey, readRecoveryCodes } from './person.js';

describeWith(requireChromium(), 'a person in Chromium', (executablePath) => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium(executablePath);
  });
  afterAll(() => browser.close());

  const path = (page: Page): string => new URL(page.url()).pathname;

  // The pages are the same over every framework: one walk past all of them shows that they arrive.
  it.each(EXAMPLES)(
    'scans, enrolls, is remembered for 30 days in this browser only, and is asked for money: %s',
    async (example) => {
      const app = await startDemoApp(example);
      const { page, context } = await openPage(browser);
      await logIn(page, app, 'ada');
      expect(path(page)).toBe('/mfa/enroll');
      await page.getByText('not with your phone’s camera').waitFor();

      const scanned = await readQrCode(await page.screenshot({ fullPage: true }));
      const key = await readManualKey(page);
      expect(await page.locator('#manual-key').innerText()).toMatch(/^([A-Z2-7]{4} ){7}[A-Z2-7]{4}$/);
      expect(scanned).toMatch(/^otpauth:\/\/totp\/Larkfield%20Legal:ada%40larkfield\.example\?/);
      expect(keyOf(scanned)).toBe(key);
      await answerWith(page, await codeAt(key, app.now()));
      const recoveryCodes = await readRecoveryCodes(page);
      expect(recoveryCodes.filter((code) => /^([0-9A-HJKMNP-TV-Z]{4}-){5}[0-9A-HJKMNP-TV-Z]{4}$/.test(code))).toHaveLength(10);
      await leaveRecoveryCodes(page);
      expect(path(page)).toBe('/cases');
      const ada = { key };

      await logOut(page, app);
      await logIn(page, app, 'ada');
      expect(path(page)).toBe('/mfa/challenge');
      await answerWith(page, await nextCode(app, ada), { remember: true });
      expect(path(page)).toBe('/cases');
      const tickedAt = app.now();

      await logOut(page, app);
      await logIn(page, app, 'ada');
      expect(path(page)).toBe('/cases');

      const other = await openPage(browser);
      await logIn(other.page, app, 'ada');
      expect(path(other.page)).toBe('/mfa/challenge');
      await other.context.close();

      // Money: asked even here, and the refused POST leads back to the page of its form.
      await page.getByRole('button', { name: 'Release payment' }).click();
      expect(path(page)).toBe('/mfa/challenge');
      await answerWith(page, await nextCode(app, ada));
      expect(path(page)).toBe('/cases');
      await page.getByRole('button', { name: 'Release payment' }).click();
      await page.getByText('The payment was released.').waitFor();

      app.advance(tickedAt + 30 * DAY + SECOND - app.now());
      await logOut(page, app);
      await logIn(page, app, 'ada');
      expect(path(page)).toBe('/mfa/challenge');
      await context.close();
      await app.close();
    },
  );

  it('is asked at each login without the tick', async () => {
    const fresh = await startDemoApp();
    const { page, context } = await openPage(browser);
    const ada = await enroll(page, fresh, 'ada');
    for (let login = 0; login < 2; login += 1) {
      await logOut(page, fresh);
      await logIn(page, fresh, 'ada');
      expect(page.url()).toBe(`${fresh.origin}/mfa/challenge`);
      await answerWith(page, await nextCode(fresh, ada));
      expect(page.url()).toBe(`${fresh.origin}/cases`);
    }
    await context.close();
    await fresh.close();
  });

  it('F17: revokes the device in use, after the page has said what that means, and needs a code to go on', async () => {
    const fresh = await startDemoApp();
    const { page, context } = await openPage(browser);
    const ada = await enroll(page, fresh, 'ada');
    const other = await openPage(browser);
    await logIn(other.page, fresh, 'ada');
    await answerWith(other.page, await nextCode(fresh, ada));
    expect(path(other.page)).toBe('/cases');
    await page.goto(`${fresh.origin}/mfa`);
    const own = page.getByRole('listitem').filter({ hasText: 'This device' });
    expect(await page.getByText('this session ends').count()).toBe(1);
    await own.getByText('this session ends').waitFor();
    await own.getByRole('button', { name: 'Revoke' }).click();
    expect(path(page)).toBe('/mfa/challenge');
    await page.goto(`${fresh.origin}/cases`);
    expect(path(page)).toBe('/mfa/challenge');
    await other.page.goto(`${fresh.origin}/cases`);
    expect(path(other.page)).toBe('/cases');
    await answerWith(page, await nextCode(fresh, ada));
    expect(path(page)).toBe('/cases');
    await Promise.all([context.close(), other.context.close()]);
    await fresh.close();
  });

  it('shares a browser with another, and each keeps the own remembrance', async () => {
    const fresh = await startDemoApp();
    const { page, context } = await openPage(browser);
    const ada = await enroll(page, fresh, 'ada');
    await logOut(page, fresh);
    await logIn(page, fresh, 'ada');
    await answerWith(page, await nextCode(fresh, ada), { remember: true });
    await logOut(page, fresh);

    const grace = await enroll(page, fresh, 'grace');
    await logOut(page, fresh);
    await logIn(page, fresh, 'grace');
    expect(page.url()).toBe(`${fresh.origin}/mfa/challenge`);
    await answerWith(page, await nextCode(fresh, grace), { remember: true });
    await logOut(page, fresh);

    for (const username of ['ada', 'grace', 'ada']) {
      await logIn(page, fresh, username);
      expect(page.url()).toBe(`${fresh.origin}/cases`);
      await logOut(page, fresh);
    }
    await context.close();
    await fresh.close();
  });

  it('gets in with a recovery code when the phone is lost, once', async () => {
    const fresh = await startDemoApp();
    const { page, context } = await openPage(browser);
    const ada = await enroll(page, fresh, 'ada');
    for (const expected of ['/cases', '/mfa/verify']) {
      await logOut(page, fresh);
      await logIn(page, fresh, 'ada');
      await page.getByRole('link', { name: 'Use a recovery code' }).click();
      await page.getByLabel('Recovery code').fill(ada.recoveryCodes[0]?.toLowerCase().replaceAll('-', ' ') ?? '');
      await page.getByRole('button', { name: 'Continue' }).click();
      expect(new URL(page.url()).pathname).toBe(expected);
    }
    await page.getByRole('alert').waitFor();
    await context.close();
    await fresh.close();
  });
});
