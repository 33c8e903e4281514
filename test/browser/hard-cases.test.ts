import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import express, { type RequestHandler } from 'express';
import helmet from 'helmet';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Host, startHost } from '../express/host.js';
import { codeAt, keyOf, readQrCode } from '../support/authenticator.js';
import { launchChromium, openPage, requireChromium } from '../support/browser.js';
import { STEP } from '../support/demo-app.js';
import { describeWith } from '../support/requires.js';
import { answerWith, leaveRecoveryCodes, readManualKey, readRecoveryCodes, sendCode } from './person.js';

vi.setConfig({ testTimeout: 60_000 });

/** What applications do around the pages: helmet's headers, redirects to other sites, downloads. */
describeWith(requireChromium(), 'an application around the pages, in Chromium', (executablePath) => {
  let browser: Browser;
  let host: Host;
  let elsewhere: { origin: string; server: Server };

  beforeAll(async () => {
    elsewhere = await startElsewhere();
    [browser, host] = await Promise.all([launchChromium(executablePath), startApplication(elsewhere.origin)]);
  });
  afterAll(async () => {
    await Promise.all([browser?.close(), host?.close(), new Promise((resolve) => elsewhere.server.close(resolve))]);
  });

  describe.each([{ javaScriptEnabled: true }, { javaScriptEnabled: false }])('with JavaScript: $javaScriptEnabled', (options) => {
    /** A user with an authenticator who has logged in with only the password. */
    async function halfLoggedIn(username: string): Promise<{ page: Page; key: string; close(): Promise<void> }> {
      const { page, context } = await openPage(browser, options);
      const key = await enroll(page, username);
      await context.clearCookies();
      await logIn(page, username);
      return { page, key, close: () => context.close() };
    }

    it('F27: a form to a route with maxAgeSeconds leads to the prompt under a Referrer-Policy that sends no Referer', async () => {
      const { page, key, close } = await halfLoggedIn('ada');
      await page.goto(`${host.origin}/`);
      await page.getByRole('link', { name: 'Cases' }).click();
      await answerWith(page, await nextCode(key));
      expect(new URL(page.url()).pathname).toBe('/cases');
      host.clock.advance(301_000);
      await page.goto(`${host.origin}/pay`);
      await page.getByRole('button', { name: 'Pay' }).click();
      expect(new URL(page.url()).pathname).toBe('/mfa/challenge');
      await answerWith(page, await nextCode(key));
      await page.goto(`${host.origin}/pay`);
      await page.getByRole('button', { name: 'Pay' }).click();
      await page.getByText('{"ok":true}').waitFor();
      await close();
    });

    it('F42: arrives at another origin to which the return path redirects', async () => {
      const { page, key, close } = await halfLoggedIn('ada');
      await page.goto(`${host.origin}/`);
      await page.getByRole('link', { name: 'Pay at the bank' }).click();
      expect(new URL(page.url()).pathname).toBe('/mfa/challenge');
      await answerWith(page, await nextCode(key));
      await page.waitForURL(`${elsewhere.origin}/arrived`);
      await close();
    });

    it('F42: arrives there after the first enrollment too, from the page with the recovery codes', async () => {
      const { page, context } = await openPage(browser, options);
      const newcomer = `newcomer-${host.users.size}`;
      host.users.set(newcomer, { id: newcomer, name: `${newcomer}@example.com` });
      await logIn(page, newcomer);
      await page.goto(`${host.origin}/`);
      await page.getByRole('link', { name: 'Pay at the bank' }).click();
      expect(new URL(page.url()).pathname).toBe('/mfa/enroll');
      const key = await readManualKey(page);
      await answerWith(page, await codeAt(key, host.clock.now()));
      await readRecoveryCodes(page);
      await leaveRecoveryCodes(page);
      await page.waitForURL(`${elsewhere.origin}/arrived`);
      await context.close();
    });

    it('F44: if the return path is a download, it starts, and the page that stays has a link', async () => {
      const { page, key, close } = await halfLoggedIn('ada');
      await page.goto(`${host.origin}/`);
      const download = page.waitForEvent('download');
      await page.getByRole('link', { name: 'Report' }).click();
      expect(new URL(page.url()).pathname).toBe('/mfa/challenge');
      await sendCode(page, await nextCode(key));
      expect((await download).suggestedFilename()).toBe('report.csv');
      const again = page.waitForEvent('download');
      await page.getByRole('link', { name: 'Continue' }).click();
      await again;
      await page.goto(`${host.origin}/`);
      await page.getByRole('link', { name: 'Cases' }).click();
      expect(new URL(page.url()).pathname).toBe('/cases');
      await close();
    });

    it('F79: a link from another site to a page that acts is offered after the code, but not followed', async () => {
      const { page, key, close } = await halfLoggedIn('ada');
      deletions = 0;
      await page.goto(`${elsewhere.origin}/bait?to=${encodeURIComponent(`${host.origin}/delete-everything`)}`);
      await page.getByRole('link', { name: 'Win' }).click();
      await page.waitForURL(`${host.origin}/mfa/challenge`);
      await sendCode(page, await nextCode(key));
      await page.getByRole('link', { name: /\/delete-everything/ }).waitFor();
      await page.waitForTimeout(500);
      expect(deletions).toBe(0);
      await page.getByRole('link', { name: /\/delete-everything/ }).click();
      await page.waitForURL(`${host.origin}/delete-everything`);
      expect(deletions).toBe(1);
      await close();
    });
  });

  it('F48: a page with Turbo, which replaces bodies with fetched ones, leads to a page that works', async () => {
    const { page, context } = await openPage(browser);
    const newcomer = 'newcomer-turbo';
    host.users.set(newcomer, { id: newcomer, name: `${newcomer}@example.com` });
    await logIn(page, newcomer);
    await page.goto(`${host.origin}/turbo`);
    await expect.poll(() => page.evaluate(() => 'Turbo' in window)).toBe(true);
    await page.getByRole('link', { name: 'Cases' }).click();
    await page.waitForURL(`${host.origin}/mfa/enroll`);
    const key = await readManualKey(page);
    expect(keyOf(await readQrCode(await page.screenshot({ fullPage: true })))).toBe(key);
    // A separate document, in which its script runs and nothing of the application is left.
    await page.getByText(/New code in/).waitFor();
    expect(await page.evaluate(() => 'Turbo' in window)).toBe(false);
    await answerWith(page, await codeAt(key, host.clock.now()));
    await readRecoveryCodes(page);
    await leaveRecoveryCodes(page);
    await page.waitForURL((url) => !url.pathname.startsWith('/mfa'));

    // The same with a form that Turbo sends.
    host.clock.advance(301_000);
    await page.goto(`${host.origin}/turbo`);
    await expect.poll(() => page.evaluate(() => 'Turbo' in window)).toBe(true);
    await page.getByRole('button', { name: 'Pay' }).click();
    await page.waitForURL((url) => url.pathname === '/mfa/challenge');
    await answerWith(page, await nextCode(key));
    expect(new URL(page.url()).pathname).not.toMatch(/^\/mfa/);
    await context.close();
  });

  let deletions = 0;
  const keys = new Map<string, string>();

  async function logIn(page: Page, username: string): Promise<void> {
    await page.goto(`${host.origin}/login?user=${username}`);
    await page.getByRole('button', { name: 'Log in' }).click();
  }

  /** Logs in for the first time, sets up an authenticator and returns its key. */
  async function enroll(page: Page, username: string): Promise<string> {
    const known = keys.get(username);
    if (known) return known;
    await logIn(page, username);
    await page.goto(`${host.origin}/mfa/enroll`);
    const key = await readManualKey(page);
    await answerWith(page, await codeAt(key, host.clock.now()));
    await readRecoveryCodes(page);
    await leaveRecoveryCodes(page);
    keys.set(username, key);
    return key;
  }

  /** Advances the clock to the next period and returns its code. */
  function nextCode(key: string): Promise<string> {
    host.clock.advance(STEP);
    return codeAt(key, host.clock.now());
  }

  function startApplication(other: string): Promise<Host> {
    const home = '<a href="/cases">Cases</a> <a href="/bank">Pay at the bank</a> <a href="/report">Report</a>';
    const pay = '<form method="post" action="/payouts"><button>Pay</button></form>';
    // Before the guard, so that the page with Turbo is open, and before helmet, because its `upgrade-insecure-requests` would send a
    // redirected fetch to https, which does not run here.
    const turbo: RequestHandler = (req, res, next) => {
      if (req.path === '/turbo.js') return void res.type('js').send(turboScript());
      if (req.path === '/turbo') return void res.send(`<!doctype html><script src="/turbo.js"></script>${home}${pay}`);
      return next();
    };
    const login: RequestHandler = (req, res, next) => {
      if (req.method !== 'GET' || req.path !== '/login') return next();
      const action = `/login?user=${encodeURIComponent(String(req.query.user))}`;
      return void res.send(`<form method="post" action="${action}"><button>Log in</button></form>`);
    };
    return startHost({
      express,
      before: [turbo, helmet(), login],
      kit: { deviceCookie: { insecureHttpForDevelopment: true }, homeUrl: '/' },
      login: async ({ kit, req, res }) => {
        await (await kit.mfaFor(req, res)).beginLogin();
        res.redirect(303, '/');
      },
      routes({ app }) {
        app.get('/', (_req, res) => void res.send(home));
        app.get('/pay', (_req, res) => void res.send(pay));
        app.get('/bank', (_req, res) => res.redirect(303, `${other}/arrived`));
        app.get('/report', (_req, res) => void res.attachment('report.csv').send('a,b'));
        app.get('/delete-everything', (_req, res) => void res.send(`deleted ${++deletions}`));
      },
    });
  }

  async function startElsewhere(): Promise<{ origin: string; server: Server }> {
    const server = createServer((request, response) => {
      const url = new URL(String(request.url), 'http://localhost');
      response.setHeader('content-type', 'text/html');
      response.end(url.pathname === '/bait' ? `<a href="${url.searchParams.get('to')}">Win</a>` : 'arrived');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { origin: `http://localhost:${(server.address() as AddressInfo).port}`, server };
  }
});

function turboScript(): string {
  const require = createRequire(import.meta.url);
  return readFileSync(require.resolve('@hotwired/turbo/dist/turbo.es2017-umd.js'), 'utf8');
}
