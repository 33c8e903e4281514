import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { codeAt, keyOf, readQrCode } from '../support/authenticator.js';
import { DAY, EXAMPLES, SECOND, STEP, startDemoApp } from '../support/demo-app.js';
import { ROUNDS } from '../support/proof.js';
import { describeWith } from '../support/requires.js';
import { engines } from './engines/engines.js';
import type { EngineBrowser, JourneyPage } from './engines/journey-page.js';
import {
  answerWith,
  enroll,
  leaveDone,
  leaveRecoveryCodes,
  logIn,
  logOut,
  nextCode,
  readManualKey,
  readRecoveryCodes,
  wrongCode,
} from './person.js';

vi.setConfig({ testTimeout: 240_000 });

for (const { name, launch } of engines()) {
  describeWith(launch, `a person in ${name}`, (start) => {
    let browser: EngineBrowser;

    beforeAll(async () => {
      browser = await start();
    });
    afterAll(() => browser?.close());

    /** Runs a test that depends only on the server in one engine, and in all of them with `npm run prove`. */
    const itOnce = (title: string, walk: () => Promise<void>): void => {
      if (name === 'Chromium' || ROUNDS > 2) it(title, walk);
    };
    const path = (page: JourneyPage): string => new URL(page.url()).pathname;

    // The pages are the same on every framework, so one journey on each of them in one engine is enough.
    it.each(name === 'Chromium' ? EXAMPLES : EXAMPLES.slice(0, 1))(
      'scans, enrolls, is remembered for 30 days in this browser only, and is challenged before a payment: %s',
      async (example) => {
        const app = await startDemoApp(example);
        const { page, leave } = await browser.openPerson();
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

        const other = await browser.openPerson();
        await logIn(other.page, app, 'ada');
        expect(path(other.page)).toBe('/mfa/challenge');
        await other.leave();

        // A payment requires a code even here, and the refused POST leads back to the page of its form.
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
        await leave();
        await app.close();
      },
    );

    itOnce('is challenged at each login without "Remember this device"', async () => {
      const fresh = await startDemoApp();
      const { page, leave } = await browser.openPerson();
      const ada = await enroll(page, fresh, 'ada');
      for (let login = 0; login < 2; login += 1) {
        await logOut(page, fresh);
        await logIn(page, fresh, 'ada');
        expect(page.url()).toBe(`${fresh.origin}/mfa/challenge`);
        await answerWith(page, await nextCode(fresh, ada));
        expect(page.url()).toBe(`${fresh.origin}/cases`);
      }
      await leave();
      await fresh.close();
    });

    itOnce('F17: revokes the device in use, after the page has said what that means, and then needs a code', async () => {
      const fresh = await startDemoApp();
      const { page, leave } = await browser.openPerson();
      const ada = await enroll(page, fresh, 'ada');
      const other = await browser.openPerson();
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
      await Promise.all([leave(), other.leave()]);
      await fresh.close();
    });

    itOnce('shares a browser with another user, and each is remembered separately', async () => {
      const fresh = await startDemoApp();
      const { page, leave } = await browser.openPerson();
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
      await leave();
      await fresh.close();
    });

    it('logs in with a recovery code if the phone is lost, once per code', async () => {
      const fresh = await startDemoApp();
      const { page, leave } = await browser.openPerson();
      const ada = await enroll(page, fresh, 'ada');
      for (const expected of ['/cases', '/mfa/verify']) {
        await logOut(page, fresh);
        await logIn(page, fresh, 'ada');
        await page.getByRole('link', { name: 'Use a recovery code' }).click();
        await page.getByLabel('Recovery code').fill(ada.recoveryCodes[0]?.toLowerCase().replaceAll('-', ' ') ?? '');
        await page.getByRole('button', { name: 'Continue' }).click();
        await leaveDone(page);
        expect(path(page)).toBe(expected);
      }
      await page.getByRole('alert').waitFor();
      await leave();
      await fresh.close();
    });

    it('sees what is wrong with a code, waits after five of them, and then reaches the requested page', async () => {
      const fresh = await startDemoApp();
      const { page, leave } = await browser.openPerson();
      const ada = await enroll(page, fresh, 'ada');
      await page.context().clearCookies();
      await logIn(page, fresh, 'ada');
      await page.goto(`${fresh.origin}/account`);
      expect(path(page)).toBe('/mfa/challenge');
      await answerWith(page, await wrongCode(fresh, ada));
      expect(await page.getByRole('alert').first().innerText()).toContain('That code did not work');
      expect(await page.getByLabel('6-digit code').getAttribute('aria-invalid')).toBe('true');

      // After the back button the form works again, although it was submitted before.
      await page.goBack();
      expect(path(page)).toBe('/mfa/challenge');
      for (let guess = 1; guess < 5; guess += 1) await answerWith(page, await wrongCode(fresh, ada));
      expect(await page.getByRole('alert').first().innerText()).toContain('Too many wrong codes');
      await page.getByText('Try again in ').first().waitFor();
      fresh.advance(STEP + SECOND);
      await page.goto(`${fresh.origin}/mfa/challenge`);
      await answerWith(page, await nextCode(fresh, ada));
      expect(path(page)).toBe('/account');

      // The back button does not lead to a challenge that was already passed. The page there may redirect, and then it
      // interrupts the first try to go elsewhere.
      await page.goBack();
      const goToCases = () => page.goto(`${fresh.origin}/cases`);
      await goToCases().catch(goToCases);
      expect(path(page)).toBe('/cases');
      await leave();
      await fresh.close();
    });

    it('adds, renames and removes an authenticator, replaces the codes, and ends the other sessions', async () => {
      const fresh = await startDemoApp();
      const { page, leave } = await browser.openPerson();
      const ada = await enroll(page, fresh, 'ada');
      const overview = `${fresh.origin}/mfa`;
      const spare = (words: string) => page.getByRole('listitem').filter({ hasText: words });

      await page.goto(overview);
      await page.getByText('Add authenticator', { exact: true }).click();
      await page.getByLabel('Name (optional)').fill('Spare phone');
      await page.getByRole('button', { name: 'Show QR code' }).click();
      await answerWith(page, await codeAt(await readManualKey(page), fresh.now()));
      await page.goto(overview);
      await spare('Spare phone').locator('summary').filter({ hasText: 'Rename' }).click();
      await spare('Spare phone').getByLabel('New name').fill('Blue phone');
      await spare('Spare phone').getByRole('button', { name: 'Save' }).click();
      await page.getByRole('heading', { name: 'Blue phone' }).waitFor();
      expect(await spare('Spare phone').count()).toBe(0);
      await spare('Blue phone').locator('summary').filter({ hasText: 'Remove' }).click();
      await spare('Blue phone').getByRole('button', { name: 'Yes, remove it' }).click();
      await page.goto(overview);
      expect(await spare('Blue phone').count()).toBe(0);

      await page.getByText('Create new codes', { exact: true }).click();
      await page.getByRole('button', { name: 'Yes, create new codes' }).click();
      const codes = await readRecoveryCodes(page);
      expect(codes.filter((code) => !ada.recoveryCodes.includes(code))).toHaveLength(10);
      await leaveRecoveryCodes(page);

      const other = await browser.openPerson();
      await logIn(other.page, fresh, 'ada');
      await answerWith(other.page, await nextCode(fresh, ada));
      expect(path(other.page)).toBe('/cases');
      await page.goto(overview);
      await page.getByText('End all other sessions', { exact: true }).click();
      await page.getByRole('button', { name: 'Yes, end them' }).click();
      await page.goto(`${fresh.origin}/cases`);
      expect(path(page)).toBe('/cases');
      await other.page.goto(`${fresh.origin}/cases`);
      expect(path(other.page)).not.toBe('/cases');
      await Promise.all([leave(), other.leave()]);
      await fresh.close();
    });
  });
}
