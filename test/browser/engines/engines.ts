import { launchChromium, openPage, requireChromium } from '../../support/browser.js';
import { launchFirefox, requireFirefox } from './firefox.js';
import type { EngineBrowser } from './journey-page.js';
import { launchWebKit, requireWebKit } from './webkit.js';

/** A browser engine that journeys run in. */
export interface Engine {
  name: 'Chromium' | 'Firefox' | 'WebKit';
  /** How it is started; null if a program is missing. */
  launch: (() => Promise<EngineBrowser>) | null;
}

/** Every engine. `requireChromium` also requires the programs that read QR codes and compute codes. */
export function engines(): Engine[] {
  const [chromium, firefox, webkit] = [requireChromium(), requireFirefox(), requireWebKit()];
  return [
    { name: 'Chromium', launch: chromium === null ? null : () => chromiumBrowser(chromium) },
    { name: 'Firefox', launch: firefox === null ? null : () => launchFirefox(firefox) },
    { name: 'WebKit', launch: webkit === null ? null : () => launchWebKit(webkit) },
  ];
}

async function chromiumBrowser(executablePath: string): Promise<EngineBrowser> {
  const browser = await launchChromium(executablePath);
  return {
    async openPerson() {
      const { page, context } = await openPage(browser);
      return { page, leave: () => context.close() };
    },
    close: () => browser.close(),
  };
}
