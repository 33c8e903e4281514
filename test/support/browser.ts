import { createRequire } from 'node:module';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { requireOathtool } from './authenticator.js';
import { requireProgram } from './requires.js';

/** The path of Chromium if all programs of the browser suites are installed; otherwise null. */
export function requireChromium(): string | null {
  const zbarimg = requireProgram(
    'zbarimg',
    'install zbar-tools, which reads the QR code from a screenshot (apt-get install zbar-tools)',
  );
  const found = requireProgram('chromium', 'install chromium (apt-get install chromium)');
  return requireOathtool() && zbarimg && found;
}

/** A host at 127.0.0.1 that the browser does not trust as it trusts localhost. */
export const PLAIN_HOST = 'intranet.example';

/** Starts Chromium with a fresh profile. */
export function launchChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      // The browser does not treat this name as localhost, so over plain http it sends no Sec-Fetch headers and allows no clipboard.
      `--host-resolver-rules=MAP ${PLAIN_HOST} 127.0.0.1`,
      // All pages are of one site, so one process renders them, which is twice as fast.
      '--disable-site-isolation-trials',
      '--disable-features=IsolateOrigins,site-per-process,BackForwardCache',
    ],
  });
}

/** A browser context with its own cookies. A wait of more than 10 s fails the test. */
export async function openPage(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; context: BrowserContext }> {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(10_000);
  return { context, page: await context.newPage() };
}

/** The violations of WCAG 2.2 AA on the page by axe-core, one line for each rule. */
export async function accessibilityViolations(page: Page): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axeSource());
  return page.evaluate(async () => {
    const { axe } = window as unknown as { axe: typeof import('axe-core') };
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const { violations } = await axe.run(document, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`);
  });
}

let source: string | undefined;

function axeSource(): string {
  const axe = createRequire(import.meta.url)('axe-core') as { source: string };
  source ??= axe.source;
  return source;
}
