import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { accessibilityViolations, launchChromium, openPage, requireChromium } from '../support/browser.js';
import { type DemoApp, startDemoApp } from '../support/demo-app.js';
import { describeWith } from '../support/requires.js';
import { tour } from './tour.js';

// Screenshots are taken only if `npm run screenshots` names a folder.
const pictures = process.env.MFA_KIT_SCREENSHOTS;
/** The screenshots of the README. All others go to a folder that is not committed. */
const SHOWN = ['enroll', 'recovery-codes', 'challenge', 'overview'];

const VIEWS = [
  { colorScheme: 'light', width: 1280, height: 800 },
  { colorScheme: 'dark', width: 1280, height: 800 },
  { colorScheme: 'light', width: 390, height: 844 },
  { colorScheme: 'dark', width: 390, height: 844 },
] as const;

describeWith(requireChromium(), 'every page', (executablePath) => {
  let browser: Browser;
  let app: DemoApp;

  beforeAll(async () => {
    [browser, app] = await Promise.all([launchChromium(executablePath), startDemoApp()]);
  });
  afterAll(async () => {
    await Promise.all([browser.close(), app.close()]);
  });

  it('are checked by a tool that finds a seeded fault', async () => {
    const { page, context } = await openPage(browser);
    await page.setContent('<main><img src="data:,"><p style="color:#aaa;background:#fff">pale</p></main>');
    const rules = (await accessibilityViolations(page)).map((line) => line.replace(/:.*/s, ''));
    expect(rules).toEqual(expect.arrayContaining(['image-alt', 'color-contrast', 'html-has-lang']));
    await context.close();
  });

  it('meet WCAG 2.2 AA in light and dark, load nothing from other origins, and fit a screen of 320 pixels', async () => {
    const { page } = await openPage(browser, { reducedMotion: 'reduce' });
    const found: string[] = [];
    page.on('console', (message) => {
      // The browser itself logs answers with an error status, which are intended here.
      if (!message.text().startsWith('Failed to load resource')) found.push(`console: ${message.text()}`);
    });
    page.on('pageerror', (error) => found.push(`script: ${error.message}`));
    page.on('request', (request) => {
      if (!request.url().startsWith(app.origin) && !request.url().startsWith('data:')) found.push(`foreign: ${request.url()}`);
    });

    const seen: string[] = [];
    await tour(page, app, async (name) => {
      seen.push(name);
      for (const { colorScheme, width, height } of VIEWS) {
        // Checks both color schemes and both layouts once.
        const judged = (colorScheme === 'light') === (width === 1280);
        if (!judged && !pictures) continue;
        await page.setViewportSize({ width, height });
        await page.emulateMedia({ colorScheme });
        if (judged)
          found.push(...(await accessibilityViolations(page)).map((line) => `${name} ${colorScheme} ${width}: ${line}`));
        if (pictures) await keepPicture({ name, width, colorScheme, png: await page.screenshot({ fullPage: true }) });
      }
      if (pictures && SHOWN.includes(name)) await keepShownPicture(page, name);
      await page.setViewportSize({ width: 320, height: 800 });
      const { scrollWidth } = await page.evaluate(() => ({ scrollWidth: document.documentElement.scrollWidth }));
      if (scrollWidth > 320) found.push(`${name}: ${scrollWidth} pixels wide on a screen of 320`);
      await page.setViewportSize({ width: 1280, height: 800 });
    });
    expect(found).toEqual([]);
    expect(seen.length).toBeGreaterThan(20);
  }, 240_000);
});

async function keepPicture(picture: { name: string; width: number; colorScheme: string; png: Buffer }): Promise<void> {
  const { name, width, colorScheme, png } = picture;
  const all = join(String(pictures), 'all');
  await mkdir(all, { recursive: true });
  await writeFile(join(all, `${name}-${width}-${colorScheme}.png`), png);
}

/** The screenshot in the README: narrower, and without the end of a long page, so that the file stays small. */
async function keepShownPicture(page: Page, name: string): Promise<void> {
  const width = 1080;
  await page.setViewportSize({ width, height: 720 });
  const height = await page.evaluate(() => {
    const end = document.querySelector('section:last-of-type')?.getBoundingClientRect().top;
    return Math.max(innerHeight, end ?? document.documentElement.scrollHeight);
  });
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    const path = join(String(pictures), `${name}${colorScheme === 'dark' ? '-dark' : ''}.png`);
    await page.screenshot({ fullPage: true, clip: { x: 0, y: 0, width, height: Math.floor(height) }, path });
  }
}
