import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { codeAt, keyOf, readQrCode } from '../support/authenticator.js';
import { launchChromium, openPage, requireChromium } from '../support/browser.js';
import { type DemoApp, startDemoApp } from '../support/demo-app.js';
import { describeWith } from '../support/requires.js';
import {
  answerWith,
  leaveRecoveryCodes,
  logIn,
  logOut,
  nextCode,
  readManualKey,
  readRecoveryCodes,
  wrongCode,
} from './person.js';

describeWith(requireChromium(), 'with JavaScript off', (executablePath) => {
  let browser: Browser;
  let app: DemoApp;

  beforeAll(async () => {
    [browser, app] = await Promise.all([launchChromium(executablePath), startDemoApp()]);
  });
  afterAll(async () => {
    await Promise.all([browser.close(), app.close()]);
  });

  it('everything but the countdown works', async () => {
    const { page } = await openPage(browser, { javaScriptEnabled: false });
    await logIn(page, app, 'ada');
    const scanned = await readQrCode(await page.screenshot({ fullPage: true }));
    const key = await readManualKey(page);
    expect(keyOf(scanned)).toBe(key);
    expect(await page.getByText(/New code in/).isVisible()).toBe(false);
    await answerWith(page, await wrongCode(app, { key }));
    await page.getByText('That code did not work').waitFor();
    await answerWith(page, await codeAt(key, app.now()));
    expect(await readRecoveryCodes(page)).toHaveLength(10);
    // Nothing that would need a script is shown.
    expect(await page.getByRole('button', { name: 'Copy' }).isVisible()).toBe(false);
    await leaveRecoveryCodes(page);

    await logOut(page, app);
    await logIn(page, app, 'ada');
    await answerWith(page, await nextCode(app, { key }), { remember: true });
    expect(page.url()).toBe(`${app.origin}/cases`);

    await page.getByRole('link', { name: 'Security' }).click();
    await page.getByText('Rename', { exact: false }).first().click();
    await page.getByLabel('New name').fill('Blue phone');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { name: 'Blue phone' }).waitFor();

    await page.getByText('Add authenticator', { exact: true }).click();
    await page.getByLabel('Name (optional)').fill('Spare phone');
    await page.getByRole('button', { name: 'Show QR code' }).click();
    await answerWith(page, await codeAt(await readManualKey(page), app.now()));
    await page.goto(`${app.origin}/mfa`);
    await page.getByRole('heading', { name: 'Spare phone' }).waitFor();
    await page.locator('li', { hasText: 'Spare phone' }).locator('summary', { hasText: 'Remove' }).click();
    await page.locator('li', { hasText: 'Spare phone' }).getByRole('button', { name: 'Yes, remove it' }).click();
    await page.goto(`${app.origin}/mfa`);
    expect(await page.getByRole('heading', { name: 'Spare phone' }).count()).toBe(0);

    await page.getByText('Create new codes', { exact: true }).click();
    await page.getByRole('button', { name: 'Yes, create new codes' }).click();
    expect(await readRecoveryCodes(page)).toHaveLength(10);
    await leaveRecoveryCodes(page);

    await page.goto(`${app.origin}/mfa`);
    await page.getByText('End all other sessions', { exact: true }).click();
    await page.getByRole('button', { name: 'Yes, end them' }).click();
    await page.getByRole('button', { name: 'Revoke' }).first().click();
    // This session came from the device, so it needs a code now.
    await page.waitForURL(`${app.origin}/mfa/challenge?notice=device_ended`);
    await answerWith(page, await nextCode(app, { key }));
    await page.getByRole('heading', { name: 'Blue phone' }).waitFor();
    expect(page.url()).toBe(`${app.origin}/mfa`);
  }, 60_000);
});
